"""Model files made here: INT8 versions of ONNX graphs (``int8``), ONNX exports of ResNet-50, ``publish_model``."""
