"""Frames of a clip as pixels, plain or with boxes."""

import cv2
import numpy as np

from facetrack_ros.clips.overlay import draw_overlay
from facetrack_ros.core.frame import Frame
from facetrack_ros.core.track import Track, TrackState


def picture_of(frame: Frame, robot_id: str, tracks: tuple[Track, ...] | None) -> np.ndarray:
    """``(height, width, 3)`` uint8 BGR; with boxes where tracks are given, be they none.

    :raises FrameError: the frame does not decode.
    """
    if tracks is None:
        return frame.image
    seen = {track.person_id or track.track_id for track in tracks if track.state == TrackState.TRACKING}
    return draw_overlay(frame.image, tracks, frame.stamp_ns, f"{robot_id}/{frame.camera_id}", len(seen))


def fitted(image: np.ndarray, width: int, height: int) -> np.ndarray:
    """The picture in another size: a camera may change its own in mid-clip."""
    return (
        image
        if image.shape[:2] == (height, width)
        else cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    )
