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

    A visit spans all its tracks and is otherwise its most similar match. Without a person id, each track is a visit;
    but faces that a rescan found, and that no track was known for, belong to the nearest visit.

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
    return _with_rescanned([visit for visit in visits if visit is not None], gap_ns)


def _with_rescanned(visits: list[Match], gap_ns: int) -> list[Match]:
    """The visits, with those of rescanned faces without a person merged into the nearest one of their camera.

    A rescan leaves out the frames in which a face is known, so such faces are of the time between a visit's faces.
    """
    found, row = list(visits), 0
    while row < len(found):
        near = [] if found[row].person_id or not found[row].rescanned else _near(found, row, gap_ns)
        if not near:
            row += 1
            continue
        best, other = sorted((row, near[0]))  # they are best first
        joined = found[best], found.pop(other)
        found[best] = replace(
            joined[0],
            person_id=joined[0].person_id or joined[1].person_id,
            first_ns=min(each.first_ns for each in joined),
            last_ns=max(each.last_ns for each in joined),
        )
        row = 0
    return found


def _near(visits: list[Match], row: int, gap_ns: int) -> list[int]:
    """Rows of the visits that rescanned faces may belong to: of a person first, then by distance in time."""
    loose = visits[row]
    near = [
        (not visit.person_id, _gap(visit, loose), number)
        for number, visit in enumerate(visits)
        if number != row
        and (visit.robot_id, visit.camera_id) == (loose.robot_id, loose.camera_id)
        and (visit.person_id or visit.rescanned)
        and _gap(visit, loose) <= gap_ns
    ]
    return [number for _, _, number in sorted(near)]


def apply_merges(matches: Iterable[Match], merges: IdentityMerges) -> tuple[Match, ...]:
    """The matches under their canonical person ids; those that thereby become one visit are merged.

    :param matches: best first.
    """
    return tuple(fold_visits(replace(match, person_id=merges.canonical(match.person_id)) for match in matches))


def _gap(first: Match, second: Match) -> int:
    return max(first.first_ns, second.first_ns) - min(first.last_ns, second.last_ns)
