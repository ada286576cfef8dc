"""Visits of a matched person under all the ids that were joined, also where the face itself does not match."""

from collections import Counter
from dataclasses import replace

from facetrack_ros.search.request import SearchRequest
from facetrack_ros.search.response import NotSearched, SearchResponse
from facetrack_ros.search.validation import MOST_NAMES
from facetrack_ros.tracking.identity_merges import IdentityMerges

# No sighting but an equal one is as similar: only the persons' visits match.
_ONLY_PERSONS = 1.0
#: Ids that a request may carry. Chosen by hand.
MOST_IDS = 500


def joined_request(
    request: SearchRequest, response: SearchResponse, merges: IdentityMerges, search_id: str = ""
) -> SearchRequest | None:
    """The request for all visits of the persons that a response matched; None: all are known.

    It goes to the robots that answered.

    :param search_id: of the new request; empty: as that of ``request``.
    """
    persons = {match.person_id for match in response.matches if match.person_id}
    ids = sorted({each for person in persons for each in merges.group(person)} - set(request.person_ids))
    if not ids:
        return None
    ids = [*request.person_ids, *ids][:MOST_IDS]
    # Of several robots of one name the lines are ``robot1`` and ``robot1 (2 of that name)``.
    robots = sorted({robot.robot_id.partition(" (")[0] for robot in response.robots if robot.answered})
    return replace(
        request,
        search_id=search_id or request.search_id,
        person_ids=tuple(ids),
        threshold=_ONLY_PERSONS,
        rescan=False,
        robots=tuple(robots) if len(robots) <= MOST_NAMES else request.robots,
    )


def only_persons(request: SearchRequest) -> bool:
    """Whether a request is for the visits of persons, whatever their similarity, and for nothing else."""
    return bool(request.person_ids) and request.threshold >= _ONLY_PERSONS


def with_joined_visits(response: SearchResponse, joined: SearchResponse, limit: int) -> SearchResponse:
    """A response with the visits that another one adds under the same persons, to be settled again.

    :param joined: the answer to :func:`joined_request`.
    :param limit: most matches.
    """
    found = (*response.matches, *response.alike)
    known = {(match.robot_id, match.camera_id, match.track_id, match.stamp_ns) for match in found}
    more = [
        match
        for match in joined.matches
        if (match.robot_id, match.camera_id, match.track_id, match.stamp_ns) not in known
    ]
    matches = (*response.matches, *more)[:limit]
    count = Counter(match.robot_id for match in matches)
    lines = Counter(robot.robot_id for robot in response.robots)  # a robot has one more for each other model
    robots = tuple(
        replace(robot, matches=max(robot.matches, count[robot.robot_id]))
        if robot.answered and lines[robot.robot_id] == 1
        else robot
        for robot in response.robots
    )
    silent = {robot.robot_id for robot in joined.robots if not robot.answered}
    gaps = tuple(
        NotSearched(robot.robot_id, f"{robot.robot_id} did not say in time which visits are of the persons found")
        for robot in response.robots
        if robot.answered and robot.robot_id in silent and not robot.model_id
    )
    return replace(response, matches=matches, robots=robots, not_searched=(*response.not_searched, *gaps))
