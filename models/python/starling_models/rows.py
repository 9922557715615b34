"""The rows of dataset folders (models/dataset/manifest.ts): whole ones over given ranges, as rows or as windows."""
import datetime
import json
import pathlib

import numpy as np
import pyarrow.parquet as parquet

from .protocol import Refused

MINUTE_ROWS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}


def _millis(text):
    return int(datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() * 1000)


def _interval(text):
    unit = text.lstrip("0123456789")
    return int(text[: -len(unit)]) * MINUTE_ROWS[unit]


class Dataset:
    """One folder, its columns in memory as float32: 180 days of a minute with 36 columns are 37 MB."""

    def __init__(self, folder, columns):
        folder = pathlib.Path(folder)
        meta = json.loads((folder / "dataset.json").read_text())
        table = parquet.read_table(folder / "rows.parquet", columns=["open_at", "flaw", "target", *columns])
        self.start = _millis(meta["from"])
        self.interval = _interval(meta["interval"])
        self.flaw = table["flaw"].to_numpy()
        self.target = table["target"].to_numpy().astype(np.float64)
        self.x = np.empty((table.num_rows, len(columns)), dtype=np.float32)
        for i, name in enumerate(columns):
            self.x[:, i] = table[name].to_numpy()
        self.known = np.isfinite(self.x).all(1)

    def places(self, ranges, length):
        """Rows that are examples and have a whole window behind them, in order."""
        example = (self.flaw == 0) & np.isfinite(self.target)
        unknown = np.concatenate([[0], np.cumsum(~self.known)])
        at = np.arange(len(example))
        first = at - length + 1
        whole = (first >= 0) & (unknown[at + 1] - unknown[np.maximum(first, 0)] == 0)
        found = []
        for since, until in ranges:
            a = max(0, -(-(since - self.start) // self.interval))
            b = min(len(example), -(-(until - self.start) // self.interval))
            found.append(np.flatnonzero(example[a:b] & whole[a:b]) + a)
        return np.concatenate(found) if found else np.zeros(0, dtype=np.int64)


class Part:
    """Examples of one part of the split, from all datasets: rows are gathered when they are asked for."""

    def __init__(self, datasets, places, length):
        self.datasets, self.length = datasets, length
        self.which = np.concatenate([np.full(len(p), i) for i, p in enumerate(places)]).astype(np.int64)
        self.at = np.concatenate(places).astype(np.int64)
        self.y = np.concatenate([d.target[p] for d, p in zip(datasets, places)])

    def __len__(self):
        return len(self.at)

    def take(self, index):
        """[n, columns] for rows, [n, length, columns] for windows."""
        width = self.datasets[0].x.shape[1]
        out = np.empty((len(index), self.length, width), dtype=np.float32)
        back = np.arange(-self.length + 1, 1)
        for i, dataset in enumerate(self.datasets):
            mine = np.flatnonzero(self.which[index] == i)
            out[mine] = dataset.x[self.at[index[mine]][:, None] + back]
        return out[:, 0] if self.length == 1 else out

    def all(self):
        return self.take(np.arange(len(self)))


def read_parts(request):
    columns, length = request["input"]["columns"], request["input"]["length"]
    datasets = [Dataset(folder, columns) for folder in request["datasets"]]
    parts = {}
    for name in ("train", "validate", "test"):
        places = [d.places(request["ranges"][name], length) for d in datasets]
        parts[name] = Part(datasets, newest(places, request["rowsMax"]) if name == "train" else places, length)
    check(request, parts["train"], parts["validate"])
    return parts["train"], parts["validate"], parts["test"]


def newest(places, rows_max):
    """The newest of each dataset, as many as its share of all."""
    total = max(1, sum(len(p) for p in places))
    return [p[len(p) - min(len(p), len(p) * rows_max // total):] for p in places]


ROWS_MIN = 500


def check(request, train, validate):
    if len(train) < ROWS_MIN:
        raise Refused("data.too_few", f"{len(train)} rows to learn from, at least {ROWS_MIN} are needed")
    if len(validate) < ROWS_MIN // 10:
        raise Refused("data.too_few", f"{len(validate)} rows to stop and choose by are too few")
    if request["task"] == "classify" and len(np.unique(train.y)) < 2:
        raise Refused("data.one_class", "every training row is of the same class")
    if request["task"] == "regress" and train.y.std() == 0:
        raise Refused("data.one_class", "every training row has the same value")
