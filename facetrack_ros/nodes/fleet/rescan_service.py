"""A robot's own models beside those that watch its cameras: to look again at stored frames, and at others' faces."""

import contextlib
import os
import threading
import time

import numpy as np

from facetrack_ros.clips.sources import LiveSource
from facetrack_ros.history.robot_history import RobotHistory
from facetrack_ros.nodes.base.robot_member_node import RobotMemberNode
from facetrack_ros.nodes.inputs.battery import BatteryWatch
from facetrack_ros.search.reference_image import decode_reference
from facetrack_ros.search.request import SearchRequest
from facetrack_ros.search.rescan.runner import Rescanned, frames_without_face, rescan
from facetrack_ros.vision.factory import build_pipeline
from facetrack_ros.vision.pipeline import VisionPipeline
from facetrack_ros.vision.settings import vision_settings

# Beside the cameras' work, which goes first wherever both want a core.
NICENESS = 10
# What is left of the asker's time for the frames under way, the search itself and the way back.
RESERVE_S = 0.3


class Rescanning:
    """Loads its models when they are first needed, a set a thread, and keeps them. One rescan at a time.

    Its methods take long and are for threads that may wait.
    """

    def __init__(self, node: RobotMemberNode):
        self._node = node
        self._battery = BatteryWatch(node)
        self._lock = threading.Lock()
        self._pipelines: list[VisionPipeline] = []
        self._closing = False

    def rescan(self, history: RobotHistory, question: SearchRequest, deadline_s: float) -> tuple[Rescanned, str]:
        """Look again at the frames of a question's slice, and keep the faces found as sightings.

        :param deadline_s: by ``time.monotonic()``.
        :return: how far it came, and a sentence on why it came no farther; empty when it is done.
        :raises FacetrackError: no models, or the store or the frames fail.
        """
        frames, (start_ns, end_ns) = LiveSource(history), question.time_range

        def wanted() -> list[tuple[int, str]]:
            return frames_without_face(frames, (history.sightings,), start_ns, end_ns, question.cameras)

        refusal = self._refusal()
        if refusal or not wanted():
            return Rescanned(0, len(wanted()), 0), refusal
        if not self._lock.acquire(timeout=max(0.0, deadline_s - time.monotonic())):
            return Rescanned(0, len(wanted()), 0), "another search was looking at the frames all the time"
        try:
            done = rescan(
                frames,
                wanted(),
                history.sightings,
                self._models(),
                lambda: self._closing or self._battery.braking or time.monotonic() >= deadline_s,
                _step_back,
            )
        finally:
            self._lock.release()
        return done, self._refusal() if done.remaining else ""

    def embed(self, face_crop: bytes) -> tuple[np.ndarray, str]:
        """Somebody's face by this robot's own embedder, and that one's id.

        :raises FacetrackError: no models, or no face that they can use.
        """
        pipeline = self._models()[0]
        return pipeline.embed_reference(decode_reference(face_crop)).embedding, pipeline.contract.id

    def close(self) -> None:
        """End what runs, soon."""
        self._closing = True

    def _refusal(self) -> str:
        if not self._node.settings.face_tracking.enabled:
            return "face_tracking.enabled is false: no face is looked for"
        return self._battery.sentence if self._battery.braking else ""

    def _models(self) -> list[VisionPipeline]:
        wanted = self._node.settings.backtrack_search.rescan_threads or len(os.sched_getaffinity(0))
        while len(self._pipelines) < wanted:
            self._pipelines.append(build_pipeline(vision_settings(self._node.settings)))
        return self._pipelines


def _step_back() -> None:
    with contextlib.suppress(OSError):  # not every system has a niceness for each thread
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
