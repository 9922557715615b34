"""A small LightGBM of the direction: reads examples and rows to judge from a folder, leaves the probability of a buy."""
import json
import sys
from pathlib import Path

import lightgbm
import numpy

folder = Path(sys.argv[1])
width = json.loads((folder / "shape.json").read_text())["width"]
learn = numpy.fromfile(folder / "learn.f32", dtype=numpy.float32).reshape(-1, width)
target = numpy.fromfile(folder / "target.u8", dtype=numpy.uint8)
judge = numpy.fromfile(folder / "judge.f32", dtype=numpy.float32).reshape(-1, width)
# The newest sixth stops it, a horizon apart from what it learns.
cut = len(learn) * 5 // 6
model = lightgbm.LGBMClassifier(
    n_estimators=200, learning_rate=0.05, num_leaves=7, min_child_samples=200, random_state=1, n_jobs=1, verbose=-1
)
model.fit(
    learn[: cut - 15],
    target[: cut - 15] == 2,
    eval_X=learn[cut:],
    eval_y=target[cut:] == 2,
    callbacks=[lightgbm.early_stopping(20, verbose=False)],
)
model.predict_proba(judge)[:, 1].astype(numpy.float32).tofile(folder / "buy.f32")
