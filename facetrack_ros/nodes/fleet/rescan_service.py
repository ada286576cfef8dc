"""A history node's own models: for rescans of stored frames and face crops of robots with another embedder."""

import contextlib
import os
import threading
import time

import numpy as np

from facetrack_ros.clips.sources import LiveSource
from facetrack_ros.core.pictures.picture_limits import THUMBNAIL
from facetrack_ros.history.robot_history import RobotHistory
from facetrack_ros.nodes.base.robot_member_node import RobotMemberNode
from facetrack_ros.nodes.inputs.battery import BatteryInput
from facetrack_ros.search.reference_image import decode_reference
from facetrack_ros.search.request import SearchRequest
from facetrack_ros.search.rescan.runner import RescanResult, frames_without_face, rescan
from facetrack_ros.tracking.factory import enrolled_only
from facetrack_ros.vision.factory import build_pipeline
from facetrack_ros.vision.pipeline import VisionPipeline
from facetrack_ros.vision.settings import vision_settings

# The live cameras have priority on every core.
NICENESS = 10
# Share of the timeout left for frames in progress, the search itself and the way back, seconds.
RESERVE_S = 0.3


class RescanService:
    """Rescans stored frames, one rescan at a time; its models are loaded at first use, one set a thread, and kept.

    Methods block for seconds: call them on threads that may wait.
    """

    def __init__(self, node: RobotMemberNode):
        self._node = node
        self._battery = BatteryInput(node)
        self._lock = threading.Lock()
        self._pipelines: list[VisionPipeline] = []
        self._closing = False

    def rescan(self, history: RobotHistory, request: SearchRequest, deadline_s: float) -> tuple[RescanResult, str]:
        """Analyse the frames without a face in a request's time range, and store the faces found as sightings.

        :param deadline_s: by ``time.monotonic()``.
        :return: the counts, and a sentence on why frames remain; empty if none do.
        :raises FacetrackError: models, store or frames cannot be read.
        """
        frames, (start_ns, end_ns) = LiveSource(history), request.time_range

        def remaining() -> list[tuple[int, str]]:
            return frames_without_face(frames, (history.sightings,), start_ns, end_ns, request.cameras)

        def stopped() -> bool:
            return self._closing or self._battery.braking or time.monotonic() >= deadline_s

        refusal = self.no_faces() or self._enrolled_only()
        if refusal or not remaining():
            return RescanResult(0, len(remaining()), 0), refusal
        if not self._lock.acquire(timeout=max(0.0, deadline_s - time.monotonic())):
            return RescanResult(0, len(remaining()), 0), "another search was rescanning the frames all the time"
        try:
            done = rescan(
                frames, remaining(), history.sightings, self._models(self._threads()), stopped, _lower_priority
            )
        finally:
            self._lock.release()
        return done, self.no_faces() if done.remaining else ""

    def embed(self, face_crop: bytes) -> tuple[np.ndarray, str]:
        """Embedding of a face crop by this robot's embedder, and the embedder's model id.

        :raises FacetrackError: no models, or no usable face.
        """
        picture = decode_reference(face_crop, THUMBNAIL)  # before models are loaded for it
        pipeline = self._models(1)[0]
        embedding = pipeline.embed_reference(picture).embedding
        assert embedding is not None  # a reference face always has one
        return embedding, pipeline.contract.id

    def close(self) -> None:
        """Stop a running rescan soon."""
        self._closing = True

    def no_faces(self) -> str:
        """Why faces are not searched for now; empty: they are."""
        if not self._node.settings.face_tracking.enabled:
            return "face_tracking.enabled is false: no face is searched for"
        return self._battery.sentence if self._battery.braking else ""

    def _enrolled_only(self) -> str:
        """Why no face is to be found in stored frames; empty: some may be."""
        only = enrolled_only(self._node.settings)
        return "recognition.keep is watchlist: stored frames show enrolled people only, found already" if only else ""

    def _threads(self) -> int:
        return self._node.settings.backtrack_search.rescan_threads or len(os.sched_getaffinity(0))

    def _models(self, count: int) -> list[VisionPipeline]:
        """At least ``count`` sets of models."""
        while len(self._pipelines) < count:
            self._pipelines.append(build_pipeline(vision_settings(self._node.settings)))
        return self._pipelines


def _lower_priority() -> None:
    with contextlib.suppress(OSError):  # not every system has a priority for each thread
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
