"""Search requests and responses to messages and back."""

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from geometry_msgs.msg import Point, Pose, Quaternion

from facetrack_ros import msg, srv
from facetrack_ros.core import validation
from facetrack_ros.core.pose import RobotPose
from facetrack_ros.core.printable import printable
from facetrack_ros.errors import InvalidInput
from facetrack_ros.nodes.conversion import fields
from facetrack_ros.nodes.conversion.fields import box, byte_array, clean, float_array, pick
from facetrack_ros.nodes.conversion.operator import said_by
from facetrack_ros.nodes.conversion.time import make_header, pose_from_message, stamp_of, to_duration, to_ns, to_time
from facetrack_ros.search.partial import partial_sentence
from facetrack_ros.search.request import SearchRequest
from facetrack_ros.search.response import Match, NotSearched, RobotResponse, SearchedCamera, SearchResponse

# Fields that value and message have alike.
_REQUEST = ("search_id", "model_id", "threshold", "max_results", "rescan", "reference", "reason")
_ROBOT_OF_ANSWER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*( \(\d{1,3} of that name\))?")
# Sentences of another robot: printable once they are values here.
_SENTENCES, _GAP = ("error", "note"), ("robot_id", "camera_id", "model_id", "reason")
_MATCH = (
    *("robot_id", "camera_id", "person_id", "name", "track_id", "frame_number", "similarity", "normalised_similarity"),
    *("quality", "different_person", "rescanned"),
)
_FALSE_MATCHES = ("expected_false_matches", "expected_false_matches_low", "expected_false_matches_high")
_ROBOT = (
    *("robot_id", "status", "matches", "sightings", "instance_id", "elapsed_ms", "error", "note", "rescanned"),
    *("not_rescanned", "model_id", "threshold", *_FALSE_MATCHES, "scene_pairs", "scene_false_match_rate"),
    *("verified_matches", "rejected_matches"),
)
_RESPONSE = (
    *("search_id", "model_id", "threshold", "operating_point", *_FALSE_MATCHES, "calibration_people"),
    *("calibration_pairs", "calibrated_on", "reference_note"),
)
# Of these, what a person reads.
_OF_RESPONSE = ("search_id", "model_id", "operating_point", "calibrated_on", "reference_note")
_NOT_SEARCHED = ("robot_id", "camera_id", "model_id", "reason", "sightings")


