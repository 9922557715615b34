"""The trainer of `lightgbm`: python train.py REQUEST.json, with models/python on the path."""
import lightgbm
import numpy as np
from starling_models import classes, trees
from starling_models.trainer import main


class Model(trees.Model):
    output, targets = "probabilities", 3

    def answer(self, x):
        return classes.softmax(self.booster.predict(x, raw_score=True) - self.shift)

    def tail(self, raw):
        from onnx import helper

        return [
            helper.make_node("Sub", [raw, "shift"], ["logits"]),
            helper.make_node("Softmax", ["logits"], [self.output], axis=1),
        ], {"shift": self.shift}


class Lightgbm:
    name, device = f"lightgbm {lightgbm.__version__}", "cpu"

    def fit(self, parts, settings, job, trial):
        train, validate, _ = parts
        weights = classes.weights_of(train.y, settings["balance"])
        weighed = [(part.all(), part.y, weights[part.y.astype(int)]) for part in (train, validate)]
        objective = {"objective": "multiclass", "num_class": 3}
        booster, used = trees.train(objective, settings, *weighed, job, trial)
        model = Model(booster, np.log(weights), used, job.request["input"]["columns"])
        model.loss = classes.log_loss(model.answer(weighed[1][0]), validate.y)
        return model

    def space(self, trial, defaults):
        return {
            **trees.space(trial, (50, 2000)),
            "features": trial.suggest_float("features", 0.4, 1.0),
            "bagging": trial.suggest_float("bagging", 0.5, 1.0),
        }


main(Lightgbm())
