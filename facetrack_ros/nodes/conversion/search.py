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
from facetrack_ros.search.partial import partial_sentence
from facetrack_ros.search.request import SearchRequest
from facetrack_ros.search.response import Match, NotSearched, RobotResponse, SearchedCamera, SearchResponse

# Fields that value and message have alike.
_REQUEST = ("search_id", "model_id", "threshold", "max_results", "rescan", "reference")
_MATCH = (
    *("robot_id", "camera_id", "person_id", "name", "track_id", "frame_number", "similarity", "normalised_similarity"),
    *("quality", "different_person", "rescanned"),
)
_FALSE_MATCHES = ("expected_false_matches", "expected_false_matches_low", "expected_false_matches_high")
_ROBOT = (
    *("robot_id", "status", "matches", "sightings", "instance_id", "elapsed_ms", "error", "note", "rescanned"),
    *("not_rescanned", "model_id", "threshold", *_FALSE_MATCHES, "scene_pairs", "scene_false_match_rate"),
)
_RESPONSE = (
    *("search_id", "model_id", "threshold", "operating_point", *_FALSE_MATCHES, "calibration_people"),
    *("calibration_pairs", "calibrated_on", "reference_note"),
)
_NOT_SEARCHED = ("robot_id", "camera_id", "model_id", "reason", "sightings")


def request_to_message(request: SearchRequest) -> msg.FaceSearchRequest:
    """A search request."""
    return msg.FaceSearchRequest(
        asker=request.requester,
        embedding=float_array(request.embedding),
        more_embeddings=float_array([] if request.more_embeddings is None else request.more_embeddings),
        person_ids=list(request.person_ids),
        time=to_time(request.time_ns),
        window=to_duration(request.window_ns),
        timeout=to_duration(request.timeout_ns),
        robots=list(request.robots),
        cameras=list(request.cameras),
        face_crop=byte_array(request.face_crop),
        **pick(request, _REQUEST),
    )


def request_from_message(message: msg.FaceSearchRequest) -> SearchRequest:
    """A search request; more embeddings that are no rows of the embedding's length are left out."""
    embedding, more = np.array(message.embedding, np.float32), np.array(message.more_embeddings, np.float32)
    rows = len(more) // len(embedding) if len(embedding) else 0
    return SearchRequest(
        requester=message.asker,
        embedding=embedding,
        more_embeddings=more[: rows * len(embedding)].reshape(rows, -1) if rows else None,
        person_ids=tuple(message.person_ids),
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
        searched=[
            msg.SearchedCamera(
                camera_id=camera.camera_id,
                sightings=camera.sightings,
                start=to_time(camera.start_ns),
                end=to_time(camera.end_ns),
            )
            for camera in response.searched
        ],
        not_searched=list(map(_not_searched_to_message, response.not_searched)),
        **pick(response, _ROBOT),
    )


def _not_searched_to_message(gap: NotSearched) -> msg.NotSearched:
    return msg.NotSearched(start=to_time(gap.start_ns), end=to_time(gap.end_ns), **pick(gap, _NOT_SEARCHED))


def _not_searched_from_message(message: msg.NotSearched) -> NotSearched:
    return NotSearched(start_ns=to_ns(message.start), end_ns=to_ns(message.end), **pick(message, _NOT_SEARCHED))


def robot_response_from_message(message: msg.RobotAnswer) -> RobotResponse:
    """One robot's part of a search."""
    return RobotResponse(
        coverage=tuple((span.camera_id, to_ns(span.start), to_ns(span.end)) for span in message.looking),
        searched=tuple(
            SearchedCamera(camera.camera_id, camera.sightings, to_ns(camera.start), to_ns(camera.end))
            for camera in message.searched
        ),
        not_searched=tuple(map(_not_searched_from_message, message.not_searched)),
        **pick(message, _ROBOT),
    )


def fill_response(response: srv.FaceSearch.Response, result: SearchResponse) -> None:
    """Put the fleet's response into the response of the service ``face_search``."""
    start_ns, end_ns = result.searched_span or (0, 0)
    response.success = True
    response.complete = result.complete
    response.message = "" if result.complete else partial_sentence(result)
    response.not_searched = list(map(_not_searched_to_message, result.not_searched))
    for name, value in pick(result, (*_RESPONSE, "sightings")).items():
        setattr(response, name, value)
    response.searched_from, response.searched_to = to_time(start_ns), to_time(end_ns)
    response.matches = [match_to_message(match) for match in result.matches]
    response.alike = [match_to_message(match) for match in result.alike]
    response.robots = [robot_response_to_message(robot) for robot in result.robots]


def response_from_service(response: srv.FaceSearch.Response) -> SearchResponse:
    """The fleet's response out of the response of the service ``face_search``."""
    return SearchResponse(
        matches=tuple(map(match_from_message, response.matches)),
        robots=tuple(map(robot_response_from_message, response.robots)),
        not_searched=tuple(map(_not_searched_from_message, response.not_searched)),
        alike=tuple(map(match_from_message, response.alike)),
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
        error=status.error,
        other_models=[
            msg.StoredModel(
                model_id=other.model_id,
                sightings=other.sightings,
                oldest=to_time(other.oldest_ns),
                newest=to_time(other.newest_ns),
            )
            for other in status.other_models
        ],
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
