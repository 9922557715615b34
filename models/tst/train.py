"""The trainer of `tst`: python train.py REQUEST.json, with models/python on the path."""
import numpy as np
import torch
from starling_models import classes, nets
from starling_models.trainer import main


class Tst:
    name, device = f"torch {torch.__version__}", nets.device_name()

    def fit(self, parts, settings, job, trial):
        train, validate, _ = parts
        nets.begin(job)
        weights = classes.weights_of(train.y, settings["balance"])
        net = nets.Tst(
            *nets.moments(train), job.length, np.log(weights), int(settings["width"]), int(settings["heads"]),
            int(settings["layers"]), int(settings["wide"]), settings["dropout"],
        )
        nets.warm(net, job)
        # Of this training's weights, whatever it began with.
        net.shift.copy_(torch.as_tensor(np.log(weights), dtype=torch.float32))
        loss = torch.nn.CrossEntropyLoss(torch.as_tensor(weights, dtype=torch.float32, device=nets.device()))
        y = [part.y.astype(np.int64) for part in (train, validate)]
        nets.fit(net, loss, train, y[0], validate, y[1], settings, job, trial)
        model = nets.Model(net, settings, job, "probabilities")
        model.loss = classes.log_loss(model.over(validate), validate.y)
        return model

    def space(self, trial, defaults):
        return {
            "width": trial.suggest_categorical("width", [32, 64]),
            "rate": trial.suggest_float("rate", 3e-4, 3e-3, log=True),
            "dropout": trial.suggest_float("dropout", 0.0, 0.3),
            "decay": trial.suggest_float("decay", 1e-4, 1e-1, log=True),
        }


main(Tst())
