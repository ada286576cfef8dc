"""Search requests, responses and the heartbeat to messages and back."""

from typing import Any

import numpy as np
from builtin_interfaces.msg import Time
from geometry_msgs.msg import Point, Pose, Quaternion

from facetrack_ros import msg, srv
from facetrack_ros.core.pose import RobotPose
from facetrack_ros.history.status import HistoryStatus
from facetrack_ros.nodes.conversion.fields import byte_array, float_array, pick
from facetrack_ros.nodes.conversion.time import make_header, pose_from_message, to_duration, to_ns, to_time
from facetrack_ros.search.camera_coverage import CameraCoverage
from facetrack_ros.search.request import SearchRequest
from facetrack_ros.search.response import ANSWERED, Match, RobotResponse, SearchResponse

# Fields that value and message have alike.
_REQUEST = ("search_id", "model_id", "threshold", "max_results", "rescan", "reference")
_MATCH = ("robot_id", "camera_id", "person_id", "track_id", "frame_number", "similarity", "quality", "rescanned")
_ROBOT = (
    *("robot_id", "status", "matches", "sightings", "elapsed_ms", "error", "note", "rescanned", "not_rescanned"),
    *("model_id", "threshold", "expected_false_matches"),
)
_RESPONSE = ("search_id", "model_id", "threshold", "expected_false_matches")


def request_to_message(request: SearchRequest) -> msg.FaceSearchRequest:
    """A search request."""
    return msg.FaceSearchRequest(
        asker=request.requester,
        embedding=float_array(request.embedding),
        time=to_time(request.time_ns),
        window=to_duration(request.window_ns),
        timeout=to_duration(request.timeout_ns),
        robots=list(request.robots),
        cameras=list(request.cameras),
        face_crop=byte_array(request.face_crop),
        **pick(request, _REQUEST),
    )


def request_from_message(message: msg.FaceSearchRequest) -> SearchRequest:
    """A search request."""
    return SearchRequest(
        requester=message.asker,
        embedding=np.array(message.embedding, np.float32),
        time_ns=to_ns(message.time),
        window_ns=to_ns(message.window),
        timeout_ns=to_ns(message.timeout),
        robots=tuple(message.robots),
        cameras=tuple(message.cameras),
        face_crop=bytes(message.face_crop),
        **pick(message, _REQUEST),
    )


def match_to_message(match: Match) -> msg.FaceMatch:
    """One match."""
    return msg.FaceMatch(
        stamp=to_time(match.stamp_ns),
        first_stamp=to_time(match.first_ns),
        last_stamp=to_time(match.last_ns),
        bbox=np.asarray(match.bbox, np.float32),
        face_bbox=np.asarray(match.face_bbox, np.float32),
        thumbnail=byte_array(match.thumbnail),
        **pick(match, _MATCH),
        **_pose_fields(match.pose),
    )


def match_from_message(message: msg.FaceMatch) -> Match:
    """One match."""
    return Match(
        stamp_ns=to_ns(message.stamp),
        first_ns=to_ns(message.first_stamp),
        last_ns=to_ns(message.last_stamp),
        bbox=np.array(message.bbox, np.float32),
        face_bbox=np.array(message.face_bbox, np.float32),
        thumbnail=bytes(message.thumbnail),
        pose=pose_from_message(message.pose_header, message.pose) if message.has_pose else None,
        **pick(message, _MATCH),
    )


def _pose_fields(pose: RobotPose | None) -> dict[str, Any]:
    if pose is None:
        return {"has_pose": False}
    return {
        "has_pose": True,
        "pose_header": make_header(pose.stamp_ns, pose.frame_id),
        "pose": Pose(
            position=Point(**dict(zip("xyz", pose.position))),
            orientation=Quaternion(**dict(zip("xyzw", pose.orientation))),
        ),
    }


def robot_response_to_message(response: RobotResponse) -> msg.RobotAnswer:
    """One robot's part of a search."""
    return msg.RobotAnswer(
        looking=[
            msg.CameraSpan(camera_id=camera, start=to_time(start), end=to_time(end))
            for camera, start, end in response.coverage
        ],
        **pick(response, _ROBOT),
    )


def robot_response_from_message(message: msg.RobotAnswer) -> RobotResponse:
    """One robot's part of a search."""
    return RobotResponse(
        coverage=tuple((span.camera_id, to_ns(span.start), to_ns(span.end)) for span in message.looking),
        **pick(message, _ROBOT),
    )


def fill_response(response: srv.FaceSearch.Response, result: SearchResponse) -> None:
    """Put the fleet's response into the response of the service ``face_search``."""
    silent = [robot.robot_id for robot in result.robots if robot.status != ANSWERED]
    response.success = True
    response.message = "" if result.complete else f"incomplete: no answer from {', '.join(silent)}"
    for name, value in pick(result, _RESPONSE).items():
        setattr(response, name, value)
    response.matches = [match_to_message(match) for match in result.matches]
    response.robots = [robot_response_to_message(robot) for robot in result.robots]


def response_from_service(response: srv.FaceSearch.Response) -> SearchResponse:
    """The fleet's response out of the response of the service ``face_search``."""
    return SearchResponse(
        matches=tuple(match_from_message(match) for match in response.matches),
        robots=tuple(robot_response_from_message(robot) for robot in response.robots),
        **pick(response, _RESPONSE),
    )


def status_to_message(
    status: HistoryStatus,
    stamp: Time,
    instance_id: str,
    leaving: bool,
    models: tuple[str, str],
    behind_ns: dict[str, int | None],
) -> msg.HistoryStatus:
    """A robot's heartbeat.

    :param models: ids of person and face detector.
    :param behind_ns: by how much each camera's clock is behind the robot's; None or missing: unknown, sent as NaN.
    """
    return msg.HistoryStatus(
        stamp=stamp,
        robot_id=status.robot_id,
        instance_id=instance_id,
        leaving=leaving,
        model_id=status.model_id,
        person_model_id=models[0],
        face_model_id=models[1],
        sightings=status.sightings,
        disk_bytes=status.disk_bytes,
        cameras=[
            msg.CameraStatus(
                camera_id=camera.camera_id,
                frames=camera.frames,
                sightings=camera.sightings,
                oldest=to_time(camera.oldest_ns or 0),
                newest=to_time(camera.newest_ns or 0),
                clock_behind_s=_seconds(behind_ns.get(camera.camera_id)),
            )
            for camera in status.cameras
        ],
    )


def _seconds(span_ns: int | None) -> float:
    return float("nan") if span_ns is None else span_ns / 1e9


def coverage_from_message(message: msg.HistoryStatus) -> list[CameraCoverage]:
    """The span of time that each camera of a heartbeat holds."""
    return [
        CameraCoverage(
            message.robot_id,
            camera.camera_id,
            ((to_ns(camera.oldest), to_ns(camera.newest)),) if to_ns(camera.newest) else (),
        )
        for camera in message.cameras
    ]
