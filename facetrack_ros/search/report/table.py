"""A search response as text for a terminal."""

from collections.abc import Sequence
from datetime import timezone, tzinfo

from facetrack_ros.core.utc import moment, show_span
from facetrack_ros.models import catalog
from facetrack_ros.search.audit.records import match_id
from facetrack_ros.search.partial import not_searched_lines
from facetrack_ros.search.report.trust import trust_sentence, wider_sentence
from facetrack_ros.search.response import ANSWERED, Match, RobotResponse, SearchResponse

# Lines and names listed. Chosen by hand.
_MOST_LINES, _MOST_CAMERAS = 20, 12


def response_table(response: SearchResponse, zone: tzinfo | None = timezone.utc) -> str:
    """Matches best first, one line per robot, what was searched and what was not, and how reliable the response is.

    Times are UTC; the date stands above the matches where all are of one day, else in each line.

    :param zone: in which the searched time is given too; None: local time.
    """
    parts = [
        _matches(response),
        unverified_sentence(response),
        _alike(response),
        _robots(response),
        searched_sentence(response, zone),
        joined_sentence(response),
        rescan_sentence(response),
        trust_sentence(response) if response.sightings else "",
        wider_sentence(response, catalog.known(response.model_id)) if response.sightings else "",
        _not_searched(response),
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def searched_sentence(response: SearchResponse, zone: tzinfo | None = timezone.utc) -> str:
    """The sightings compared, of which cameras, and from when to when.

    :param zone: in which the time is given beside UTC; None: local time.
    """
    cameras = [f"{robot_id}/{camera.camera_id}" for robot_id, camera in response.searched_cameras]
    span = response.searched_span
    if span is None:
        return ""
    names = list(dict.fromkeys(cameras))
    more = f" and {len(names) - _MOST_CAMERAS} more" if len(names) > _MOST_CAMERAS else ""
    return (
        f"Compared {response.sightings} sighting{'' if response.sightings == 1 else 's'} of "
        f"{', '.join(names[:_MOST_CAMERAS])}{more}; {both_times(*span, zone)}."
    )


def both_times(start_ns: int, end_ns: int, zone: tzinfo | None = timezone.utc) -> str:
    """A span of time in UTC, and in another time zone where that differs.

    :param zone: None: local time.
    """
    utc, other = show_span(start_ns, end_ns), show_span(start_ns, end_ns, zone)
    local = moment(end_ns).astimezone(zone)
    return utc if not local.utcoffset() else f"{utc} ({other})"


def joined_sentence(response: SearchResponse) -> str:
    """What the mark of visits below the threshold means; empty where there is none."""
    if not any(is_joined(match, response) for match in response.matches):
        return ""
    return "Visits marked ^ are below the threshold: they are of a person found, under an id that was joined with it."


def is_joined(match: Match, response: SearchResponse) -> bool:
    """Whether a match is below its robot's threshold: a visit of a person found that the face alone does not match."""
    own = {robot.robot_id: robot.threshold for robot in response.robots if robot.model_id}
    return match.similarity < min(response.threshold, own.get(match.robot_id, 1.0)) - 1e-6


def _not_searched(response: SearchResponse) -> str:
    if response.complete:
        return ""
    lines = not_searched_lines(response)
    more = [f"  and {len(lines) - _MOST_LINES} more"] if len(lines) > _MOST_LINES else []
    head = "This answer is partial: the face may have been seen where nothing was compared."
    return "\n".join([head, *(f"  {line}" for line in lines[:_MOST_LINES]), *more])


def part_line(robot: RobotResponse | None, matches: Sequence[Match], missing: tuple[str, ...], last: bool) -> str:
    """Format one partial response as a line.

    :param robot: that answered; None in the first and the last part.
    :param matches: its matches, best first.
    :param missing: robots that have not answered yet.
    """
    waiting = f"waiting for {', '.join(missing)}" if missing else "all have answered"
    if robot is None:
        return f"time is up: {', '.join(missing)} did not answer" if last and missing else waiting
    if robot.status != ANSWERED:
        found = robot.status.replace("_", " ")
    elif not matches:
        of = " of enrolled people, the only ones kept" if robot.enrolled_only else ""
        found = f"no match among {robot.sightings} sightings{of}"
    else:
        best = matches[0]
        found = (
            f"{len(matches)} {'match' if len(matches) == 1 else 'matches'}, best {best.similarity:.3f} at "
            f"{best.camera_id} {_clock(best.stamp_ns)} UTC" + (f" as {person_of(best)}" if best.person_id else "")
        )
    return f"{robot.robot_id}: {found}; {waiting}"


def rescan_sentence(response: SearchResponse) -> str:
    """Number of stored frames rescanned; empty where no rescan was requested."""
    done = sum(robot.rescanned for robot in response.robots)
    left = sum(robot.not_rescanned for robot in response.robots)
    if not done and not left:
        return ""
    found = " Matches marked * were found there." if any(match.rescanned for match in response.matches) else ""
    return (
        f"{done} stored frames were rescanned"
        + (f", {left} more were not: search again, or allow more time." if left else ".")
        + found
    )


def no_match_sentence(response: SearchResponse) -> str:
    """What an answer without matches says."""
    kept = _enrolled_only(response)
    if response.complete:
        return f"No match.{kept}"
    return f"{'No match in what was compared.' if response.sightings else 'Nothing was compared: no answer.'}{kept}"


def person_of(match: Match) -> str:
    """Id and name of a match's person; empty: it has neither."""
    return f"{match.person_id} ({match.name})" if match.name else match.person_id


def _enrolled_only(response: SearchResponse) -> str:
    """What no match does not mean, where robots keep enrolled people only."""
    robots = response.enrolled_only
    if not robots:
        return ""
    keep = "keeps" if len(robots) == 1 else "keep"
    return f" {', '.join(robots)} {keep} enrolled people only: whether anyone else was seen there is unknown."


def _matches(response: SearchResponse) -> str:
    if not response.matches:
        return no_match_sentence(response)
    rows: list[tuple[str, ...]] = []
    for match in response.matches:
        mark = ("*" if match.rescanned else "") + ("^" if is_joined(match, response) else "")
        times = (_clock(match.first_ns), _clock(match.last_ns))
        similarity = f"{match.similarity:.3f}{mark}"
        rows.append((match.robot_id, match.camera_id, person_of(match) or "-", *times, similarity, match_id(match)))
    days = [moment(match.first_ns).date() for match in response.matches]
    header = ("robot", "camera", "person", "from", "to", "similarity", "match")
    if len(set(days)) == 1:
        return f"{days[0]} (UTC)\n" + _columns(header, rows, right=(5,))
    rows = [(*row[:3], str(day), *row[3:]) for row, day in zip(rows, days)]
    return "Times are UTC\n" + _columns((*header[:3], "day", *header[3:]), rows, right=(6,))


def unverified_sentence(response: SearchResponse) -> str:
    """How a person judges the matches; empty where there are none."""
    if not response.matches:
        return ""
    return (
        f"Matches are unverified until a person judges them: facetrack verify {response.search_id} MATCH confirm|reject"
    )


def _alike(response: SearchResponse) -> str:
    """What is similar enough but known to be of another person, with the reasons."""
    if not response.alike:
        return ""
    rows: list[tuple[str, ...]] = [
        (match.robot_id, match.camera_id, person_of(match) or "-", f"{match.similarity:.3f}", match.different_person)
        for match in response.alike
    ]
    header = ("robot", "camera", "person", "similarity", "why it is no match")
    return "Alike, but no match:\n" + _columns(header, rows, right=(3,))


def _robots(response: SearchResponse) -> str:
    rows: list[tuple[str, ...]] = []
    for robot in response.robots:
        numbers = (str(robot.matches), str(robot.sightings), f"{robot.elapsed_ms:.1f}")
        if not robot.answered:
            numbers = ("-", "-", "-")
        rows.append((robot.robot_id, robot.status.replace("_", " "), *numbers, robot_remark(robot)))
    return _columns(("robot", "status", "matches", "sightings", "ms", ""), rows, right=(2, 3, 4))


def robot_remark(robot: RobotResponse) -> str:
    """What to keep in mind of a robot's line: an error, a note, a model of its own."""
    own = f"by {robot.model_id}, threshold {robot.threshold:.3g}" if robot.model_id else ""
    return "; ".join(part for part in (robot.error, robot.note, own) if part)


def _columns(header: tuple[str, ...], rows: list[tuple[str, ...]], right: tuple[int, ...]) -> str:
    widths = [max(len(row[i]) for row in (header, *rows)) for i in range(len(header))]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if i in right else cell.ljust(width) for i, (cell, width) in enumerate(zip(row, widths))
        ).rstrip()
        for row in (header, *rows)
    )


def _clock(stamp_ns: int) -> str:
    return f"{moment(stamp_ns):%H:%M:%S.%f}"[:-3]
