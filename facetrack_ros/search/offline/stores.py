"""Opens the sighting stores of a stored history."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from facetrack_ros.history.sightings.database import stored_models
from facetrack_ros.history.sightings.model_contract import load_contract
from facetrack_ros.history.sightings.store import SightingStore


def stores_below(path: Path) -> Iterator[SightingStore]:
    """Open the store of each model in a robot's folder, read-only; each is closed before the next one is opened.

    :raises StoreError: a store or its model contract cannot be read.
    """
    for model_id in stored_models(path):
        with closing(SightingStore.open_readonly(path, load_contract(path, model_id))) as store:
            yield store
