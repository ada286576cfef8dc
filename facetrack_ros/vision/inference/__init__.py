"""ONNX Runtime sessions, torch devices, threads, memory: nothing that knows what a person is."""
