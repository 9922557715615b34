"""The trainer of `volatility`: python train.py REQUEST.json, with models/python on the path."""
import lightgbm
import numpy as np
from starling_models import trees
from starling_models.trainer import main

# Below it a market has not moved: logarithms need a floor.
FLOOR = 1e-6


class Model(trees.Model):
    output, targets = "value", 1

    def answer(self, x):
        return np.exp(self.booster.predict(x) + self.shift)[:, None]

    def tail(self, raw):
        from onnx import helper

        return [
            helper.make_node("Add", [raw, "shift"], ["logarithm"]),
            helper.make_node("Exp", ["logarithm"], [self.output]),
        ], {"shift": [self.shift]}


class Volatility:
    name, device = f"lightgbm {lightgbm.__version__}", "cpu"

    def fit(self, parts, settings, job, trial):
        train, validate, _ = parts
        logarithms = [(part.all(), np.log(np.maximum(part.y, FLOOR)), None) for part in (train, validate)]
        objective = {"objective": "regression", "metric": "l2"}
        booster, used = trees.train(objective, settings, *logarithms, job, trial)
        # The mean of a logarithm is not the logarithm of the mean: squared errors want the latter.
        shift = float(np.log(train.y.mean() / np.exp(booster.predict(logarithms[0][0])).mean()))
        model = Model(booster, shift, used, job.request["input"]["columns"])
        said = model.answer(logarithms[1][0])[:, 0]
        model.loss = float(((said - validate.y) ** 2).mean() / max(validate.y.var(), 1e-30))
        return model

    def space(self, trial, defaults):
        return trees.space(trial, (100, 3000))


main(Volatility())
