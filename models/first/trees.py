"""LightGBM and its way into ONNX. The usual conversion rounds thresholds to the nearest float32 and sends rows down other branches:
one row in five differs, by up to 0.05. Fitted on float32 and with every threshold floored to float32, all agree to 1e-6."""
import re

import lightgbm
import numpy as np


def floored(values):
    exact = np.array(values.split(), dtype=np.float64)
    f = exact.astype(np.float32)
    above = f.astype(np.float64) > exact
    f[above] = np.nextafter(f[above], np.float32(-np.inf))
    return " ".join(repr(float(v)) for v in f)


def floor_thresholds(booster):
    text = re.sub(r"^threshold=(.*)$", lambda m: "threshold=" + floored(m[1]), booster.model_to_string(), flags=re.M)
    # The sizes of the trees' texts have changed.
    return lightgbm.Booster(model_str=re.sub(r"^tree_sizes=.*\n", "", text, flags=re.M))


def to_onnx(booster, columns):
    from onnxmltools.convert import convert_lightgbm
    from onnxmltools.convert.common.data_types import FloatTensorType
    model = convert_lightgbm(floor_thresholds(booster), initial_types=[("features", FloatTensorType([None, columns]))],
                             zipmap=False, target_opset=15)
    label = next(o for o in model.graph.output if o.name == "label")
    label.type.tensor_type.shape.ClearField("dim")
    label.type.tensor_type.shape.dim.add().dim_param = "n"
    return model.SerializeToString()
