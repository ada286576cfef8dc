"""``facetrack eval``: one module per kind of model: ``faces``, ``persons``."""
