"""The trainer of `lstm`: python train.py REQUEST.json, with models/python on the path."""
import numpy as np
import torch
from starling_models import nets
from starling_models.protocol import say
from starling_models.trainer import main

# In deviations: what lies further out is learnt as if it lay here.
FAR = 5.0


class Model:
    output = "value"

    def __init__(self, net, loss, settings, length, columns):
        self.net, self.loss, self.settings, self.length, self.columns = net, loss, settings, length, columns

    def answer(self, x):
        return nets.predict(self.net, x)

    def graph(self):
        return nets.to_onnx(self.net, self.length, self.columns, self.output)

    def importance(self):
        return None


class Lstm:
    name, device = f"torch {torch.__version__}", nets.device_name()

    def fit(self, parts, settings, job, trial):
        train, validate, _ = parts
        torch.manual_seed(job.seed)
        torch.set_num_threads(job.threads)
        mean, deviation = nets.moments(train)
        unit = float(train.y.std())
        net = nets.Lstm(mean, deviation, unit, int(settings["width"]))
        if job.request["warmStart"]:
            say("warning", text=f"begins with {nets.begin_with(net, job.request['warmStart'])} tensors of the serving version")
            net.unit.copy_(torch.as_tensor(unit))
        y = [np.clip(part.y / unit, -FAR, FAR).astype(np.float32)[:, None] for part in (train, validate)]
        nets.fit(net, torch.nn.HuberLoss(), train, y[0], validate, y[1], settings, job, trial)
        model = Model(net, 0.0, settings, job.length, len(mean))
        said = np.concatenate([model.answer(validate.take(i))[:, 0] for i in np.array_split(np.arange(len(validate)), 16)])
        model.loss = float(((said - validate.y) ** 2).mean() / max(validate.y.var(), 1e-30))
        return model

    def space(self, trial, defaults):
        return {
            "width": trial.suggest_categorical("width", [16, 32, 64]),
            "rate": trial.suggest_float("rate", 3e-4, 3e-3, log=True),
            "decay": trial.suggest_float("decay", 1e-4, 1e-1, log=True),
        }


main(Lstm())
