"""Whom a robot knew when it was switched off, from what it keeps anyway: no second copy of anybody's face."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from facetrack_ros.history.sightings.database import database_path
from facetrack_ros.history.sightings.store import SightingStore
from facetrack_ros.models.contract import ModelContract

Learn = Callable[[str, str, np.ndarray, np.ndarray], None]


def recall_persons(directory: Path | str, contract: ModelContract, learn: Learn, most: int = 2000) -> int:
    """Tell of the persons whose faces a robot's folder holds, the ones seen last at the end; returns how many.

    A face deleted from the history is thereby no longer known after the next start.

    :param directory: the robot's folder.
    :param contract: of the embedder; faces by others are of no use.
    :param learn: called with person id, model id, ``(n, dimension)`` unit rows and ``(n,)`` qualities.
    :param most: persons at most, the latest.
    :raises StoreError: the history is there and cannot be read.
    """
    if not database_path(directory, contract.id).is_file():
        return 0
    store = SightingStore.open_readonly(directory, contract)
    try:
        persons = store.persons()[-most:]
        for person in persons:
            learn(person.person_id, contract.id, *store.best_faces(person.person_id))
        return len(persons)
    finally:
        store.close()
