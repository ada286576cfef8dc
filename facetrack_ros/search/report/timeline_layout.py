"""Layout of the timeline: numbers only, no drawing."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

import numpy as np

from facetrack_ros.core import utc
from facetrack_ros.search.camera_coverage import CameraCoverage
from facetrack_ros.search.response import (
    ANSWERED,
    ERROR,
    LEFT,
    MODEL_MISMATCH,
    TIMED_OUT,
    Match,
    NotSearched,
    SearchResponse,
)

_SECOND = 1_000_000_000
_MINUTES = (1, 2, 5, 10, 15, 30)
_HOURS = (1, 2, 3, 6, 12, 24, 48, 168, 720)
#: Distances of ticks, seconds: fractions of a second up to a month.
_STEPS_S = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, *(60 * each for each in _MINUTES), *(3600 * each for each in _HOURS))
_MISSING_WORDS = {
    TIMED_OUT: "did not answer in time",
    LEFT: "did not answer: it is not here",
    MODEL_MISMATCH: "did not answer: it runs another model",
    ERROR: "did not answer: its search failed",
}


@dataclass(frozen=True)
class Row:
    """The row of one camera.

    :param first: whether it is the first row of its robot and shows its name.
    :param matches: of this camera, best first.
    :param alike: of this camera, known to be of another person than the best match.
    :param missing: why its robot did not answer; empty: it did.
    :param gaps: parts of the question that were not compared, of this camera or of the whole robot.
    """

    camera: CameraCoverage
    first: bool
    matches: tuple[Match, ...]
    missing: str
    alike: tuple[Match, ...] = ()
    gaps: tuple[NotSearched, ...] = ()


def rows_of(response: SearchResponse, coverage: Iterable[CameraCoverage]) -> list[Row]:
    """One row per camera of the robots in the response, grouped by robot.

    Cameras with matches but without coverage get a row, and so does a robot without any camera.
    """
    robots = {robot.robot_id: robot for robot in response.robots}
    by_camera = {(camera.robot_id, camera.camera_id): camera for camera in coverage if camera.robot_id in robots}
    for match in (*response.matches, *response.alike):
        by_camera.setdefault((match.robot_id, match.camera_id), CameraCoverage(match.robot_id, match.camera_id))
    for robot in robots.keys() - {camera.robot_id for camera in by_camera.values()}:
        by_camera[robot, ""] = CameraCoverage(robot, "")
    rows: list[Row] = []
    for (robot, camera_id), camera in sorted(by_camera.items()):
        matches, alike = (
            tuple(match for match in found if (match.robot_id, match.camera_id) == (robot, camera_id))
            for found in (response.matches, response.alike)
        )
        status = robots[robot].status if robot in robots else ANSWERED
        missing = "" if status == ANSWERED else _MISSING_WORDS.get(status, "did not answer")
        gaps = tuple(gap for gap in response.not_searched if gap.robot_id == robot and gap.camera_id in ("", camera_id))
        rows.append(Row(camera, not rows or rows[-1].camera.robot_id != robot, matches, missing, alike, gaps))
    return rows


def time_range(
    response: SearchResponse, rows: Sequence[Row], start_ns: int | None, end_ns: int | None
) -> tuple[int, int]:
    """First and last stamp of the time axis: the requested time range where there is one.

    Otherwise the whole coverage or, where the matches span less than a twentieth of it, their surroundings: ten seconds
    are invisible in a day.
    """
    seen = [stamp for match in (*response.matches, *response.alike) for stamp in (match.first_ns, match.last_ns)]
    kept = [stamp for row in rows for span in row.camera.spans for stamp in span]
    low, high = min(seen + kept, default=0), max(seen + kept, default=60 * _SECOND)
    if seen and max(seen) - min(seen) < (high - low) / 20:
        pad = max((max(seen) - min(seen)), 15 * _SECOND)
        low, high = max(low, min(seen) - pad), min(high, max(seen) + pad)
    low, high = (low if start_ns is None else start_ns), (high if end_ns is None else end_ns)
    if high - low < _SECOND:
        middle = (low + high) // 2
        low, high = middle - _SECOND // 2, middle + _SECOND // 2
    return low, high


def ticks(start_ns: int, end_ns: int, zone: tzinfo, most: int = 9) -> list[tuple[int, str]]:
    """Round times within a range and their labels; a tick at midnight shows the day.

    :param zone: time zone of the labels.
    :param most: most ticks.
    """
    step = next((step for step in _STEPS_S if (end_ns - start_ns) / _SECOND / step <= most), _STEPS_S[-1])
    step_ns = int(step * _SECOND)
    offset = moment(start_ns, zone).utcoffset() or timedelta()
    offset_ns = int(offset.total_seconds()) * _SECOND  # so that hours are round in the zone, not in UTC
    at = -(-(start_ns + offset_ns) // step_ns) * step_ns - offset_ns
    found = []
    while at <= end_ns:
        time = moment(at, zone)
        if step >= 86400 or (step >= 60 and (time.hour, time.minute) == (0, 0)):
            label = f"{time.day} {time:%b}"
        elif step >= 60:
            label = f"{time:%H:%M}"
        else:
            label = f"{time:%H:%M:%S}" + (f".{time.microsecond // 100_000}" if step < 1 else "")
        found.append((at, label))
        at += step_ns
    return found


def moment(stamp_ns: int, zone: tzinfo) -> datetime:
    """A stamp as date and time."""
    return utc.moment(stamp_ns).astimezone(zone)


def spread(wanted: Sequence[float], width: float, low: float, high: float) -> list[float]:
    """Centres of items of one width, without overlap and as close as possible to the wanted places.

    Least squares by isotonic regression: with ``i`` widths subtracted from the ``i``-th place, "no overlap" means
    "not decreasing", and pooling adjacent violators gives the optimum.

    :param wanted: ascending; at most ``(high - low) / width``.
    :returns: centres within ``[low + width / 2, high - width / 2]``.
    """
    pools: list[list[float]] = []
    for i, place in enumerate(wanted):
        pools.append([place - i * width, 1.0])
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            mean, count = pools.pop()
            pools[-1] = [(pools[-1][0] * pools[-1][1] + mean * count) / (pools[-1][1] + count), pools[-1][1] + count]
    flat = np.repeat([mean for mean, _ in pools], [int(count) for _, count in pools])
    flat = np.clip(flat, low + width / 2, high - width / 2 - (len(wanted) - 1) * width) if len(wanted) else flat
    return [float(place + i * width) for i, place in enumerate(flat)]
