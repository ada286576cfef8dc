"""Folders of model files and their records."""

import os
from pathlib import Path


def cache_folder() -> Path:
    """The user's own model folder, for downloads and for models made on this machine."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if os.path.isabs(base) else Path.home() / ".cache") / "facetrack" / "models"


def model_folders() -> list[Path]:
    """Folders searched for models: those of ``FACETRACK_MODELS``, then the cache."""
    named = [Path(name).expanduser() for name in os.environ.get("FACETRACK_MODELS", "").split(os.pathsep) if name]
    return [*named, cache_folder()]
