"""Writes an artifact's folder: manifest, graph, golden rows, metrics, each named by size and sha256."""
import datetime, hashlib, json, pathlib

import numpy as np
import onnxruntime as ort


def iso(ms):
    return datetime.datetime.fromtimestamp(ms / 1000, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def short(rows):
    """Six digits are kept, so that a golden row is the same number in every language."""
    return np.array([[float(f"{v:.6g}") for v in row] for row in rows.reshape(len(rows), -1)], dtype=np.float32).reshape(rows.shape)


def write(folder, *, family, task, label, horizon, input, output, markets, parts, model, answer, metrics, trainer, seconds, golden):
    """`answer` is the training framework's own function of rows; `golden` are inputs to ask it."""
    train, validate, test = parts
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.onnx").write_bytes(model)
    golden = short(golden)
    said = np.asarray(answer(golden), dtype=np.float64).reshape(len(golden), -1)
    check(model, input, output, golden, said)
    rows = lambda a: "[\n" + ",\n".join("[" + ",".join(f"{float(v):.9g}" for v in r) + "]" for r in a.reshape(len(a), -1)) + "\n]"
    (folder / "golden.json").write_text('{"inputs": ' + rows(golden) + ', "outputs": ' + rows(said) + "}\n")
    part = lambda p: {"from": iso(p.first), "to": iso(p.last), "rows": len(p.y)}
    metrics = {"split": {"train": part(train), "validate": part(validate), "test": part(test)}, **metrics}
    (folder / "metrics.json").write_text(json.dumps(metrics, indent=2) + "\n")
    files = {}
    for name in ("model.onnx", "golden.json", "metrics.json"):
        data = (folder / name).read_bytes()
        files[name] = {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    manifest = {
        "format": "starling-model/1", "family": family, "coin": "*", "interval": "1m", "horizonCandles": horizon, "task": task,
        **({"classes": ["sell", "hold", "buy"]} if task == "classify" else {}),
        "label": label,
        "input": {"tensor": "features", **input, "featureSet": markets[0].feature_set},
        "output": output,
        "trained": {"from": iso(train.first), "to": iso(validate.last), "rows": len(train.y), "purgeCandles": horizon, "seed": 1,
                    "markets": [{"source": "bitfinex", "coin": m.coin, "from": iso(train.first), "to": iso(validate.last)} for m in markets],
                    "device": "cpu", "seconds": round(seconds), "trainer": trainer},
        "files": files,
    }
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n")
    print(family, len(model), "bytes", json.dumps(metrics["test"]), json.dumps(metrics["noSkill"]))


def check(model, input, output, golden, said):
    found = ort.InferenceSession(model).run([output["tensor"]], {"features": golden})[0].reshape(said.shape)
    worst = np.abs(found - said).max()
    assert worst < 2e-5, f"the graph differs from its framework by {worst}"


def score_classes(p, y, train_y):
    share = np.bincount(train_y, minlength=3) / len(train_y)
    recall = [float((p.argmax(1)[y == k] == k).mean()) for k in range(3)]
    one = np.eye(3)[y]
    loss = lambda q: float(-np.log(np.maximum(q[np.arange(len(y)), y], 1e-9)).mean())
    brier = lambda q: float(((q - one) ** 2).sum(1).mean())
    same = np.broadcast_to(share, p.shape)
    return {
        "test": {"n": len(y), "accuracy": float((p.argmax(1) == y).mean()), "balancedAccuracy": float(np.mean(recall)),
                 "logLoss": loss(p), "brier": brier(p)},
        "noSkill": {"kind": "class frequencies of the training rows", "accuracy": float((y == share.argmax()).mean()),
                    "balancedAccuracy": 1 / 3, "logLoss": loss(same), "brier": brier(same)},
    }


def score_values(v, y, no_skill, kind):
    error = lambda q: {"rmse": float(np.sqrt(((q - y) ** 2).mean())), "mae": float(np.abs(q - y).mean())}
    return {"test": {"n": len(y), **error(v), "correlation": float(np.corrcoef(v, y)[0, 1])}, "noSkill": {"kind": kind, **error(no_skill)}}
