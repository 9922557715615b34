"""A trainer from request to artifact: read, search, fit, hold the graph against the framework on every validation row, write.

A family's `train.py` hands over an object with `name`, `device`, `fit(parts, settings, job)` giving something with `loss`,
`settings`, `graph()`, `answer(x)`, `output` and `importance()`, and `space(trial, settings)` for the search."""
import errno
import json
import pathlib
import sys
import time

import numpy as np

from . import protocol
from .protocol import Refused, say

GOLDEN = {"row": 32, "window": 16}
PARITY_MAX = 1e-4


class Job:
    def __init__(self, request):
        self.request = request
        self.progress = protocol.Progress()
        self.seed, self.threads = request["seed"], request["threads"]
        self.length = request["input"]["length"]

    def tell(self, part, done, of, loss=None):
        self.progress.tell(part, done, of, loss)


def main(family):
    protocol.quiet_stdout()
    protocol.leave_with_parent()
    started = time.time()
    try:
        request = json.loads(pathlib.Path(sys.argv[1]).read_text())
        say("started", trainer=family.name, device=family.device)
        work(family, request, started)
        say("done")
    except Refused as refused:
        say("failed", code=refused.code, message=str(refused))
        sys.exit(1)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        say("failed", code="disk.full", message="the artifact: the disk is full: make room on it")
        sys.exit(1)


def work(family, request, started):
    from .rows import read_parts
    from .search import search

    job = Job(request)
    parts = train, validate, test = read_parts(request)
    model, trials = search(family, parts, job)
    out = pathlib.Path(request["out"])
    job.tell("export", 0, 1)
    graph = model.graph()
    (out / "model.onnx").write_bytes(graph)
    parity = hold(graph, model, validate, job)
    golden = next(p for p in (test, validate, train) if len(p) >= 64)
    inputs = short(golden.take(np.linspace(0, len(golden) - 1, GOLDEN[request["input"]["kind"]]).astype(int)))
    said = np.asarray(model.answer(inputs), dtype=np.float64).reshape(len(inputs), -1)
    (out / "golden.json").write_text(json.dumps({"inputs": inputs.reshape(len(inputs), -1).tolist(), "outputs": said.tolist()}))
    counts = [int((train.y == k).sum()) for k in range(3)] if request["task"] == "classify" else None
    trained = {
        "trainer": family.name,
        "device": family.device,
        "seconds": round(time.time() - started, 3),
        "rows": {"train": len(train), "validate": len(validate)},
        "input": {"tensor": "features"},
        "output": {"tensor": model.output, "kind": "probabilities" if request["task"] == "classify" else "value"},
        "parity": parity,
        "importance": model.importance(),
        "trials": trials,
        "settings": model.settings,
        "frequencies": counts,
    }
    (out / "trained.json").write_text(json.dumps(trained, indent=2, allow_nan=False))


def hold(graph, model, part, job):
    """The greatest difference between the framework and the graph, over every row."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = job.threads
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    worst, scale = 0.0, 1.0
    for index in np.array_split(np.arange(len(part)), max(1, len(part) // 4096)):
        x = part.take(index)
        expected = np.asarray(model.answer(x), dtype=np.float64).reshape(len(index), -1)
        found = session.run([model.output], {"features": x})[0].reshape(expected.shape)
        if not (np.isfinite(expected).all() and np.isfinite(found).all()):
            raise Refused("model.not_finite", "the model answers numbers that are none")
        if job.request["task"] == "regress":
            scale = max(np.abs(expected).max(), 1e-12)
        worst = max(worst, float(np.abs(expected - found).max() / scale))
    if worst > getattr(model, "parity_max", PARITY_MAX):
        raise Refused("model.parity", f"the graph answers otherwise than the framework, by {worst:.2g}")
    return worst


def short(x):
    """Six digits, so that a golden number is the same in every language."""
    return np.array([float(f"{v:.6g}") for v in x.ravel()], dtype=np.float32).reshape(x.shape)
