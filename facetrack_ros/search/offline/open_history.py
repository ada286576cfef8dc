"""A stored history, open for one search."""

import os
import tempfile
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path

from facetrack_ros.clips.sources import StoredSource
from facetrack_ros.core.sealed_files.data_key import KEY_BYTES, DataKey
from facetrack_ros.core.sealed_files.folder_keys import key_of, set_key
from facetrack_ros.errors import StoreError
from facetrack_ros.history.clock_offsets import ClockOffsets
from facetrack_ros.history.events.visits import VisitLog
from facetrack_ros.history.layout import RobotFolder
from facetrack_ros.history.sightings.database import stored_models
from facetrack_ros.history.sightings.deduplication import DeduplicationRule
from facetrack_ros.history.sightings.store import SightingStore
from facetrack_ros.models.contract import ModelContract
from facetrack_ros.search.request import SearchRequest
from facetrack_ros.search.rescan.runner import RescanResult, frames_without_face, rescan
from facetrack_ros.search.response import ERROR, Match, NotSearched, RobotResponse
from facetrack_ros.search.robot_search import search_robot
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


class OpenHistory:
    """The stores of one robot and model, to be closed.

    :param events_dir: folder of the event logs, one folder per robot below; None: each robot's own folder.
    """

    def __init__(self, folder: RobotFolder, contract: ModelContract, events_dir: Path | None = None) -> None:
        self.robot_id, self._folder, self._contract = folder.robot_id, folder, contract
        self._stack = ExitStack()
        self._stores: list[SightingStore] = []
        self._error = folder.error
        self._rescanned: RescanResult | None = None
        self._visits = VisitLog(events_dir / folder.robot_id if events_dir else folder.path)
        try:
            if not self._error and contract.id in stored_models(folder.path):
                self._open(SightingStore.open_readonly(folder.path, contract))
        except StoreError as error:
            self._error = str(error)

    def close(self) -> None:
        """Close the stores."""
        self._stack.close()

    def cameras(self) -> tuple[str, ...]:
        """The cameras of the stores."""
        return tuple(sorted({camera for store in self._stores for camera in store.cameras()}))

    @property
    def has_store(self) -> bool:
        """Whether there are sightings of the model, or that cannot be told."""
        return bool(self._stores) or bool(self._error)

    def rescan(self, request: SearchRequest, options: RescanOptions) -> None:
        """Analyse the stored frames in a request's time in which no face was found.

        The next searches compare the faces. The robot may be running: they go to a temporary store, not to its folder.
        """
        try:
            scratch = self._stack.enter_context(tempfile.TemporaryDirectory(prefix="facetrack-"))
            if key_of(self._folder.path / "x") is not None:
                set_key(scratch, DataKey(os.urandom(KEY_BYTES)))  # faces are in it
            rule = DeduplicationRule.of_model(self._contract)
            found = SightingStore(scratch, self._contract, self.robot_id, rule)
            self._stack.enter_context(closing(found))
            frames_path = options.frames / self.robot_id if options.frames else None
            with StoredSource(self._folder, frames_path) as frames:
                wanted = frames_without_face(frames, self._stores, *request.time_range, request.cameras)
                self._rescanned = rescan(frames, wanted, found, options.pipelines, options.expired)
            self._stores.append(found)
        except StoreError as error:
            self._error = str(error)

    def search(
        self, request: SearchRequest, now_ns: int | None = None, beside: bool = False
    ) -> tuple[RobotResponse, tuple[Match, ...]]:
        """Search the stores; a history that cannot be read is an ``error`` line.

        :param now_ns: current time; None: unknown.
        :param beside: see :func:`search_robot`.
        """
        if self._error:
            return RobotResponse(self.robot_id, ERROR, error=self._error), ()
        path = self._folder.path
        try:
            response, matches = search_robot(
                *(self.robot_id, path, self._stores, self._contract, request, self._visits),
                now_ns=now_ns,
                beside=beside,
            )
            clocks = ClockOffsets(path).describe(*request.time_range, request.cameras).values()
        except StoreError as error:
            return RobotResponse(self.robot_id, ERROR, error=str(error)), ()
        response = replace(response, note="; ".join(filter(None, (response.note, *clocks))))
        return with_rescan(response, self._rescanned, "the time was too short"), matches

    def _open(self, store: SightingStore) -> None:
        self._stores.append(self._stack.enter_context(closing(store)))
        if store.robot_id != self.robot_id:
            raise StoreError(f"{self._folder.path} holds sightings of {store.robot_id}, not of {self.robot_id}")


def with_rescan(response: RobotResponse, done: RescanResult | None, why: str) -> RobotResponse:
    """A robot's line with the extent of its rescan, and the frames that it did not reach as a part not searched.

    :param done: None: nothing was rescanned.
    :param why: frames remain.
    """
    if done is None:
        return response
    robot, gaps = response.robot_id, []
    for frames, reason in ((done.remaining, why), (done.unreadable, "they are damaged or deleted")):
        if frames:
            sentence = f"{robot} did not rescan {frames} of its stored frames without a face: {reason}"
            gaps.append(NotSearched(robot, sentence))
    return replace(
        response,
        rescanned=done.scanned,
        not_rescanned=done.remaining + done.unreadable,
        not_searched=(*response.not_searched, *gaps),
    )
