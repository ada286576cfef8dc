"""Turns the frames of cameras that are not mounted upright."""

import logging
from collections.abc import Callable, Iterable
from dataclasses import replace

from facetrack_ros.core.frame import Frame, encode_jpeg
from facetrack_ros.core.jpeg import is_jpeg
from facetrack_ros.core.pictures.jpeg_orientation import turned_jpeg
from facetrack_ros.errors import ConfigError, FrameError
from facetrack_ros.pipeline.rotation_estimator import RotationEstimator
from facetrack_ros.vision.faces.upright import turned
from facetrack_ros.vision.frame_analysis import FrameAnalysis

logger = logging.getLogger(__name__)

AUTO = "auto"
VALUES = (AUTO, "0", "90", "180", "270")


class CameraRotations:
    """The angle of each camera, and its frames turned by it.

    :param text: ``camera.rotation``.
    :ivar listeners: receive camera and degrees when the angle changes.
    :raises ConfigError: the text cannot be read, or names a camera that is not there.
    """

    def __init__(self, cameras: Iterable[str], text: str = AUTO):
        self.listeners: list[Callable[[str, int], None]] = []
        values = parse_rotations(text, tuple(cameras))
        self._degrees = {camera: 0 if value == AUTO else int(value) for camera, value in values.items()}
        self._estimators = {camera: RotationEstimator() for camera, value in values.items() if value == AUTO}

    def degrees(self, camera_id: str) -> int:
        """Degrees clockwise by which the camera's pictures are turned now."""
        return self._degrees.get(camera_id, 0)

    def is_estimated(self, camera_id: str) -> bool:
        """Whether the camera's angle is estimated from its faces."""
        return camera_id in self._estimators

    def is_open(self, camera_id: str) -> bool:
        """Whether the camera's angle is estimated, and no face has shown it yet."""
        return camera_id in self._estimators and not self._estimators[camera_id].frames

    def set(self, camera_id: str, degrees: int) -> None:
        """Take over an estimate that was made elsewhere; a camera with a given angle keeps it."""
        if camera_id in self._estimators and degrees != self._degrees[camera_id]:
            self._change(camera_id, degrees)

    def turned(self, frame: Frame) -> Frame:
        """A frame as its camera would have taken it upright."""
        return turned_frame(frame, self.degrees(frame.camera_id))

    def needs_search(self, frame: Frame) -> bool:
        """Whether the frame is to be searched for faces in all directions, to estimate the angle of its camera."""
        estimator = self._estimators.get(frame.camera_id)
        return estimator is not None and estimator.needs_search(frame.stamp_ns)

    def add(self, frame: Frame, analysis: FrameAnalysis) -> None:
        """Learn from the faces of a frame."""
        estimator = self._estimators.get(frame.camera_id)
        if estimator is None or not estimator.add(frame.stamp_ns, frame.rotation, analysis):
            return
        self._change(frame.camera_id, estimator.degrees)
        logger.warning("camera %s: %s", frame.camera_id, self.describe(frame.camera_id))

    def _change(self, camera_id: str, degrees: int) -> None:
        self._degrees[camera_id] = degrees
        for listener in self.listeners:
            listener(camera_id, degrees)

    def describe(self, camera_id: str) -> str:
        """The camera's angle and what it rests on, a sentence."""
        degrees, estimator = self.degrees(camera_id), self._estimators.get(camera_id)
        if estimator is None:
            return f"its pictures are turned by {degrees} degrees, as camera.rotation says"
        if degrees != estimator.degrees:
            return f"its pictures are turned by {degrees} degrees, as the embedder estimates"
        if not estimator.frames:
            return f"its pictures are turned by {degrees} degrees; no face has shown yet which way up they are"
        return (
            f"its pictures are turned by {degrees} degrees clockwise, as the faces of {estimator.frames} frames agree; "
            f"to have it from the first frame on, set camera.rotation: {camera_id}={degrees}"
        )


def turned_frame(frame: Frame, degrees: int) -> Frame:
    """A frame with its picture turned clockwise; a JPEG's pixels are not encoded again.

    :param degrees: a multiple of 90.
    """
    if not degrees:
        return frame
    if is_jpeg(frame.jpeg):
        return replace(frame, jpeg=turned_jpeg(frame.jpeg, degrees), rotation=degrees)
    try:
        return replace(frame, jpeg=encode_jpeg(turned(frame.image, degrees)), rotation=degrees)
    except FrameError:
        return frame  # the analysis reports it


def parse_rotations(text: str, cameras: tuple[str, ...]) -> dict[str, str]:
    """``auto`` or degrees by camera, from the setting ``camera.rotation``.

    :raises ConfigError: it is neither one value for all nor ``NAME=VALUE`` with names of cameras, each once.
    """
    given: dict[str, str] = {}
    for word in text.split():
        camera, equals, value = word.rpartition("=")
        if value not in VALUES:
            raise ConfigError(f"camera.rotation says {word!r}: give one of {', '.join(VALUES)}, or NAME=VALUE")
        if equals and camera not in cameras:
            raise ConfigError(
                f"camera.rotation names {camera}, which is no camera here: the cameras are {', '.join(cameras)}"
            )
        if camera in given:
            raise ConfigError(f"camera.rotation gives {camera or 'a value for all cameras'} twice: give it once")
        given[camera] = value
    return {camera: given.get(camera, given.get("", AUTO)) for camera in cameras}
