"""Persons and enrolled people of stored histories."""

from functools import cache
from pathlib import Path

import numpy as np

from facetrack_ros.errors import StoreError
from facetrack_ros.history.layout import history_folders
from facetrack_ros.history.people.merge_log import MergeLog
from facetrack_ros.history.sightings.database import stored_models
from facetrack_ros.history.sightings.table import best_faces_stored
from facetrack_ros.models.contract import ModelContract
from facetrack_ros.search.other_people import FaceOf, PersonFace
from facetrack_ros.search.people import FleetPeople, people_of_robot
from facetrack_ros.tracking.identity_merges import IdentityMerges

_NO_FACES = np.empty((0, 0), np.float32), np.empty(0, np.float32)


def stored_people(data_dir: Path | str) -> FleetPeople:
    """What the robots below a folder hold of persons; a folder that cannot be read is in ``not_listed``.

    :raises StoreError: there is no such folder, or no robot in it.
    """
    folders = history_folders(data_dir)
    if not folders:
        raise StoreError(
            f"there is no robot's history below {data_dir}; give the folder that --data named when the robots ran"
        )
    robots = tuple(people_of_robot(folder.path, folder.robot_id) for folder in folders if not folder.error)
    errors = [(folder.robot_id, folder.error) for folder in folders] + [
        (robot.robot_id, robot.error) for robot in robots
    ]
    return FleetPeople(robots, tuple((robot, error) for robot, error in errors if error))


def stored_merges(data_dir: Path | str) -> IdentityMerges:
    """The identity merges of all robots below a folder.

    :raises StoreError: there is no such folder, or a file in it cannot be read.
    """
    return IdentityMerges(
        decision
        for folder in history_folders(data_dir)
        if not folder.error
        for decision in MergeLog(folder.path).read().decisions
    )


def stored_faces(data_dir: Path | str, contract: ModelContract, merges: IdentityMerges) -> FaceOf:
    """The face of each person, under any of its merged ids, from the sightings of all robots below a folder.

    :param contract: of the embedder.
    """

    @cache
    def face_of(person_id: str) -> PersonFace | None:
        found = []
        for folder in history_folders(data_dir):
            if folder.error or contract.id not in stored_models(folder.path):
                continue
            try:
                found.append(best_faces_stored(folder.path, contract, merges.group(person_id)))
            except StoreError:
                continue  # reported in the response
        embeddings, qualities = map(np.concatenate, zip(*found)) if found else _NO_FACES
        return PersonFace.of(embeddings, qualities)

    return face_of
