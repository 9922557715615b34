"""An artifact's graph in Python's onnxruntime, one thread, over as many rows as asked in bundles of one size: prints the
seconds of the runs alone, whose inputs were made before."""
import json
import sys
import time
from pathlib import Path

import numpy
import onnxruntime

folder, bundle, rows = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
what = json.loads((folder / "manifest.json").read_text())["input"]
golden = numpy.array(json.loads((folder / "golden.json").read_text())["inputs"], dtype=numpy.float32)
shape = (bundle, len(what["columns"])) if what["kind"] == "row" else (bundle, what["length"], len(what["columns"]))
inputs = numpy.resize(golden, (bundle, golden.shape[1])).reshape(shape)
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = options.inter_op_num_threads = 1
session = onnxruntime.InferenceSession(folder / "model.onnx", options, providers=["CPUExecutionProvider"])
for _ in range(20):
    session.run(None, {what["tensor"]: inputs})
began = time.perf_counter()
for _ in range(-(-rows // bundle)):
    session.run(None, {what["tensor"]: inputs})
print(time.perf_counter() - began)
