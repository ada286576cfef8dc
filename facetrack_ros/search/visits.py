"""Matches of one person's visit to a camera are one."""

from collections.abc import Iterable
from dataclasses import replace

from facetrack_ros.search.response import Match

#: A person's tracks in a camera that lie no farther apart are one visit. Tracks break when somebody passes behind another
#: or turns away; whoever is away for longer than this has gone and come again.
VISIT_GAP_NS = 10_000_000_000


def fold_visits(matches: Iterable[Match], gap_ns: int = VISIT_GAP_NS) -> list[Match]:
    """The matches with each visit of a person to a camera as one, in the order of the best of each.

    It has the span of all its tracks, and the rest of the most similar one. Somebody who has no person id yet has a visit
    a track.

    :param matches: best first.
    """
    visits: list[Match | None] = []
    places: dict[tuple[str, str, str], list[int]] = {}
    for match in matches:
        person = match.person_id or f" {match.track_id}"
        rows = places.setdefault((match.robot_id, match.camera_id, person), [])
        near = [row for row in rows if _gap(visits[row], match) <= gap_ns]
        if not near:
            rows.append(len(visits))
            visits.append(match)
            continue
        first, *others = near
        joined = [match, *(visits[row] for row in near)]
        visits[first] = replace(
            visits[first], first_ns=min(one.first_ns for one in joined), last_ns=max(one.last_ns for one in joined)
        )
        for row in others:  # this one lies between two that were apart
            rows.remove(row)
            visits[row] = None
    return [visit for visit in visits if visit is not None]


def _gap(one: Match, other: Match) -> int:
    return max(one.first_ns, other.first_ns) - min(one.last_ns, other.last_ns)
