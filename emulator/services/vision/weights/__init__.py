"""Packaged weights turned into ONNX, once, without torch or TensorFlow."""
