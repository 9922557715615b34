"""Fits the first versions: python models/first/train.py MATRIX [family …]. See README.md."""
import pathlib, sys, time

import numpy as np

import artifact, dataset
from dataset import HORIZON, MINUTE, VOLATILITY, WINDOW, classes

ROOT = pathlib.Path(__file__).resolve().parent.parent
THRESHOLD = {"kind": "threshold", "up": dataset.UP, "down": dataset.DOWN}
LENGTH = 30
HOUR = 60


def spread(x, n):
    return x[np.linspace(0, len(x) - 1, n).astype(int)]


def common(family, markets, parts, columns, length):
    kind = "row" if length == 1 else "window"
    return dict(folder=ROOT / family / "v1", family=family, markets=markets, parts=parts,
                input={"kind": kind, "length": length, "columns": columns}, golden=spread(parts[2].x, 32 if length == 1 else 16))


def graph(nodes, constants, columns, output, width):
    import onnx
    from onnx import TensorProto, helper, numpy_helper
    g = helper.make_graph(nodes, "model", [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["n", columns])],
                          [helper.make_tensor_value_info(output, TensorProto.FLOAT, ["n", width])],
                          [numpy_helper.from_array(np.asarray(v, np.float32), k) for k, v in constants.items()])
    m = helper.make_model(g, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(m)
    return m.SerializeToString()


def linear(markets):
    from onnx import helper
    from sklearn.linear_model import LogisticRegression
    started = time.time()
    parts = train, _, test = dataset.split(markets, MINUTE, lambda m: m.label_return(HORIZON), HORIZON)
    mean, scale = train.x.mean(0, dtype=np.float64), 1 / train.x.std(0, dtype=np.float64)
    standard = lambda x: np.clip((x.astype(np.float64) - mean) * scale, -8, 8)
    model = LogisticRegression(max_iter=200, C=0.1).fit(standard(train.x), classes(train.y))
    answer = lambda x: model.predict_proba(standard(x))
    nodes = [helper.make_node("Sub", ["features", "mean"], ["centred"]), helper.make_node("Mul", ["centred", "scale"], ["scaled"]),
             helper.make_node("Clip", ["scaled", "low", "high"], ["clipped"]),
             helper.make_node("Gemm", ["clipped", "weight", "bias"], ["logits"]),
             helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1)]
    onnx = graph(nodes, {"mean": mean, "scale": scale, "low": -8, "high": 8, "weight": model.coef_.T, "bias": model.intercept_},
                 len(MINUTE), "probabilities", 3)
    artifact.write(**common("linear", markets, parts, MINUTE, 1), task="classify", label=THRESHOLD, horizon=HORIZON,
                   output={"tensor": "probabilities", "kind": "probabilities"}, model=onnx, answer=answer,
                   metrics={**artifact.score_classes(answer(test.x), classes(test.y), classes(train.y)), "trials": 1},
                   trainer="scikit-learn logistic regression", seconds=time.time() - started)


def lightgbm(markets):
    import lightgbm as lgb
    import trees
    started = time.time()
    parts = train, validate, test = dataset.split(markets, MINUTE, lambda m: m.label_return(HORIZON), HORIZON)
    data = lgb.Dataset(train.x, classes(train.y), feature_name=MINUTE)
    setting = dict(objective="multiclass", num_class=3, num_leaves=15, learning_rate=0.05, min_data_in_leaf=500,
                   feature_fraction=0.7, bagging_fraction=0.7, bagging_freq=1, seed=1, verbose=-1, num_threads=2)
    model = lgb.train(setting, data, 300, [lgb.Dataset(validate.x, classes(validate.y), reference=data)],
                      callbacks=[lgb.early_stopping(30, verbose=False)])
    model = lgb.Booster(model_str=model.model_to_string(num_iteration=model.best_iteration))
    gain = model.feature_importance("gain")
    order = np.argsort(-gain)
    metrics = artifact.score_classes(model.predict(test.x), classes(test.y), classes(train.y))
    metrics |= {"trials": 1, "rounds": model.num_trees() // 3,
                "importance": {MINUTE[i]: round(float(gain[i] / gain.sum()), 4) for i in order}}
    artifact.write(**common("lightgbm", markets, parts, MINUTE, 1), task="classify", label=THRESHOLD, horizon=HORIZON,
                   output={"tensor": "probabilities", "kind": "probabilities"}, model=trees.to_onnx(model, len(MINUTE)),
                   answer=model.predict, metrics=metrics, trainer=f"lightgbm {lgb.__version__}", seconds=time.time() - started)


