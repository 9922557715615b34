"""The matrix that matrix.ts wrote, cut into rows or windows with their labels, split by time."""
import json, pathlib
from dataclasses import dataclass

import numpy as np

HORIZON = 15
UP, DOWN = 0.0015, -0.0015
# Shares of the half year: fitted on the first, stopped by the second, reported on the third, which nothing else has seen.
TRAIN, VALIDATE = 0.70, 0.80


@dataclass
class Market:
    coin: str
    start: int
    feature_set: str
    names: list
    features: np.ndarray
    close: np.ndarray
    traded: np.ndarray

    def label_return(self, horizon):
        r = np.full(len(self.close), np.nan)
        r[:-horizon] = self.close[horizon:] / self.close[:-horizon] - 1
        return r

    def label_volatility(self, horizon):
        """Square root of the sum of squared log returns of the next minutes."""
        s = np.diff(np.log(self.close), prepend=np.log(self.close[0])) ** 2
        total = np.concatenate([[0], np.cumsum(s)])
        v = np.full(len(self.close), np.nan)
        v[:-horizon] = np.sqrt(np.maximum(total[horizon + 1:] - total[1:-horizon], 0))
        return v


def load(folder):
    markets = []
    for path in sorted(pathlib.Path(folder).glob("*/matrix.json")):
        meta = json.loads(path.read_text())
        names = [c["name"] for c in meta["columns"]]
        read = lambda name, kind: np.fromfile(path.parent / name, dtype=kind)
        features = read("features.f32", np.float32).reshape(meta["rows"], len(names))
        markets.append(Market(meta["coin"], meta["from"], meta["featureSet"], names, features,
                              read("close.f64", np.float64), read("traded.u8", np.uint8).astype(bool)))
    return markets


@dataclass
class Part:
    x: np.ndarray
    y: np.ndarray
    at: np.ndarray
    first: int
    last: int


def split(markets, columns, label, horizon, length=1, step=1):
    """Three parts of rows (or windows of `length`), embargoed by the horizon, every `step`-th kept."""
    parts = {"train": [], "validate": [], "test": []}
    for m in markets:
        take = [m.names.index(c) for c in columns]
        x, y = m.features[:, take], label(m)
        whole = np.isfinite(x).all(1)
        whole = np.convolve(~whole, np.ones(length), "full")[:len(whole)] == 0 if length > 1 else whole
        good = whole & np.isfinite(y) & m.traded
        n = len(y)
        bounds = {"train": (length, int(n * TRAIN) - horizon), "validate": (int(n * TRAIN), int(n * VALIDATE) - horizon),
                  "test": (int(n * VALIDATE), n)}
        for name, (a, b) in bounds.items():
            keep = np.flatnonzero(good[a:b])[::1 if name == "test" and length == 1 else step] + a
            if length == 1:
                rows = x[keep]
            else:
                rows = np.lib.stride_tricks.sliding_window_view(x, length, axis=0)[keep - length + 1].transpose(0, 2, 1)
            parts[name].append(Part(np.ascontiguousarray(rows, dtype=np.float32), y[keep], m.start + keep * 60000,
                                    m.start + a * 60000, m.start + b * 60000))
    join = lambda name: Part(np.concatenate([p.x for p in parts[name]]), np.concatenate([p.y for p in parts[name]]),
                             np.concatenate([p.at for p in parts[name]]),
                             min(p.first for p in parts[name]), max(p.last for p in parts[name]))
    return join("train"), join("validate"), join("test")


def classes(returns):
    """0 sell, 1 hold, 2 buy."""
    return np.where(returns >= UP, 2, np.where(returns <= DOWN, 0, 1))


MINUTE = [
    "log_return_1", "log_return_3", "log_return_5", "log_return_15", "log_return_60",
    "candle_body", "upper_wick", "lower_wick", "close_position",
    "range_15", "range_60", "range_position_15", "range_position_60",
    "close_zscore_15", "close_zscore_30", "close_zscore_60",
    "return_deviation_5", "return_deviation_15", "return_deviation_60",
    "bollinger_width", "bollinger_position",
    "log_volume_ratio_5", "log_volume_ratio_15", "log_volume_ratio_60", "volume_change_1",
    "obv_slope_15", "obv_slope_60", "close_to_vwap_60",
    "realised_volatility_15", "realised_volatility_60", "realised_volatility_variation_15",
    "hour_sin", "hour_cos", "weekday_sin", "weekday_cos", "weekend",
]
# No column looks back further than an hour, so a new market and a healed gap are answered after one.
WINDOW = [
    "log_return_1", "log_return_5", "log_return_15", "log_return_60",
    "candle_body", "close_position", "range_15", "range_60", "range_position_60",
    "close_zscore_15", "close_zscore_60", "return_deviation_5", "return_deviation_60",
    "bollinger_width", "bollinger_position",
    "log_volume_ratio_5", "log_volume_ratio_60", "volume_change_1", "obv_slope_15", "obv_slope_60",
    "close_to_vwap_60", "realised_volatility_60", "hour_sin", "hour_cos",
]
# The volatility of the past at several lengths is what foretells that of the next hour.
VOLATILITY = [
    "realised_volatility_15", "realised_volatility_60", "realised_volatility_240",
    "range_15", "range_60", "range_240", "log_volume_ratio_60", "hour_sin", "hour_cos", "weekend",
]
