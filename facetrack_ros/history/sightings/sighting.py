"""A sighting: a face embedding kept with where and when it was seen."""

from dataclasses import dataclass

import numpy as np

from facetrack_ros.core.pose import RobotPose


@dataclass(frozen=True, eq=False)
class Sighting:
    """One face as kept. Near-equal faces of one track are folded into one sighting.

    :param stamp_ns: of the best face, the one ``embedding``, boxes and thumbnail come from.
    :param first_ns: stamp of the first face folded into it; ``first_ns <= stamp_ns <= last_ns``.
    :param last_ns: stamp of the last one.
    :param bbox: ``(4,)`` float32, the person, pixels.
    :param face_bbox: ``(4,)`` float32, the face, pixels.
    :param quality: 0..1.
    :param embedding: ``(dimension,)`` float32 unit vector.
    :param model_id: of the embedder; embeddings of different models are never compared.
    :param thumbnail: small JPEG of the face, empty where none could be made.
    :param pose: where the robot was, None where it was not told.
    """

    robot_id: str
    camera_id: str
    stamp_ns: int
    first_ns: int
    last_ns: int
    frame_number: int
    track_id: str
    person_id: str
    bbox: np.ndarray
    face_bbox: np.ndarray
    quality: float
    embedding: np.ndarray
    model_id: str
    thumbnail: bytes = b""
    pose: RobotPose | None = None
