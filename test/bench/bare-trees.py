"""LightGBM by hand over the same rows and settings as a training request's: prints the seconds of the call alone."""
import json
import sys
import time
from pathlib import Path

import lightgbm
import numpy
import pyarrow.parquet

request = json.loads(Path(sys.argv[1]).read_text())
columns, settings = request["input"]["columns"], request["settings"]
table = pyarrow.parquet.read_table(f"{request['datasets'][0]}/rows.parquet", columns=["open_at", "flaw", "target", *columns])
at, flaw, y = (table[name].to_numpy() for name in ("open_at", "flaw", "target"))
x = numpy.stack([table[name].to_numpy() for name in columns], axis=1)


def part(name):
    since, until = request["ranges"][name][0]
    rows = (at >= since) & (at < until) & (flaw == 0)
    return x[rows], y[rows]


begun = time.time()
train = lightgbm.Dataset(*part("train"), free_raw_data=True)
parameters = {
    "objective": "multiclass", "num_class": 3, "num_leaves": settings["leaves"], "learning_rate": settings["rate"],
    "min_data_in_leaf": settings["leafRowsMin"], "feature_fraction": settings["features"],
    "bagging_fraction": settings["bagging"], "bagging_freq": 1, "verbose": -1, "seed": 1, "num_threads": request["threads"],
    "deterministic": True, "force_row_wise": True,
}
lightgbm.train(parameters, train, settings["rounds"], [lightgbm.Dataset(*part("validate"), reference=train)])
print(time.time() - begun)
