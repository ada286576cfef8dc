"""A robot's people, with whom it knew when it was switched off."""

from pathlib import Path

from facetrack_ros.config import Config
from facetrack_ros.history.layout import history_folders
from facetrack_ros.history.people.gallery_store import GalleryStore
from facetrack_ros.history.people.known_persons import recall_persons
from facetrack_ros.history.people.merge_log import MergeLog
from facetrack_ros.models.contract import ModelContract
from facetrack_ros.tracking.factory import make_people_tracker
from facetrack_ros.tracking.id_allocator import IdAllocator
from facetrack_ros.tracking.people_tracker import PeopleTracker
from facetrack_ros.tracking.person_registry import TemplateRefused


def load_people_tracker(
    data_dir: Path, robot_id: str, config: Config, contract: ModelContract, others: bool = False
) -> PeopleTracker:
    """The people of a robot: its ids go on, and faces, verdicts and gallery are those of its folder.

    :param data_dir: folder that holds the robot's folder.
    :param contract: of the face embedder.
    :param others: whether to know whom the robots beside it in that folder knew too, for where no mesh tells of them.
    :raises StoreError: something of it cannot be read.
    :raises ConfigError: the chosen tracker is not here.
    """
    own = data_dir / robot_id
    aliases = MergeLog(own).read()
    neighbours = (
        [folder for folder in history_folders(data_dir) if others and not folder.error and folder.path != own]
        if data_dir.is_dir()
        else []
    )
    for folder in neighbours:
        for verdict in MergeLog(folder.path).read().decisions:
            aliases.add(verdict)
    people = make_people_tracker(robot_id, IdAllocator(own / "ids.json"), config, contract, aliases)
    for folder in neighbours:
        recall_persons(folder.path, contract, lambda *known: _learn(people, *known, merge=True))
    recall_persons(own, contract, lambda *known: _learn(people, *known, merge=False))
    for entry in GalleryStore(own).read()[0]:
        if entry.model_id == contract.id:
            people.gallery.add(entry)
    return people


def _learn(people: PeopleTracker, *known, merge: bool) -> None:
    try:
        people.learn(*known, merge=merge)
    except TemplateRefused:
        pass  # a face that two histories know differently stays as the first one has it
