"""The LightGBM call alone, over the very matrix, weights and settings of a training request: prints its seconds."""
import json
import sys
import time
from pathlib import Path

import lightgbm
from starling_models import classes
from starling_models.rows import read_parts

request = json.loads(Path(sys.argv[1]).read_text())
settings = request["settings"]
train, validate, _ = read_parts(request)
weights = classes.weights_of(train.y, settings["balance"])
parts = [(part.all(), part.y, weights[part.y.astype(int)]) for part in (train, validate)]
parameters = {
    "objective": "multiclass", "num_class": 3, "num_leaves": settings["leaves"], "learning_rate": settings["rate"],
    "min_data_in_leaf": settings["leafRowsMin"], "feature_fraction": settings["features"],
    "bagging_fraction": settings["bagging"], "bagging_freq": 1, "verbose": -1, "seed": 1, "num_threads": request["threads"],
    "deterministic": True, "force_row_wise": True,
}
begun = time.perf_counter()
data, valid = (lightgbm.Dataset(x, y, weight=w) for x, y, w in parts)
lightgbm.train(parameters, data, settings["rounds"], [valid.set_reference(data)])
print(time.perf_counter() - begun)
