"""The trainer of `volatility`: python train.py REQUEST.json, with models/python on the path."""
import lightgbm
import numpy as np
from starling_models import trees
from starling_models.trainer import main

# Below it a market has not moved: logarithms need a floor.
FLOOR = 1e-6


class Model:
    output = "value"

    def __init__(self, booster, shift, loss, settings, names):
        self.booster, self.shift, self.loss, self.settings, self.names = booster, shift, loss, settings, names

    def answer(self, x):
        return np.exp(self.booster.predict(x) + self.shift)[:, None]

    def graph(self):
        from onnx import helper

        def tail(raw):
            return [
                helper.make_node("Add", [raw, "shift"], ["logarithm"]),
                helper.make_node("Exp", ["logarithm"], [self.output]),
            ], {"shift": [self.shift]}

        return trees.graph(self.booster, len(self.names), 1, self.output, tail)

    def importance(self):
        return trees.gains(self.booster, self.names)


class Volatility:
    name, device = f"lightgbm {lightgbm.__version__}", "cpu"

    def fit(self, parts, settings, job, trial):
        train, validate, _ = parts
        names = job.request["input"]["columns"]
        logarithm = lambda y: np.log(np.maximum(y, FLOOR))
        valid_x = validate.all()
        parameters = {
            "objective": "regression", "num_leaves": int(settings["leaves"]), "learning_rate": settings["rate"],
            "min_data_in_leaf": int(settings["leafRowsMin"]), "feature_fraction": settings["features"],
            "bagging_fraction": settings["bagging"], "bagging_freq": 1, "metric": "l2",
        }
        train_x = train.all()
        booster, rounds = trees.train(
            parameters, train_x, logarithm(train.y), None, valid_x, logarithm(validate.y), None,
            int(settings["rounds"]), int(settings["patience"]), names, job, trial, float,
        )
        # The mean of a logarithm is not the logarithm of the mean: squared errors want the latter.
        shift = float(np.log(train.y.mean() / np.exp(booster.predict(train_x)).mean()))
        model = Model(booster, shift, 0.0, {**settings, "roundsUsed": rounds}, names)
        model.loss = float(((model.answer(valid_x)[:, 0] - validate.y) ** 2).mean() / max(validate.y.var(), 1e-30))
        return model

    def space(self, trial, defaults):
        return {
            "leaves": trial.suggest_int("leaves", 7, 63, log=True),
            "rate": trial.suggest_float("rate", 0.01, 0.15, log=True),
            "leafRowsMin": trial.suggest_int("leafRowsMin", 100, 3000, log=True),
        }


main(Volatility())
