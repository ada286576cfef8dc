"""A robot's people tracker with the persons that its history knows."""

from pathlib import Path

from facetrack_ros.config import Config
from facetrack_ros.history.layout import history_folders
from facetrack_ros.history.people.gallery_store import GalleryStore
from facetrack_ros.history.people.merge_log import MergeLog
from facetrack_ros.history.set_aside import set_foreign_aside
from facetrack_ros.history.sightings.database import database_path
from facetrack_ros.history.sightings.store import SightingStore
from facetrack_ros.history.stored_ids import open_ids
from facetrack_ros.models.contract import ModelContract
from facetrack_ros.tracking.factory import make_people_tracker
from facetrack_ros.tracking.identity.person_registry import TemplateRefused
from facetrack_ros.tracking.people_tracker import PeopleTracker


def load_people_tracker(
    data_dir: Path, robot_id: str, config: Config, contract: ModelContract, others: bool = False
) -> PeopleTracker:
    """Make the people tracker of a robot with the ids, faces, merges and gallery of its folder.

    :param data_dir: folder that holds the robot's folder.
    :param contract: of the face embedder.
    :param others: whether to learn the persons of the other robots in that folder too, where no mesh shares them.
    :raises StoreError: part of the folder cannot be read.
    :raises ConfigError: the chosen tracker is missing.
    """
    own = data_dir / robot_id
    set_foreign_aside(own)
    merges = MergeLog(own).repair()
    neighbours = []
    if others and data_dir.is_dir():
        neighbours = [folder.path for folder in history_folders(data_dir) if not folder.error and folder.path != own]
    for neighbour in neighbours:
        for decision in MergeLog(neighbour).read().decisions:
            merges.add_listed(decision)
    people = make_people_tracker(robot_id, open_ids(own / "ids.json", robot_id), config, contract, merges)
    for folder in (*neighbours, own):
        learn_history(people, folder, contract, seen=folder == own)
    if others:
        people.settle(people.persons(), foreign=True)
    for entry in GalleryStore(own, contract).repair():
        if entry.model_id == contract.id:
            people.gallery.add(entry)
    return people


def learn_history(people: PeopleTracker, directory: Path, contract: ModelContract, seen: bool = False) -> None:
    """Learn the persons with a face in a robot's folder, those seen last at the end.

    The sightings are the only copy of a face on disk: one that is deleted is unknown after the next start.

    :param directory: the robot's folder.
    :param contract: of the embedder; faces of other embedders are ignored.
    :param seen: whether the folder is that of the tracker's robot.
    :raises StoreError: the history cannot be read.
    """
    if not database_path(directory, contract.id).is_file():
        return
    store = SightingStore.open_readonly(directory, contract)
    try:
        for person in store.persons()[-people.settings.max_persons :]:
            try:
                faces = store.best_faces(person.person_id)
                people.learn(person.person_id, contract.id, *faces, merge=False, seen=seen)
            except TemplateRefused:
                continue  # a face that differs between two histories stays as learned first
    finally:
        store.close()
