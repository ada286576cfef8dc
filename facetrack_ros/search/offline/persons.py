"""Persons and enrolled people of stored histories."""

from functools import cache
from pathlib import Path

import numpy as np

from facetrack_ros.errors import StoreError
from facetrack_ros.history.layout import history_folders
from facetrack_ros.history.people.gallery_store import GalleryStore
from facetrack_ros.history.people.merge_log import MergeLog
from facetrack_ros.history.sightings.database import stored_models
from facetrack_ros.history.sightings.table import best_faces_stored
from facetrack_ros.models.contract import ModelContract
from facetrack_ros.search.other_people import FaceOf, PersonFace
from facetrack_ros.search.people import FleetPeople, people_of_robot
def enrolled_face(data_dir: Path | str, name: str) -> GalleryEntry | None:
    """The entry of highest quality under a name, or the entry of that id, in the stored galleries.

    :raises StoreError: there is no such folder, or a gallery cannot be read.
    """
    entries = [
        entry
        for folder in history_folders(data_dir)
        if not folder.error
        for entry in GalleryStore(folder.path).read()
        if name in (entry.name, entry.entry_id)
    ]
    return max(entries, key=lambda entry: (entry.quality, entry.entry_id), default=None)
