"""A model made with scikit-learn and skl2onnx by somebody who has never heard of Starling's trainers: python foreign.py OUT FEATURE_SET."""
import hashlib, json, pathlib, sys

import numpy as np
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType
from sklearn.ensemble import ExtraTreesClassifier

out, feature_set = pathlib.Path(sys.argv[1]), sys.argv[2]
columns = ["log_return_1", "rsi_14", "close_zscore_60"]
rng = np.random.default_rng(1)
x = np.stack([rng.normal(0, 1e-3, 4000), rng.uniform(0, 100, 4000), rng.normal(0, 1, 4000)], 1).astype(np.float32)
y = (x[:, 2] > 0.5).astype(int) - (x[:, 2] < -0.5).astype(int) + 1
model = ExtraTreesClassifier(12, max_depth=4, random_state=1).fit(x, y)
graph = to_onnx(model, initial_types=[("features", FloatTensorType([None, 3]))], options={"zipmap": False, "output_class_labels": False}, target_opset=15)
label = next(o for o in graph.graph.output if o.name == "label")
graph.graph.output.remove(label)
out.mkdir(parents=True, exist_ok=True)
golden = x[:24]
files = {
    "model.onnx": graph.SerializeToString(),
    "golden.json": json.dumps({"inputs": golden.tolist(), "outputs": model.predict_proba(golden).tolist()}).encode(),
    "metrics.json": json.dumps({"frequencies": np.bincount(y, minlength=3).tolist()}).encode(),
}
for name, content in files.items():
    (out / name).write_bytes(content)
manifest = {
    "format": "starling-model/1", "family": "grove", "coin": "*", "interval": "1m", "horizonCandles": 15, "task": "classify",
    "classes": ["sell", "hold", "buy"], "label": {"kind": "threshold", "up": 0.0015, "down": -0.0015},
    "input": {"tensor": "features", "kind": "row", "length": 1, "columns": columns, "featureSet": feature_set},
    "output": {"tensor": "probabilities", "kind": "probabilities"},
    "trained": {"from": "2019-01-01T00:00:00Z", "to": "2019-02-01T00:00:00Z", "rows": 4000, "purgeCandles": 15,
                "markets": [{"source": "elsewhere", "coin": "BTC/USD", "from": "2019-01-01T00:00:00Z", "to": "2019-02-01T00:00:00Z"}],
                "trainer": "scikit-learn extra trees"},
    "files": {n: {"bytes": len(c), "sha256": hashlib.sha256(c).hexdigest()} for n, c in files.items()},
}
(out / "manifest.json").write_text(json.dumps(manifest))
