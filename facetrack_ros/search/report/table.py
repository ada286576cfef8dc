"""A search response as text for a terminal."""

from collections.abc import Sequence
from datetime import datetime, timedelta, timezone

from facetrack_ros.search.partial import partial_sentence
from facetrack_ros.search.report.trust import trust_sentence
from facetrack_ros.search.response import ANSWERED, Match, RobotResponse, SearchResponse

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def response_table(response: SearchResponse) -> str:
    """Matches best first, one line per robot, and how reliable the response is.

    Times are UTC; the date stands above the matches where all are of one day, else in each line.
    """
    parts = [
        _matches(response),
        _alike(response),
        _robots(response),
        rescan_sentence(response),
        trust_sentence(response),
    ]
    if not response.complete:
        parts.append(partial_sentence(response))
    return "\n\n".join(filter(None, parts)) + "\n"


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
        found = f"no match among {robot.sightings} sightings"
    else:
        best = matches[0]
        found = (
            f"{len(matches)} {'match' if len(matches) == 1 else 'matches'}, best {best.similarity:.3f} at "
            f"{best.camera_id} {_clock(best.stamp_ns)} UTC" + (f" as {best.person_id}" if best.person_id else "")
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


def _matches(response: SearchResponse) -> str:
    if not response.matches:
        return "No match."
    rows: list[tuple[str, ...]] = []
    for match in response.matches:
        source = (match.robot_id, match.camera_id, match.person_id or "-")
        similarity = f"{match.similarity:.3f}" + ("*" if match.rescanned else "")
        rows.append((*source, _clock(match.first_ns), _clock(match.last_ns), similarity))
    days = [_moment(match.first_ns).date() for match in response.matches]
    header = ("robot", "camera", "person", "from", "to", "similarity")
    if len(set(days)) == 1:
        return f"{days[0]} (UTC)\n" + _columns(header, rows, right=(5,))
    rows = [(*row[:3], str(day), *row[3:]) for row, day in zip(rows, days)]
    return "Times are UTC\n" + _columns((*header[:3], "day", *header[3:]), rows, right=(6,))


def _alike(response: SearchResponse) -> str:
    """What is similar enough but known to be of another person, with the reasons."""
    if not response.alike:
        return ""
    rows = [
        (match.robot_id, match.camera_id, match.person_id or "-", f"{match.similarity:.3f}", match.different_person)
        for match in response.alike
    ]
    header = ("robot", "camera", "person", "similarity", "why it is no match")
    return "Alike, but no match:\n" + _columns(header, rows, right=(3,))


def _robots(response: SearchResponse) -> str:
    rows: list[tuple[str, ...]] = []
    for robot in response.robots:
        numbers = (str(robot.matches), str(robot.sightings), f"{robot.elapsed_ms:.1f}")
        rows.append((robot.robot_id, robot.status.replace("_", " "), *numbers, _remark(robot)))
    return _columns(("robot", "status", "matches", "sightings", "ms", ""), rows, right=(2, 3, 4))


def _remark(robot: RobotResponse) -> str:
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


def _moment(stamp_ns: int) -> datetime:
    return _EPOCH + timedelta(microseconds=stamp_ns // 1000)


def _clock(stamp_ns: int) -> str:
    return f"{_moment(stamp_ns):%H:%M:%S.%f}"[:-3]
