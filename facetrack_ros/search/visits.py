"""Merges the matches of one person's visit to a camera, and applies identity merges."""

from collections.abc import Iterable
from dataclasses import replace

from facetrack_ros.search.response import Match
from facetrack_ros.tracking.identity_merges import IdentityMerges

#: Tracks of one person in one camera with no larger gap are one visit. Tracks break at occlusions and turned heads; a
#: longer absence is a new visit. Chosen by hand.
VISIT_GAP_NS = 10_000_000_000


def fold_visits(matches: Iterable[Match], gap_ns: int = VISIT_GAP_NS) -> list[Match]:
    """Merge the matches of each visit, ordered by the best match of each.

    A visit spans all its tracks and is otherwise its most similar match. Without a person id, each track is a visit.

    :param matches: best first.
    """
    visits: list[Match | None] = []
    rows_by_place: dict[tuple[str, str, str], list[int]] = {}
    for match in matches:
        person = match.person_id or f" {match.track_id}"
        rows = rows_by_place.setdefault((match.robot_id, match.camera_id, person), [])
        near = {row: visit for row in rows if (visit := visits[row]) and _gap(visit, match) <= gap_ns}
        if not near:
            rows.append(len(visits))
            visits.append(match)
            continue
        first, *others = near
        joined = [match, *near.values()]
        visits[first] = replace(
            near[first], first_ns=min(each.first_ns for each in joined), last_ns=max(each.last_ns for each in joined)
        )
        for row in others:  # the match lies between visits that were apart
            rows.remove(row)
            visits[row] = None
    return [visit for visit in visits if visit is not None]


def apply_merges(matches: Iterable[Match], merges: IdentityMerges) -> tuple[Match, ...]:
    """The matches under their canonical person ids; those that thereby become one visit are merged.

    :param matches: best first.
    """
    return tuple(fold_visits(replace(match, person_id=merges.canonical(match.person_id)) for match in matches))


def _gap(first: Match, second: Match) -> int:
    return max(first.first_ns, second.first_ns) - min(first.last_ns, second.last_ns)
