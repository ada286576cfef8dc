"""A sighting: a stored face embedding with its robot, camera, time, boxes and track."""

from dataclasses import dataclass

import numpy as np

from facetrack_ros.core.pose import RobotPose


@dataclass(frozen=True, eq=False)
class Sighting:
    """One stored face. Nearly equal faces of one track are merged into one sighting.

    :param stamp_ns: of the best face, from which ``embedding``, boxes and thumbnail are.
    :param first_ns: stamp of the first face merged into it; ``first_ns <= stamp_ns <= last_ns``.
    :param last_ns: stamp of the last one.
    :param bbox: ``(4,)`` float32, the person, pixels.
    :param face_bbox: ``(4,)`` float32, the face, pixels.
    :param quality: 0..1.
    :param embedding: ``(dimension,)`` float32 unit vector.
    :param model_id: of the embedder; embeddings of different models are never compared.
    :param thumbnail: small JPEG of the face, empty where none could be made.
    :param pose: of the robot, None when unknown.
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
