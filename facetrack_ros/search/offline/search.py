"""Searches stored histories on this disk, without ROS."""

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
from facetrack_ros.search.camera_coverage import CameraCoverage
from facetrack_ros.search.local_search import model_mismatch, search_history
from facetrack_ros.search.multi_store import MultiStore
from facetrack_ros.search.request import SearchRequest
from facetrack_ros.search.rescan.runner import frames_without_face, rescan
from facetrack_ros.search.response import ERROR, Match, RobotResponse, SearchResponse
from facetrack_ros.search.response_collector import ResponseCollector
from facetrack_ros.search.validation import validate_request
from facetrack_ros.vision.pipeline import VisionPipeline


@dataclass(frozen=True)
class RescanOptions:
    """How to rescan stored frames.

    :param pipelines: one per thread, of the request's embedder.
    :param expired: whether the time is up.
    :param frames: folder of the frames, one folder per robot below; None: each robot's own folder.
    """

    pipelines: tuple[VisionPipeline, ...]
    expired: Callable[[], bool]
    frames: Path | None = None


def search_stored(
    data_dir: Path | str,
    request: SearchRequest,
    contract: ModelContract,
    clock_ns: Callable[[], int] = lambda: 0,
    rescan_options: RescanOptions | None = None,
    now_ns: int | None = None,
) -> SearchResponse:
    """Search the histories below a folder; their robots may be running.

    A history that cannot be read is an ``error`` line in the response.

    :param contract: of the request's model.
    :param clock_ns: monotonic clock for ``elapsed_ms``; the default leaves it 0.
    :param rescan_options: for a request with ``rescan``. The faces found are in the response only, not stored.
    :param now_ns: current time, to refuse a time range in the future; None: not checked.
    :raises RequestError: the request is invalid.
    :raises StoreError: there is no such folder, or no robot in it.
    """
    validate_request(request, contract, now_ns)
    folders = {folder.robot_id: folder for folder in history_folders(data_dir)}
    if not folders:
        raise StoreError(
            f"there is no robot's history below {data_dir}; give the folder that --data named when the robots ran"
        )
    collector = ResponseCollector(request, contract, dict.fromkeys(folders, request.model_id))
    options = rescan_options if request.rescan else None
    for robot in collector.missing:
        start_ns = clock_ns()
        response, matches = _search_folder(folders[robot], request, contract, options)
        collector.add(request.search_id, replace(response, elapsed_ms=(clock_ns() - start_ns) / 1e6), matches)
    return collector.close()


def stored_coverage(data_dir: Path | str, contract: ModelContract) -> tuple[CameraCoverage, ...]:
    """The cameras of the stored histories that can be read, and when they were analysed.

    :raises StoreError: there is no such folder.
    """
    cameras: list[CameraCoverage] = []
    for folder in history_folders(data_dir):
        if folder.error or contract.id not in stored_models(folder.path):
            continue
        try:
            store = SightingStore.open_readonly(folder.path, contract)
        except StoreError:
            continue  # reported in the response
        with closing(store):
            cameras += [CameraCoverage(store.robot_id, camera, store.coverage(camera)) for camera in store.cameras()]
    return tuple(cameras)


def _search_folder(
    folder: RobotFolder, request: SearchRequest, contract: ModelContract, options: RescanOptions | None
) -> tuple[RobotResponse, tuple[Match, ...]]:
    robot = folder.robot_id
    if folder.error:
        return RobotResponse(robot, ERROR, error=folder.error), ()
    models = stored_models(folder.path)
    if contract.id not in models and options is None:
        if models:
            return model_mismatch(robot, models, request.model_id), ()
        return RobotResponse(robot, ERROR, error=f"{folder.path} holds no sightings"), ()
    try:
        with ExitStack() as stack:
            stores = []
            if contract.id in models:
                stores.append(stack.enter_context(closing(SightingStore.open_readonly(folder.path, contract))))
                if stores[0].robot_id != robot:
                    raise StoreError(f"{folder.path} holds sightings of {stores[0].robot_id}, not of {robot}")
            note = "; ".join(ClockOffsets(folder.path).describe(*request.time_range, request.cameras).values())
            if options is None:
                response, matches = search_history(stores[0], request)
                return replace(response, note=note), matches
            # The robot may be running: the faces found go to a temporary store, not into its folder.
            scratch = stack.enter_context(tempfile.TemporaryDirectory(prefix="facetrack-"))
            found = SightingStore(scratch, contract, robot, DeduplicationRule.of_model(contract))
            stack.enter_context(closing(found))
            frames_path = options.frames / robot if options.frames else None
            frames = stack.enter_context(StoredSource(folder, frames_path))
            wanted = frames_without_face(frames, stores, *request.time_range, request.cameras)
            rescanned = rescan(frames, wanted, found, options.pipelines, options.expired)
            response, matches = search_history(MultiStore(robot, contract, (*stores, found)), request)
            return replace(response, rescanned=rescanned.scanned, not_rescanned=rescanned.remaining, note=note), matches
    except StoreError as error:
        return RobotResponse(robot, ERROR, error=str(error)), ()
