"""``facetrack fleet``: one module per action: ``init``, ``join``, ``operators``, ``remove``, ``status``."""
