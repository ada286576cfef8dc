"""What the audit log records of a search."""

import hashlib
from typing import Any

import numpy as np

from facetrack_ros.history.audit.reason import who_asked
from facetrack_ros.search.request import SearchRequest
from facetrack_ros.search.response import Match, RobotResponse

#: Matches that a record lists, best first; their number is recorded in any case. Chosen by hand: twice the default of
#: ``backtrack_search.max_results``.
MOST_MATCHES = 40
_MOST_NAMES, _LONGEST_NAME = 20, 200


def search_record(request: SearchRequest, response: RobotResponse, matches: tuple[Match, ...]) -> dict[str, Any]:
    """The record of a robot's part of a search, without its faces.

    ``input`` is the SHA-256 of the embeddings asked with. Each of ``matches`` has its id (:func:`match_id`), and what
    leads to the stored sighting and its crop: camera, stamp, frame number, track and person.

    :param matches: those sent to the requester.
    """
    return {
        "search_id": request.search_id[:_LONGEST_NAME],
        "question": request.digest,
        **who_asked(request.operator, request.reason, request.signed_by),
        "asker": request.requester[:_LONGEST_NAME],
        "reference": request.reference[:_LONGEST_NAME],
        "input": input_digest(request),
        "model_id": (response.model_id or request.model_id)[:_LONGEST_NAME],
        "threshold": round(response.threshold if response.model_id else request.threshold, 6),
        "time": _seconds(request.time_ns) if request.window_ns else None,
        "window_sec": _seconds(request.window_ns),
        "robots": [name[:_LONGEST_NAME] for name in request.robots[:_MOST_NAMES]],
        "cameras": [name[:_LONGEST_NAME] for name in request.cameras[:_MOST_NAMES]],
        "rescan": request.rescan,
        "status": response.status,
        "error": response.error,
        "sightings": response.sightings,
        "found": response.matches,
        "handed_out": len(matches),
        "persons": sorted({match.person_id for match in matches if match.person_id})[:_MOST_NAMES],
        "matches": [_match(match) for match in matches[:MOST_MATCHES]],
    }


def input_digest(request: SearchRequest) -> str:
    """SHA-256 of the embeddings asked with: searches with the same one asked for the same face."""
    return hashlib.sha256(np.ascontiguousarray(request.embeddings, np.float32).tobytes()).hexdigest()


def match_id(match: Match) -> str:
    """The id of a match: its robot, and 8 hexadecimal digits of where and when it is.

    Robot and requester come to the same id, so that a match of an answer is found in the robot's log.
    """
    robot = match.robot_id.partition(" (")[0]
    place = f"{robot}/{match.camera_id}/{match.stamp_ns}/{match.track_id}/{match.frame_number}"
    return f"{robot}:{hashlib.sha256(place.encode()).hexdigest()[:8]}"


def _match(match: Match) -> dict[str, Any]:
    return {
        "match": match_id(match),
        "camera": match.camera_id,
        "stamp": _seconds(match.stamp_ns),
        "frame": int(match.frame_number),
        "track": match.track_id,
        "person": match.person_id,
        "similarity": round(float(match.similarity), 4),
        **({"different_person": True} if match.different_person else {}),
    }


def _seconds(time_ns: int) -> float:
    return round(int(time_ns) / 1e9, 6)
