"""The trainer of `lightgbm`: python train.py REQUEST.json, with models/python on the path."""
import lightgbm
import numpy as np
from starling_models import classes, trees
from starling_models.trainer import main


class Model:
    output = "probabilities"

    def __init__(self, booster, shift, loss, settings, names):
        self.booster, self.shift, self.loss, self.settings, self.names = booster, shift, loss, settings, names

    def answer(self, x):
        return classes.softmax(self.booster.predict(x, raw_score=True) - self.shift)

    def graph(self):
        from onnx import helper

        def tail(raw):
            return [
                helper.make_node("Sub", [raw, "shift"], ["logits"]),
                helper.make_node("Softmax", ["logits"], [self.output], axis=1),
            ], {"shift": self.shift}

        return trees.graph(self.booster, len(self.names), 3, self.output, tail)

    def importance(self):
        return trees.gains(self.booster, self.names)


class Lightgbm:
    name, device = f"lightgbm {lightgbm.__version__}", "cpu"

    def fit(self, parts, settings, job, trial):
        train, validate, _ = parts
        names = job.request["input"]["columns"]
        weights = classes.weights_of(train.y, settings["balance"])
        valid_x = validate.all()
        parameters = {
            "objective": "multiclass", "num_class": 3, "num_leaves": int(settings["leaves"]), "learning_rate": settings["rate"],
            "min_data_in_leaf": int(settings["leafRowsMin"]), "feature_fraction": settings["features"],
            "bagging_fraction": settings["bagging"], "bagging_freq": 1,
        }
        booster, rounds = trees.train(
            parameters, train.all(), train.y, weights[train.y.astype(int)],
            valid_x, validate.y, weights[validate.y.astype(int)],
            int(settings["rounds"]), int(settings["patience"]), names, job, trial, float,
        )
        shift = np.log(weights)
        model = Model(booster, shift, 0.0, {**settings, "roundsUsed": rounds}, names)
        model.loss = classes.log_loss(model.answer(valid_x), validate.y)
        return model

    def space(self, trial, defaults):
        return {
            "leaves": trial.suggest_int("leaves", 7, 63, log=True),
            "rate": trial.suggest_float("rate", 0.01, 0.15, log=True),
            "leafRowsMin": trial.suggest_int("leafRowsMin", 50, 2000, log=True),
            "features": trial.suggest_float("features", 0.4, 1.0),
            "bagging": trial.suggest_float("bagging", 0.5, 1.0),
        }


main(Lightgbm())
