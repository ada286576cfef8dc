"""The fleet's answer from stored histories on this disk, without ROS."""

import tempfile
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path

from facetrack_ros.clips.sources import StoredSource
from facetrack_ros.errors import StoreError
from facetrack_ros.history.clock_offsets import ClockOffsets
from facetrack_ros.history.layout import RobotFolder, history_folders
from facetrack_ros.history.sightings.database import stored_models
from facetrack_ros.history.sightings.deduplication import DeduplicationRule
from facetrack_ros.history.sightings.store import SightingStore
from facetrack_ros.models.contract import ModelContract
from facetrack_ros.search.camera_coverage import CameraCoverage, coverage_of
from facetrack_ros.search.local_search import mismatch, search_history
from facetrack_ros.search.multi_store import MultiStore
from facetrack_ros.search.request import SearchRequest
from facetrack_ros.search.rescan.runner import Rescanned, frames_without_face, rescan
from facetrack_ros.search.response import ERROR, Match, RobotResponse, SearchResponse
from facetrack_ros.search.response_collector import ResponseCollector
from facetrack_ros.vision.pipeline import VisionPipeline


@dataclass(frozen=True)
class RescanOptions:
    """With what stored frames are looked at again.

    :param pipelines: a set of models for each thread, of the question's embedder.
    :param over: whether the time is up.
    :param frames: below it one folder of segments a robot; None: each robot's are in its own folder.
    """

    pipelines: tuple[VisionPipeline, ...]
    over: Callable[[], bool]
    frames: Path | None = None


def search_stored(
    data_dir: Path | str,
    question: SearchRequest,
    contract: ModelContract,
    clock_ns: Callable[[], int] = lambda: 0,
    again: RescanOptions | None = None,
) -> SearchResponse:
    """Search the histories below a folder, of robots that are switched off or running.

    A history that cannot be read is an ``error`` in the answer and does not keep the others from answering.

    :param contract: of the question's model.
    :param clock_ns: tells the time for ``elapsed_ms``; without it that stays 0.
    :param again: for a question with ``rescan``. What is found so is in the answer, and written nowhere.
    :raises RequestError: the question cannot be asked.
    :raises StoreError: there is no such folder, or no robot in it.
    """
    folders = {folder.robot_id: folder for folder in history_folders(data_dir)}
    if not folders:
        raise StoreError(
            f"there is no robot's history below {data_dir}; give the folder that --data named when the robots ran"
        )
    gathering = ResponseCollector(question, contract, dict.fromkeys(folders, question.model_id))
    for robot in gathering.missing:
        start_ns = clock_ns()
        answer, matches = _search_folder(folders[robot], question, contract, again if question.rescan else None)
        gathering.add(question.search_id, replace(answer, elapsed_ms=(clock_ns() - start_ns) / 1e6), matches)
    return gathering.close()


def stored_coverage(data_dir: Path | str, contract: ModelContract) -> tuple[CameraCoverage, ...]:
    """The cameras of the stored histories that can be read, with the times they were looking.

    :raises StoreError: there is no such folder.
    """
    lanes: list[CameraCoverage] = []
    for folder in history_folders(data_dir):
        if folder.error or contract.id not in stored_models(folder.path):
            continue
        try:
            store = SightingStore.open_readonly(folder.path, contract)
        except StoreError:
            continue  # the answer says so already
        lanes += coverage_of(store)
        store.close()
    return tuple(lanes)


def _search_folder(
    folder: RobotFolder, question: SearchRequest, contract: ModelContract, again: RescanOptions | None
) -> tuple[RobotResponse, tuple[Match, ...]]:
    robot = folder.robot_id
    if folder.error:
        return RobotResponse(robot, ERROR, error=folder.error), ()
    kept = stored_models(folder.path)
    if contract.id not in kept and again is None:
        if kept:
            return mismatch(robot, kept, question.model_id), ()
        return RobotResponse(robot, ERROR, error=f"{folder.path} holds no sightings"), ()
    with ExitStack() as open_ones:
        stores = []
        try:
            if contract.id in kept:
                stores.append(open_ones.enter_context(closing(SightingStore.open_readonly(folder.path, contract))))
                if stores[0].robot_id != robot:
                    return RobotResponse(
                        robot, ERROR, error=f"{folder.path} holds sightings of {stores[0].robot_id}, not of {robot}"
                    ), ()
            note = "; ".join(ClockOffsets(folder.path).describe(*question.time_range, question.cameras).values())
            if again is None:
                answer, matches = search_history(stores[0], question)
                return replace(answer, note=note), matches
            # Nothing is written beside a robot that may be running: what is found is kept for this answer only.
            scratch = open_ones.enter_context(tempfile.TemporaryDirectory(prefix="facetrack-"))
            found = open_ones.enter_context(
                closing(SightingStore(scratch, contract, robot, DeduplicationRule.of_model(contract)))
            )
            done = _look_again(folder, question, again, stores, found)
            answer, matches = search_history(MultiStore(robot, contract, (*stores, found)), question)
            return replace(answer, rescanned=done.looked, not_rescanned=done.remaining, note=note), matches
        except StoreError as error:
            return RobotResponse(robot, ERROR, error=str(error)), ()


def _look_again(
    folder: RobotFolder,
    question: SearchRequest,
    again: RescanOptions,
    stores: list[SightingStore],
    found: SightingStore,
) -> Rescanned:
    with StoredSource(folder, again.frames / folder.robot_id if again.frames else None) as frames:
        return rescan(
            frames,
            frames_without_face(frames, stores, *question.time_range, question.cameras),
            found,
            again.pipelines,
            again.over,
        )
