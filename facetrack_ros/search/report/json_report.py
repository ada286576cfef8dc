"""A search response as one JSON object, read by other programs."""

import math

from facetrack_ros.core.pose import RobotPose
from facetrack_ros.search.response import Match, RobotResponse, SearchResponse


def response_to_dict(response: SearchResponse) -> dict:
    """Plain values for ``json.dumps(..., allow_nan=False)``: stamps in seconds since the epoch, None: unknown."""
    return {
        "search_id": response.search_id,
        "model_id": response.model_id,
        "threshold": _number(response.threshold),
        "expected_false_matches": _number(response.expected_false_matches),
        "matches": [_match(match) for match in response.matches],
        "robots": [_robot(robot) for robot in response.robots],
    }


def _match(match: Match) -> dict:
    return {
        "robot_id": match.robot_id,
        "camera_id": match.camera_id,
        "person_id": match.person_id,
        "track_id": match.track_id,
        "frame_number": int(match.frame_number),
        "stamp": _seconds(match.stamp_ns),
        "first_stamp": _seconds(match.first_ns),
        "last_stamp": _seconds(match.last_ns),
        "bbox": [_number(value, 2) for value in match.bbox],
        "face_bbox": [_number(value, 2) for value in match.face_bbox],
        "similarity": _number(match.similarity, 4),
        "quality": _number(match.quality, 4),
        "pose": _pose(match.pose),
        **({"rescanned": True} if match.rescanned else {}),
    }


def _pose(pose: RobotPose | None) -> dict | None:
    if pose is None:
        return None
    return {
        "frame_id": pose.frame_id,
        "stamp": _seconds(pose.stamp_ns),
        "position": [_number(value) for value in pose.position],
        "orientation": [_number(value) for value in pose.orientation],
    }


def _robot(robot: RobotResponse) -> dict:
    return {
        "robot_id": robot.robot_id,
        "status": robot.status,
        "matches": int(robot.matches),
        "sightings": int(robot.sightings),
        "elapsed_ms": _number(robot.elapsed_ms, 3),
        "error": robot.error,
        **_optional(robot),
    }


def _optional(robot: RobotResponse) -> dict:
    """Fields that only some lines have."""
    line: dict[str, str | int | float | None] = {"note": robot.note} if robot.note else {}
    if robot.rescanned or robot.not_rescanned:
        line |= {"rescanned": int(robot.rescanned), "not_rescanned": int(robot.not_rescanned)}
    if robot.model_id:
        line |= {"model_id": robot.model_id, "threshold": _number(robot.threshold, 6)}
    return line


def _seconds(stamp_ns: int) -> float:
    return round(int(stamp_ns) / 1e9, 6)  # a double holds today's seconds to a quarter of a microsecond


def _number(value: float, digits: int | None = None) -> float | None:
    number = float(value)
    if not math.isfinite(number):
        return None
    return number if digits is None else round(number, digits)
