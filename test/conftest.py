"""Where the real models, clips and faces are, for every test."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def real_data():
    """A function from a path below the folder of real data, ``FACETRACK_DATA`` or beside the repository, to where it lies."""
    folder = Path(os.environ.get("FACETRACK_DATA") or Path(__file__).resolve().parents[2] / "shared" / "data")

    def find(part: str) -> Path:
        if not (folder / part).exists():
            pytest.skip(f"no {part} in {folder}; set FACETRACK_DATA to the folder of real data")
        return folder / part

    return find
