"""The answer as text for a terminal."""

import math
from datetime import datetime, timedelta, timezone

from facetrack_ros.search.answer import ANSWERED, Answer

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def answer_table(answer: Answer) -> str:
    """Matches best first, a line a robot, and how far the answer can be trusted.

    Times are UTC; the date is said once when all matches are of one day, else in each line.
    """
    parts = [_matches(answer), _robots(answer), trust_sentence(answer)]
    if not answer.complete:
        parts.append(partial_sentence(answer))
    return "\n\n".join(parts) + "\n"


def trust_sentence(answer: Answer) -> str:
    """At which threshold was searched, and how many strangers chance alone would put above it."""
    expected = answer.expected_false_matches
    if math.isnan(expected):
        words = "false matches unknown, as this model's false-match rate was never measured"
    else:
        number = f"{expected:.2g}" if expected < 10 else f"{expected:.0f}"
        if 0 < expected < 0.001:
            number = "fewer than 0.001"
        compared = sum(robot.sightings for robot in answer.robots if robot.status == ANSWERED)
        words = f"{number} false matches expected by chance over {compared} sightings"
    return f"Model {answer.model_id}, threshold {answer.threshold:.3g}, {words}."


def partial_sentence(answer: Answer) -> str:
    """Who is missing from the answer."""
    missing = [f"{robot.robot_id} ({robot.status.replace('_', ' ')})" for robot in answer.robots
               if robot.status != ANSWERED]
    names = missing[0] if len(missing) == 1 else f"{', '.join(missing[:-1])} and {missing[-1]}"
    return f"This answer is partial: {names} did not answer, so the face may have been seen there too."


def _matches(answer: Answer) -> str:
    if not answer.matches:
        return "No match."
    rows = [(match.robot_id, match.camera_id, match.person_id or "-", _clock(match.first_ns), _clock(match.last_ns),
             f"{match.similarity:.3f}") for match in answer.matches]
    days = [_moment(match.first_ns).date() for match in answer.matches]
    header = ("robot", "camera", "person", "from", "to", "similarity")
    if len(set(days)) == 1:
        return f"{days[0]} (UTC)\n" + _columns(header, rows, right=(5,))
    rows = [(*row[:3], str(day), *row[3:]) for row, day in zip(rows, days)]
    return "Times are UTC\n" + _columns((*header[:3], "day", *header[3:]), rows, right=(6,))


def _robots(answer: Answer) -> str:
    rows = [(robot.robot_id, robot.status.replace("_", " "), str(robot.matches), str(robot.sightings),
             f"{robot.elapsed_ms:.1f}", "; ".join(filter(None, (robot.error, robot.note)))) for robot in answer.robots]
    return _columns(("robot", "status", "matches", "sightings", "ms", ""), rows, right=(2, 3, 4))


def _columns(header: "tuple[str, ...]", rows: "list[tuple[str, ...]]", right: "tuple[int, ...]") -> str:
    widths = [max(len(row[i]) for row in (header, *rows)) for i in range(len(header))]
    return "\n".join("  ".join(cell.rjust(width) if i in right else cell.ljust(width)
                               for i, (cell, width) in enumerate(zip(row, widths))).rstrip() for row in (header, *rows))


def _moment(stamp_ns: int) -> datetime:
    return _EPOCH + timedelta(microseconds=stamp_ns // 1000)


def _clock(stamp_ns: int) -> str:
    return f"{_moment(stamp_ns):%H:%M:%S.%f}"[:-3]
