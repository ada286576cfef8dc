"""Looks ahead in a recording for faces that show which way up its camera is, before its first frame is used."""

from collections.abc import Callable, Iterator

import numpy as np

from facetrack_ros.core.detections import Detections
from facetrack_ros.core.frame import Frame
from facetrack_ros.core.pictures.decoding import decode
from facetrack_ros.pipeline.camera_rotation import CameraRotations
from facetrack_ros.vision.frame_analysis import FrameAnalysis

_SECOND_NS = 1_000_000_000
# Chosen by hand: the time and the frames that are read ahead and kept, and the time between two that are searched.
LOOK_AHEAD_S, LOOK_AHEAD_FRAMES = 10.0, 500
SEARCH_EVERY_S = 0.2


def looked_ahead(
    frames: Iterator[Frame], rotations: CameraRotations, search: Callable[[np.ndarray], int | None]
) -> Iterator[Frame]:
    """The same frames of one camera; by the first, ``rotations`` knows the camera's angle if faces come soon.

    :param search: :meth:`.VisionPipeline.degrees_to_upright`.
    """
    first: list[Frame] = []
    searched_ns: int | None = None
    for frame in frames:
        first.append(frame)
        late = frame.stamp_ns - first[0].stamp_ns > LOOK_AHEAD_S * _SECOND_NS
        if late or len(first) >= LOOK_AHEAD_FRAMES or not rotations.is_open(frame.camera_id):
            break
        if searched_ns is None or frame.stamp_ns - searched_ns >= SEARCH_EVERY_S * _SECOND_NS:
            searched_ns = frame.stamp_ns
            # Not frame.image, which the frame would keep.
            image = decode(frame.jpeg)
            found = None if image is None else search(image)
            rotations.add(frame, FrameAnalysis(Detections.none(""), degrees_to_upright=found))
    while first:
        yield first.pop(0)
    yield from frames
