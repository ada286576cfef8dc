"""A search response as one JSON object, read by other programs."""

import math

from facetrack_ros.core.pose import RobotPose
from facetrack_ros.core.utc import moment
from facetrack_ros.search.audit.records import match_id
from facetrack_ros.search.partial import partial_sentence
from facetrack_ros.search.report.table import is_joined
from facetrack_ros.search.response import Match, NotSearched, RobotResponse, SearchResponse


def response_to_dict(response: SearchResponse) -> dict:
    """Plain values for ``json.dumps(..., allow_nan=False)``.

    Stamps are seconds since the epoch, and under the same key with ``_iso`` ISO 8601 in UTC. None: unknown, or not
    measured.
    """
    return {
        "search_id": response.search_id,
        "model_id": response.model_id,
        "threshold": _number(response.threshold),
        "operating_point": response.operating_point or None,
        **_false_matches(response),
        "calibration": {
            "people": response.calibration_people or None,
            "pairs": response.calibration_pairs or None,
            "on": response.calibrated_on or None,
        },
        "reference_note": response.reference_note,
        "complete": response.complete,
        "partial": partial_sentence(response),
        "not_searched": [_not_searched(gap) for gap in response.not_searched],
        "searched": _searched(response),
        "enrolled_only": list(response.enrolled_only),
        "matches": [_match(match, response) for match in response.matches],
        "alike": [_match(match, response) for match in response.alike],
        "robots": [_robot(robot) for robot in response.robots],
    }


def _false_matches(source: SearchResponse | RobotResponse) -> dict:
    names = ("expected_false_matches", "expected_false_matches_low", "expected_false_matches_high")
    return {name: _number(getattr(source, name)) for name in names}


def _not_searched(gap: NotSearched) -> dict:
    return {
        "robot_id": gap.robot_id,
        "camera_id": gap.camera_id or None,
        "model_id": gap.model_id or None,
        "reason": gap.reason,
        "sightings": int(gap.sightings) or None,
        **_time("from", gap.start_ns),
        **_time("to", gap.end_ns),
    }


def _searched(response: SearchResponse) -> dict:
    start_ns, end_ns = response.searched_span or (0, 0)
    return {
        **_time("from", start_ns),
        **_time("to", end_ns),
        "robots": [robot.robot_id for robot in response.robots if robot.answered],
        "cameras": [f"{robot_id}/{camera.camera_id}" for robot_id, camera in response.searched_cameras],
        "sightings": int(response.sightings),
    }


def _match(match: Match, response: SearchResponse) -> dict:
    return {
        "match_id": match_id(match),
        "robot_id": match.robot_id,
        "camera_id": match.camera_id,
        "person_id": match.person_id,
        "name": match.name or None,
        "track_id": match.track_id,
        "frame_number": int(match.frame_number),
        **_time("stamp", match.stamp_ns),
        **_time("first_stamp", match.first_ns),
        **_time("last_stamp", match.last_ns),
        "bbox": [_number(value, 2) for value in match.bbox],
        "face_bbox": [_number(value, 2) for value in match.face_bbox],
        "similarity": _number(match.similarity, 4),
        "normalised_similarity": _number(match.normalised_similarity, 4),
        "quality": _number(match.quality, 4),
        "pose": _pose(match.pose),
        **({"rescanned": True} if match.rescanned else {}),
        **({"joined": True} if is_joined(match, response) else {}),
        **({"different_person": match.different_person} if match.different_person else {}),
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
    measured = (int(robot.matches), int(robot.sightings), _number(robot.elapsed_ms, 3))
    matches, sightings, elapsed_ms = measured if robot.answered else (None, None, None)
    return {
        "robot_id": robot.robot_id,
        "status": robot.status,
        "matches": matches,
        "sightings": sightings,
        "elapsed_ms": elapsed_ms,
        "error": robot.error,
        "searched": [
            {"camera_id": camera.camera_id, "sightings": int(camera.sightings)}
            | _time("from", camera.start_ns)
            | _time("to", camera.end_ns)
            for camera in robot.searched
        ],
        "not_searched": [_not_searched(gap) for gap in robot.not_searched],
        **_optional(robot),
    }


def _optional(robot: RobotResponse) -> dict:
    """Fields that only some lines have."""
    line: dict[str, str | int | float | None] = {"note": robot.note} if robot.note else {}
    if robot.rescanned or robot.not_rescanned:
        line |= {"rescanned": int(robot.rescanned), "not_rescanned": int(robot.not_rescanned)}
    if robot.instance_id:
        line |= {"instance_id": robot.instance_id}
    if robot.model_id:
        line |= {"model_id": robot.model_id, "threshold": _number(robot.threshold, 6), **_false_matches(robot)}
    if robot.scene_pairs:
        rate = _number(robot.scene_false_match_rate)
        line |= {"scene_pairs": int(robot.scene_pairs), "scene_false_match_rate": rate}
    if robot.verified_matches:
        line |= {"verified_matches": int(robot.verified_matches), "rejected_matches": int(robot.rejected_matches)}
    return line


def _time(name: str, stamp_ns: int) -> dict:
    """A stamp in seconds and as ISO 8601; None where it is 0, unknown."""
    if not stamp_ns:
        return {name: None, f"{name}_iso": None}
    iso = moment(stamp_ns).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {name: _seconds(stamp_ns), f"{name}_iso": iso}


def _seconds(stamp_ns: int) -> float:
    return round(int(stamp_ns) / 1e9, 6)  # a double holds today's seconds to a quarter of a microsecond


def _number(value: float, digits: int | None = None) -> float | None:
    number = float(value)
    if not math.isfinite(number):
        return None
    return number if digits is None else round(number, digits)
