"""Boosted trees: LightGBM on float32, and its way into ONNX without a single row going down another branch.

LightGBM compares in float64, the runtime in float32. Trained on float32 values, a threshold that is rounded down to float32
splits every float32 row as the exact one did; rounded to nearest it does not (one row in five was off by up to 0.05)."""
import numpy as np


def floor32(value):
    f = np.float32(value)
    return f if float(f) <= value else np.nextafter(f, np.float32(-np.inf))


class Ensemble:
    """Attributes of the operator `TreeEnsemble` (ai.onnx.ml 5): a third of the size that the older one takes."""

    def __init__(self):
        self.features, self.splits, self.trues, self.falses = [], [], [], []
        self.true_leafs, self.false_leafs, self.roots, self.targets, self.weights = [], [], [], [], []

    def add(self, tree, target):
        root = tree["tree_structure"]
        if "leaf_value" in root and "split_feature" not in root:
            leaf = root["leaf_value"]
            root = {"split_feature": 0, "threshold": 0.0, "left_child": {"leaf_value": leaf}, "right_child": {"leaf_value": leaf}}
        self.roots.append(len(self.features))
        self._node(root, target)

    def _node(self, node, target):
        at = len(self.features)
        self.features.append(node["split_feature"])
        self.splits.append(floor32(node["threshold"]))
        for into in (self.trues, self.falses, self.true_leafs, self.false_leafs):
            into.append(0)
        for child, ids, leafs in (("left_child", self.trues, self.true_leafs), ("right_child", self.falses, self.false_leafs)):
            it = node[child]
            if "split_feature" in it:
                ids[at] = len(self.features)
                self._node(it, target)
            else:
                ids[at], leafs[at] = len(self.weights), 1
                self.targets.append(target)
                self.weights.append(it["leaf_value"])

    def operator(self, output, n_targets):
        from onnx import helper, numpy_helper

        tensor = lambda values, kind: numpy_helper.from_array(np.asarray(values, dtype=kind))
        return helper.make_node(
            "TreeEnsemble", ["features"], [output], domain="ai.onnx.ml",
            n_targets=n_targets, aggregate_function=1, post_transform=0, tree_roots=self.roots,
            nodes_featureids=self.features, nodes_splits=tensor(self.splits, np.float32),
            nodes_modes=tensor(np.zeros(len(self.features)), np.uint8),
            nodes_truenodeids=self.trues, nodes_falsenodeids=self.falses,
            nodes_trueleafs=self.true_leafs, nodes_falseleafs=self.false_leafs,
            leaf_targetids=self.targets, leaf_weights=tensor(self.weights, np.float32),
        )


def graph(booster, columns, n_targets, output, tail):
    """`tail(raw)` gives the nodes from the summed leaves to the output, and their constants."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    ensemble = Ensemble()
    for i, tree in enumerate(booster.dump_model()["tree_info"]):
        ensemble.add(tree, i % n_targets)
    nodes, constants = tail("raw")
    body = helper.make_graph(
        [ensemble.operator("raw", n_targets), *nodes], "model",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["n", columns])],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, ["n", n_targets])],
        [numpy_helper.from_array(np.asarray(v, np.float32), k) for k, v in constants.items()],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 5)]
    model = helper.make_model(body, opset_imports=opsets, ir_version=9)
    onnx.checker.check_model(model)
    return model.SerializeToString()


def floored(booster):
    """The booster with every threshold as the graph has it: what the graph is held against."""
    import re

    import lightgbm

    line = lambda m: "threshold=" + " ".join(repr(float(floor32(float(v)))) for v in m[1].split())
    text = re.sub(r"^threshold=(.*)$", line, booster.model_to_string(), flags=re.M)
    # The sizes of the trees' texts have changed with it.
    return lightgbm.Booster(model_str=re.sub(r"^tree_sizes=.*\n", "", text, flags=re.M))


def train(objective, settings, learn, choose, job, trial):
    """Over `(x, y, weights)` to learn from and to stop by; the booster as the graph has it, and the settings with what was used."""
    import lightgbm

    (train_x, train_y, weights), (valid_x, valid_y, valid_weights) = learn, choose
    names = job.request["input"]["columns"]
    data = lightgbm.Dataset(train_x, train_y, weight=weights, feature_name=names, free_raw_data=True)
    # Weighed as what is learnt is: else it would be stopped by another question than it is asked.
    valid = lightgbm.Dataset(valid_x, valid_y, weight=valid_weights, reference=data)
    job.progress.begin()

    def follow(env):
        if env.iteration % 5 == 0 or env.iteration + 1 == env.end_iteration:
            loss = env.evaluation_result_list[0][2]
            job.tell("round", env.iteration + 1, env.end_iteration, float(loss))
            if trial is not None:
                import optuna

                trial.report(loss, env.iteration)
                if trial.should_prune():
                    raise optuna.TrialPruned()

    parameters = {
        **objective, "num_leaves": int(settings["leaves"]), "learning_rate": settings["rate"],
        "min_data_in_leaf": int(settings["leafRowsMin"]), "feature_fraction": settings["features"],
        "bagging_fraction": settings["bagging"], "bagging_freq": 1,
        "verbose": -1, "seed": job.seed, "deterministic": True, "force_row_wise": True, "num_threads": job.threads,
    }
    booster = lightgbm.train(
        parameters, data, int(settings["rounds"]), [valid],
        callbacks=[lightgbm.early_stopping(int(settings["patience"]), verbose=False), follow],
    )
    best = booster.best_iteration or booster.current_iteration()
    whole = lightgbm.Booster(model_str=booster.model_to_string(num_iteration=best))
    return floored(whole), {**settings, "roundsUsed": best}


def space(trial, leaf_rows):
    return {
        "leaves": trial.suggest_int("leaves", 7, 63, log=True),
        "rate": trial.suggest_float("rate", 0.01, 0.15, log=True),
        "leafRowsMin": trial.suggest_int("leafRowsMin", *leaf_rows, log=True),
    }


class Model:
    """A booster and what comes behind its leaves: a family says `output`, how many `targets` its trees have, `answer(x)`, and
    in `tail(raw)` the same for the graph."""

    loss = None
    # No row goes down another branch, so what is left is rounding.
    parity_max = 1e-5

    def __init__(self, booster, shift, settings, names):
        self.booster, self.shift, self.settings, self.names = booster, shift, settings, names

    def graph(self):
        return graph(self.booster, len(self.names), self.targets, self.output, self.tail)

    def importance(self):
        return gains(self.booster, self.names)


def gains(booster, names):
    gain = booster.feature_importance("gain")
    total = gain.sum() or 1.0
    return {name: float(g / total) for name, g in sorted(zip(names, gain), key=lambda it: -it[1])}
