"""The fleet's answer from stored histories on this disk, without ROS."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from facetrack_ros.errors import StoreError
from facetrack_ros.history.database import models_kept
from facetrack_ros.history.folders import RobotFolder, history_folders
from facetrack_ros.history.sightings import SightingStore
from facetrack_ros.search.answer import ERROR, Answer, Match, RobotAnswer
from facetrack_ros.search.gathering import Gathering
from facetrack_ros.search.lane import Lane, lanes_of
from facetrack_ros.search.local import mismatch, search_history
from facetrack_ros.search.question import Question
from facetrack_ros.vision.contract import ModelContract


def search_stored(data_dir: "Path | str", question: Question, contract: ModelContract,
                  clock_ns: "Callable[[], int]" = lambda: 0) -> Answer:
    """Search the histories below a folder, of robots that are switched off or running.

    A history that cannot be read is an ``error`` in the answer and does not keep the others from answering.

    :param contract: of the question's model.
    :param clock_ns: tells the time for ``elapsed_ms``; without it that stays 0.
    :raises QuestionError: the question cannot be asked.
    :raises StoreError: there is no such folder, or no robot in it.
    """
    folders = {folder.robot_id: folder for folder in history_folders(data_dir)}
    if not folders:
        raise StoreError(f"there is no robot's history below {data_dir}; give the folder that --data named when the "
                         "robots ran")
    gathering = Gathering(question, contract, dict.fromkeys(folders, question.model_id))
    for robot in gathering.missing:
        start_ns = clock_ns()
        answer, matches = _search_folder(folders[robot], question, contract)
        gathering.add(question.search_id, replace(answer, elapsed_ms=(clock_ns() - start_ns) / 1e6), matches)
    return gathering.close()


def stored_lanes(data_dir: "Path | str", contract: ModelContract) -> "tuple[Lane, ...]":
    """The cameras of the stored histories that can be read, with the times they were looking.

    :raises StoreError: there is no such folder.
    """
    lanes: "list[Lane]" = []
    for folder in history_folders(data_dir):
        if folder.error or contract.id not in models_kept(folder.path):
            continue
        try:
            store = SightingStore.open_readonly(folder.path, contract)
        except StoreError:
            continue  # the answer says so already
        lanes += lanes_of(store)
        store.close()
    return tuple(lanes)


def _search_folder(folder: RobotFolder, question: Question,
                   contract: ModelContract) -> "tuple[RobotAnswer, tuple[Match, ...]]":
    robot = folder.robot_id
    if folder.error:
        return RobotAnswer(robot, ERROR, error=folder.error), ()
    kept = models_kept(folder.path)
    if contract.id not in kept:
        if kept:
            return mismatch(robot, kept, question.model_id), ()
        return RobotAnswer(robot, ERROR, error=f"{folder.path} holds no sightings"), ()
    try:
        store = SightingStore.open_readonly(folder.path, contract)
    except StoreError as error:
        return RobotAnswer(robot, ERROR, error=str(error)), ()
    try:
        answer, matches = search_history(store, question)
    finally:
        store.close()
    if store.robot_id != robot:
        return RobotAnswer(robot, ERROR, error=f"{folder.path} holds sightings of {store.robot_id}, not of {robot}"), ()
    return answer, matches
