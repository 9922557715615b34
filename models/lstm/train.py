"""The trainer of `lstm`: python train.py REQUEST.json, with models/python on the path."""
import numpy as np
import torch
from starling_models import nets
from starling_models.trainer import main

# In deviations: what lies further out is learnt as if it lay here.
FAR = 5.0


class Lstm:
    name, device = f"torch {torch.__version__}", nets.device_name()

    def fit(self, parts, settings, job, trial):
        train, validate, _ = parts
        nets.begin(job)
        unit = float(train.y.std())
        net = nets.Lstm(*nets.moments(train), unit, int(settings["width"]))
        nets.warm(net, job)
        # The unit that this training's labels are in, whatever it began with.
        net.unit.copy_(torch.as_tensor(unit))
        y = [np.clip(part.y / unit, -FAR, FAR).astype(np.float32)[:, None] for part in (train, validate)]
        nets.fit(net, torch.nn.HuberLoss(), train, y[0], validate, y[1], settings, job, trial)
        model = nets.Model(net, settings, job, "value")
        said = model.over(validate)[:, 0]
        model.loss = float(((said - validate.y) ** 2).mean() / max(validate.y.var(), 1e-30))
        return model

    def space(self, trial, defaults):
        return {
            "width": trial.suggest_categorical("width", [16, 32, 64]),
            "rate": trial.suggest_float("rate", 3e-4, 3e-3, log=True),
            "decay": trial.suggest_float("decay", 1e-4, 1e-1, log=True),
        }


main(Lstm())
