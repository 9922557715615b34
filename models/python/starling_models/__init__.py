"""What the Python trainers share: the rows of datasets, the protocol of a trainer, ONNX by hand, and a search over settings."""
