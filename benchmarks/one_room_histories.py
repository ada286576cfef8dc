"""Searches of a stored history with the people of one room."""

import tempfile
from pathlib import Path

import numpy as np
from one_room_faces import RoomFaces

from facetrack_ros.history.robot_history import RobotHistory
from facetrack_ros.models.contract import ModelContract
from facetrack_ros.search.offline.persons import stored_faces, stored_merges
from facetrack_ros.search.offline.search import search_stored
from facetrack_ros.search.other_people import settle_people
from facetrack_ros.search.request import SearchRequest

_SECOND, _BOX = 10**9, np.array([0, 0, 50, 50], np.float32)
#: Pictures of each person that are references, not seen.
REFERENCES = 2


def search_room(room: RoomFaces, threshold: float, contract: ModelContract) -> dict[str, int]:
    """Visits of the person asked for and of others: by the best face alone, and by the default rule."""
    rng, references = np.random.default_rng(0), np.zeros(len(room.people), bool)
    names = list(np.unique(room.people))
    for person in names:
        rows = np.flatnonzero(room.people == person)
        references[rng.permutation(rows)[: REFERENCES * (len(rows) > 2 * REFERENCES)]] = True
    counts = dict.fromkeys(("searches", "found before", "false before", "found", "false", "alike"), 0)
    counts["person set apart"] = 0
    with tempfile.TemporaryDirectory() as folder:
        store_room(Path(folder), room, ~references, contract)
        merges = stored_merges(folder)
        face_of = stored_faces(folder, contract, merges)
        for row in np.flatnonzero(references):
            asked = f"p_robot1_{names.index(room.people[row])}"
            request = SearchRequest("s", room.embeddings[row], contract.id, threshold=threshold, max_results=100)
            found = search_stored(folder, request, contract)
            settled = settle_people(found, merges, face_of)
            own, others = ([each.person_id == asked for each in part] for part in (settled.matches, settled.alike))
            counts["searches"] += 1
            counts["found before"] += any(own + others)
            counts["false before"] += (own + others).count(False)
            counts["found"] += any(own)
            counts["false"] += own.count(False)
            counts["alike"] += others.count(False)
            counts["person set apart"] += others.count(True)
    return counts


def store_room(folder: Path, room: RoomFaces, seen: np.ndarray, contract: ModelContract) -> None:
    """The history of a robot with a visit of each person, one after another."""
    history = RobotHistory(folder, "robot1", contract)
    for number, person in enumerate(np.unique(room.people)):
        for place, row in enumerate(np.flatnonzero((room.people == person) & seen)):
            second = 100 * number + place
            ids = (second, f"t_{number}", f"p_robot1_{number}")
            face = (_BOX, _BOX, float(room.qualities[row]), room.embeddings[row], lambda: b"")
            history.sightings.add("front", second * _SECOND, *ids, *face)
    history.close()
