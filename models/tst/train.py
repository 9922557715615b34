"""The trainer of `tst`: python train.py REQUEST.json, with models/python on the path."""
import numpy as np
import torch
from starling_models import classes, nets
from starling_models.protocol import say
from starling_models.trainer import main


class Model:
    output = "probabilities"

    def __init__(self, net, loss, settings, length, columns):
        self.net, self.loss, self.settings, self.length, self.columns = net, loss, settings, length, columns

    def answer(self, x):
        return nets.predict(self.net, x)

    def graph(self):
        return nets.to_onnx(self.net, self.length, self.columns, self.output)

    def importance(self):
        return None


class Tst:
    name, device = f"torch {torch.__version__}", nets.device_name()

    def fit(self, parts, settings, job, trial):
        train, validate, _ = parts
        torch.manual_seed(job.seed)
        torch.set_num_threads(job.threads)
        mean, deviation = nets.moments(train)
        weights = classes.weights_of(train.y, settings["balance"])
        net = nets.Tst(
            mean, deviation, job.length, np.log(weights), int(settings["width"]), int(settings["heads"]),
            int(settings["layers"]), int(settings["wide"]), settings["dropout"],
        )
        if job.request["warmStart"]:
            say("warning", text=f"begins with {nets.begin_with(net, job.request['warmStart'])} tensors of the serving version")
            net.shift.copy_(torch.as_tensor(np.log(weights), dtype=torch.float32))
        loss = torch.nn.CrossEntropyLoss(torch.as_tensor(weights, dtype=torch.float32, device=nets.device()))
        y = [part.y.astype(np.int64) for part in (train, validate)]
        nets.fit(net, loss, train, y[0], validate, y[1], settings, job, trial)
        model = Model(net, 0.0, settings, job.length, len(mean))
        said = np.concatenate([model.answer(validate.take(i)) for i in np.array_split(np.arange(len(validate)), 16)])
        model.loss = classes.log_loss(said, validate.y)
        return model

    def space(self, trial, defaults):
        return {
            "width": trial.suggest_categorical("width", [32, 64]),
            "rate": trial.suggest_float("rate", 3e-4, 3e-3, log=True),
            "dropout": trial.suggest_float("dropout", 0.0, 0.3),
            "decay": trial.suggest_float("decay", 1e-4, 1e-1, log=True),
        }


main(Tst())
