"""Thumbnails of matches that are none are left out of a response: they may take memory without bound."""

from collections.abc import Iterable
from dataclasses import replace

from facetrack_ros.core.pictures.decoding import check_picture
from facetrack_ros.core.pictures.picture_limits import THUMBNAIL
from facetrack_ros.errors import FrameError
from facetrack_ros.search.response import Match, RobotResponse, SearchResponse


def without_false_thumbnails(
    response: RobotResponse, matches: Iterable[Match]
) -> tuple[RobotResponse, tuple[Match, ...]]:
    """A robot's response, with a note on what is left out, and its matches."""
    matches = tuple(matches)
    kept = tuple(map(_checked, matches))
    dropped = sum(bool(before.thumbnail) and not after.thumbnail for before, after in zip(matches, kept))
    if not dropped:
        return response, kept
    most = f"a JPEG of at most {THUMBNAIL.max_bytes // 1024} kB and {THUMBNAIL.max_side} pixels"
    note = f"thumbnails of {dropped} matches were left out, as each has to be {most}"
    return replace(response, note="; ".join(filter(None, (response.note, note)))), kept


def with_checked_thumbnails(response: SearchResponse) -> SearchResponse:
    """A fleet's response as one robot sent it, likewise."""
    sent = (*response.matches, *response.alike)
    robots = tuple(
        without_false_thumbnails(robot, [match for match in sent if match.robot_id == robot.robot_id])[0]
        for robot in response.robots
    )
    matches, alike = (tuple(map(_checked, found)) for found in (response.matches, response.alike))
    return replace(response, robots=robots, matches=matches, alike=alike)


def _checked(match: Match) -> Match:
    if not match.thumbnail:
        return match
    try:
        check_picture(match.thumbnail, THUMBNAIL)
    except FrameError:
        return replace(match, thumbnail=b"")
    return match
