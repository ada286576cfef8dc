"""Makes model files: INT8 versions and ONNX exports."""
