"""A robot's answer, read from the bytes in which it crosses the mesh.

Whoever asks fifty robots reads a thousand matches while it waits. rclpy makes a message of each, with eight messages within it,
which takes 0.65 ms for the 20 matches of a robot; this takes 0.17 ms.
"""

import struct

import numpy as np

from facetrack_ros.core.pose import RobotPose
from facetrack_ros.history.messages.cdr import CdrReader
from facetrack_ros.search.response import Match, RobotResponse

_SECOND_NS = 1_000_000_000
_COUNT = struct.Struct("<I")
_COMPARED = struct.Struct("<Qf")  # sightings, elapsed_ms
_LOOKED_AGAIN = struct.Struct("<II")
_SPAN = struct.Struct("<iIiI")
_OWN_MODEL = struct.Struct("<ff")
# From frame_number to has_pose: one number of 8 bytes, three stamps, two boxes, similarity and quality, two truth values.
_SIGHTING = struct.Struct("<Q iI iI iI 4f 4f f f ??".replace(" ", ""))
_STAMP = struct.Struct("<iI")
_POSE = struct.Struct("<7d")


def search_of(data: bytes) -> str:
    """Which search a serialized ``FaceSearchResult`` answers: its first field, read without the rest.

    :raises ValueError: it cannot be read.
    """
    return CdrReader(data).text()


def read_result(data: bytes) -> tuple[RobotResponse, tuple[Match, ...]]:
    """How the robot did, and what it found.

    :param data: a serialized ``FaceSearchResult``.
    :raises ValueError: it is none.
    """
    reader = CdrReader(data)
    for _ in ("search_id", "instance_id", "model_id"):
        reader.text()
    answer = _answer(reader)
    return answer, tuple(_match(reader) for _ in range(reader.count()))


def _answer(reader: CdrReader) -> RobotResponse:
    robot_id, status = reader.text(), reader.text()
    (matches,) = reader.numbers(_COUNT)
    sightings, elapsed_ms = reader.numbers(_COMPARED, 8)
    error, note = reader.text(), reader.text()
    rescanned, not_rescanned = reader.numbers(_LOOKED_AGAIN)
    looking = []
    for _ in range(reader.count()):
        camera_id, span = reader.text(), reader.numbers(_SPAN)
        looking.append((camera_id, _ns(*span[:2]), _ns(*span[2:])))
    model_id = reader.text()
    threshold, expected_false_matches = reader.numbers(_OWN_MODEL)
    return RobotResponse(
        robot_id,
        status,
        matches,
        sightings,
        elapsed_ms,
        error,
        note,
        rescanned,
        not_rescanned,
        model_id,
        threshold,
        expected_false_matches,
        tuple(looking),
    )


def _match(reader: CdrReader) -> Match:
    robot_id, camera_id, person_id, track_id = reader.text(), reader.text(), reader.text(), reader.text()
    values = reader.numbers(_SIGHTING, 8)
    similarity, quality, rescanned, has_pose = values[15:]
    stamp, frame_id = reader.numbers(_STAMP), reader.text()
    place = reader.numbers(_POSE, 8)
    pose = RobotPose(frame_id, _ns(*stamp), place[:3], place[3:]) if has_pose else None
    return Match(
        robot_id,
        camera_id,
        person_id,
        track_id,
        values[0],
        _ns(*values[1:3]),
        _ns(*values[3:5]),
        _ns(*values[5:7]),
        np.array(values[7:11], np.float32),
        np.array(values[11:15], np.float32),
        similarity,
        quality,
        bytes(reader.data()),
        rescanned,
        pose,
    )


def _ns(sec: int, nanosec: int) -> int:
    return sec * _SECOND_NS + nanosec
