"""Zero-shot evaluation: the loop over a dataset, what it writes, panels, ONNX graphs."""