def tst(markets):
    import torch
    import nets
    started = time.time()
    torch.manual_seed(1)
    parts = train, validate, test = dataset.split(markets, WINDOW, lambda m: m.label_return(HORIZON), HORIZON, LENGTH, step=4)
    model = nets.Tst(train.x)
    nets.fit(model, model.logits, torch.nn.CrossEntropyLoss(), (train.x, classes(train.y)), (validate.x, classes(validate.y)), epochs=3)
    p = nets.predict(model, test.x)
    artifact.write(**common("tst", markets, parts, WINDOW, LENGTH), task="classify", label=THRESHOLD, horizon=HORIZON,
                   output={"tensor": "probabilities", "kind": "probabilities"}, model=nets.to_onnx(model, train.x, "probabilities"),
                   answer=lambda x: nets.predict(model, x),
                   metrics={**artifact.score_classes(p, classes(test.y), classes(train.y)), "trials": 1},
                   trainer=f"torch {torch.__version__}", seconds=time.time() - started)


def lstm(markets):
    import torch
    import nets
    started = time.time()
    torch.manual_seed(1)
    parts = train, validate, test = dataset.split(markets, WINDOW, lambda m: m.label_return(HOUR), HOUR, LENGTH, step=4)
    unit = float(train.y.std())
    target = lambda p: (p.y / unit).astype(np.float32)[:, None].clip(-5, 5)
    model = nets.Lstm(train.x, unit)
    nets.fit(model, model.units, torch.nn.HuberLoss(), (train.x, target(train)), (validate.x, target(validate)), epochs=3)
    artifact.write(**common("lstm", markets, parts, WINDOW, LENGTH), task="regress", label={"kind": "return", "up": dataset.UP, "down": dataset.DOWN},
                   horizon=HOUR, output={"tensor": "value", "kind": "value"}, model=nets.to_onnx(model, train.x, "value"),
                   answer=lambda x: nets.predict(model, x),
                   metrics={**artifact.score_values(nets.predict(model, test.x)[:, 0], test.y, np.zeros(len(test.y)), "no change"), "trials": 1},
                   trainer=f"torch {torch.__version__}", seconds=time.time() - started)


def volatility(markets):
    from onnx import helper
    from sklearn.linear_model import Ridge
    started = time.time()
    parts = train, _, test = dataset.split(markets, VOLATILITY, lambda m: m.label_volatility(HOUR), HOUR)
    logged = np.array([c.startswith(("realised", "range")) for c in VOLATILITY])
    floor = 1e-5
    def inputs(x):
        x = x.astype(np.float64)
        return np.where(logged, np.log(np.maximum(x, floor)), x)
    mean, scale = inputs(train.x).mean(0), 1 / inputs(train.x).std(0)
    standard = lambda x: np.clip((inputs(x) - mean) * scale, -8, 8)
    model = Ridge(1.0).fit(standard(train.x), np.log(np.maximum(train.y, floor)))
    # The mean of a logarithm is not the logarithm of the mean.
    shift = np.log(train.y.mean() / np.exp(model.predict(standard(train.x))).mean())
    answer = lambda x: np.exp(model.predict(standard(x)) + shift)
    nodes = [helper.make_node("Max", ["features", "floor"], ["floored"]), helper.make_node("Log", ["floored"], ["log"]),
             helper.make_node("Mul", ["log", "logged"], ["a"]), helper.make_node("Mul", ["features", "plain"], ["b"]),
             helper.make_node("Add", ["a", "b"], ["inputs"]), helper.make_node("Sub", ["inputs", "mean"], ["centred"]),
             helper.make_node("Mul", ["centred", "scale"], ["scaled"]), helper.make_node("Clip", ["scaled", "low", "high"], ["clipped"]),
             helper.make_node("Gemm", ["clipped", "weight", "bias"], ["log_value"]), helper.make_node("Exp", ["log_value"], ["value"])]
    onnx = graph(nodes, {"floor": floor, "logged": logged, "plain": ~logged, "mean": mean, "scale": scale, "low": -8, "high": 8,
                         "weight": model.coef_[:, None], "bias": [model.intercept_ + shift]}, len(VOLATILITY), "value", 1)
    last = test.x[:, VOLATILITY.index("realised_volatility_60")].astype(np.float64)
    artifact.write(**common("volatility", markets, parts, VOLATILITY, 1), task="regress", label={"kind": "volatility"}, horizon=HOUR,
                   output={"tensor": "value", "kind": "value"}, model=onnx, answer=answer,
                   metrics={**artifact.score_values(answer(test.x), test.y, last, "the last hour's volatility"), "trials": 1},
                   trainer="scikit-learn ridge regression on logarithms", seconds=time.time() - started)


if __name__ == "__main__":
    fits = {f.__name__: f for f in (linear, lightgbm, tst, lstm, volatility)}
    markets = dataset.load(sys.argv[1])
    for name in sys.argv[2:] or fits:
        fits[name](markets)
