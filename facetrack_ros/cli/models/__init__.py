"""``facetrack models``: one module per action: ``list``, ``show``, ``pull``, ``verify``, ``export``, ``quantize``."""