def request_to_message(request: SearchRequest) -> msg.FaceSearchRequest:
    """A search request."""
    return msg.FaceSearchRequest(
        asker=request.requester,
        operator_name=request.operator,
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
    """A search request; more embeddings that are no rows of the embedding's length are left out.

    :raises InvalidInput: a part of it is not valid.
    """
    dimension = len(message.embedding)
    embedding = validation.embedding(message.embedding, "the embedding of a search")
    more = message.more_embeddings[: len(message.more_embeddings) // dimension * dimension]
    ids = validation.at_most(message.person_ids, "person ids", fields.MOST_IDS)
    return SearchRequest(
        search_id=validation.token(message.search_id, "the search id", empty=True),
        embedding=embedding,
        model_id=validation.model_name(message.model_id, "the embedder of a search", empty=True),
        time_ns=to_ns(message.time),
        window_ns=validation.span(to_ns(message.window), "the time window"),
        robots=_names(message.robots, "robots"),
        cameras=_names(message.cameras, "cameras"),
        threshold=validation.number(message.threshold, "the threshold", 0.0, 1.0),
        max_results=validation.count(message.max_results, "max_results", fields.MOST_MATCHES),
        timeout_ns=validation.span(to_ns(message.timeout), "the timeout"),
        rescan=message.rescan,
        face_crop=validation.content(message.face_crop, "the face of a search", fields.MOST_CROP),
        requester=validation.token(message.asker, "who searches", empty=True),
        reference=validation.plain_text(message.reference, "the reference", fields.LONGEST_OLD_NAME),
        more_embeddings=validation.embeddings(more, "a further embedding", dimension, fields.MOST_EMBEDDINGS)
        if len(more)
        else None,
        **said_by(message),
        person_ids=tuple(validation.identifier(each, "a person id") for each in ids),
    )


def _names(names: Sequence[str], what: str) -> tuple[str, ...]:
    """Robots or cameras that a request names; they need not exist."""
    return tuple(
        validation.plain_text(name, f"one of the {what}", 255, empty=False)
        for name in validation.at_most(names, what, fields.MOST_NAMES)
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
    """One match; without a thumbnail that is too large for one.

    :raises InvalidInput: a part of it is not valid.
    """
    thumbnail = message.thumbnail if len(message.thumbnail) <= fields.MOST_THUMBNAIL else b""
    return Match(
        robot_id=_robot(message.robot_id),
        camera_id=validation.identifier(message.camera_id, "the camera of a match"),
        person_id=validation.identifier(message.person_id, "the person of a match", empty=True),
        track_id=validation.identifier(message.track_id, "the track of a match", empty=True),
        frame_number=validation.count(message.frame_number, "a frame number", fields.MOST_COUNT),
        stamp_ns=stamp_of(message.stamp, "the stamp of a match"),
        first_ns=stamp_of(message.first_stamp, "the begin of a visit"),
        last_ns=stamp_of(message.last_stamp, "the end of a visit"),
        bbox=box(message.bbox, "the box of a match"),
        face_bbox=box(message.face_bbox, "the box of a match's face"),
        # The collector of the answers says which robot gave an impossible similarity.
        similarity=validation.number(
            message.similarity, "a similarity", -fields.FARTHEST_PX, fields.FARTHEST_PX, nan=True
        ),
        quality=validation.number(message.quality, "the quality of a match", 0.0, fields.MOST_SIMILAR),
        thumbnail=bytes(thumbnail),
        rescanned=message.rescanned,
        pose=pose_from_message(message.pose_header, message.pose) if message.has_pose else None,
        name=validation.plain_text(message.name, "the name of a match", fields.LONGEST_OLD_NAME),
        normalised_similarity=validation.number(
            message.normalised_similarity, "a normalised similarity", -fields.FARTHEST_PX, fields.FARTHEST_PX, nan=True
        ),
        different_person=printable(message.different_person),
    )


def _robot(name: str) -> str:
    """A robot's name in an answer, also as ``robot1 (2 of that name)``."""
    if len(name) > fields.LONGEST_OLD_NAME or not _ROBOT_OF_ANSWER.fullmatch(name):
        raise InvalidInput(f"the robot of an answer, {printable(name, 60)!r}, has no valid name", "name")
    return name


def robot_of_result(message: msg.FaceSearchResult) -> str:
    """The robot that a result says it is of, not checked."""
    return message.robot.robot_id


def read_result(message: msg.FaceSearchResult) -> tuple[str, tuple[Match, ...]]:
    """The search that a result answers, and its matches.

    :raises InvalidInput: a part of it is not valid.
    """
    matches = validation.at_most(message.matches, "matches", fields.MOST_MATCHES)
    return validation.token(message.search_id, "the search id"), tuple(map(match_from_message, matches))


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
    return NotSearched(
        start_ns=stamp_of(message.start, "the begin of what was not searched"),
        end_ns=stamp_of(message.end, "the end of what was not searched"),
        sightings=validation.count(message.sightings, "a number of sightings", fields.MOST_COUNT),
        **clean(message, _GAP),
    )


def robot_response_from_message(message: msg.RobotAnswer) -> RobotResponse:
    """One robot's part of a search.

    :raises InvalidInput: a part of it is not valid.
    """
    at_most = validation.at_most
    return RobotResponse(
        coverage=tuple(map(_span, at_most(message.looking, "spans of time", fields.MOST_SPANS))),
        searched=tuple(map(_searched, at_most(message.searched, "cameras", fields.MOST_CAMERAS))),
        not_searched=tuple(map(_not_searched_from_message, at_most(message.not_searched, "gaps", fields.MOST_SPANS))),
        **_checked_figures(message),
        **clean(message, _SENTENCES),
    )


def _checked_figures(message: msg.RobotAnswer) -> dict[str, Any]:
    """What is one number or one name. Whether the collector of the answers can use it, it says itself."""
    for name in ("sightings", "scene_pairs"):
        validation.count(getattr(message, name), f"the number {name}", fields.MOST_COUNT)
    for name in ("elapsed_ms", "threshold", *_FALSE_MATCHES, "scene_false_match_rate"):
        validation.number(getattr(message, name), name, -fields.MOST_COUNT, fields.MOST_COUNT, nan=True)
    return pick(message, [name for name in _ROBOT if name not in _SENTENCES]) | {
        "robot_id": _robot(message.robot_id),
        "status": printable(message.status, 32),
        "instance_id": validation.token(message.instance_id, "the process of an answer", empty=True),
        "model_id": validation.model_name(message.model_id, "the embedder of an answer", empty=True),
    }


def _searched(message: msg.SearchedCamera) -> SearchedCamera:
    return SearchedCamera(
        validation.identifier(message.camera_id, "a camera"),
        validation.count(message.sightings, "a number of sightings", fields.MOST_COUNT),
        stamp_of(message.start, "the first stamp of a camera"),
        stamp_of(message.end, "the last stamp of a camera"),
    )


def _span(message: msg.CameraSpan) -> tuple[str, int, int]:
    start_ns, end_ns = stamp_of(message.start, "the begin of a span"), stamp_of(message.end, "the end of a span")
    return validation.identifier(message.camera_id, "a camera"), start_ns, end_ns


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
    """The fleet's response out of the response of the service ``face_search``.

    :raises InvalidInput: a part of it is not valid.
    """
    at_most = validation.at_most
    gaps = at_most(response.not_searched, "gaps", fields.MOST_SPANS)
    figures = pick(response, [name for name in _RESPONSE if name not in _OF_RESPONSE])
    return SearchResponse(
        matches=tuple(map(match_from_message, at_most(response.matches, "matches", fields.MOST_MATCHES))),
        robots=tuple(map(robot_response_from_message, at_most(response.robots, "robots", fields.MOST_ROBOTS))),
        not_searched=tuple(map(_not_searched_from_message, gaps)),
        alike=tuple(map(match_from_message, at_most(response.alike, "matches", fields.MOST_MATCHES))),
        **figures,
        **clean(response, _OF_RESPONSE),
    )
