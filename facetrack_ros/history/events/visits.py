"""Visits of persons to cameras, from the event log."""

import threading
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from facetrack_ros.core.event import FACE_MATCHED, PERSON_IN, PERSON_OUT
from facetrack_ros.core.utc import moment
from facetrack_ros.errors import StoreError
from facetrack_ros.history.events.format import SUFFIXES, read_log

_DAY = timedelta(days=1)
# A day's log is parsed again only where it grew; of more days the oldest are dropped.
_MOST_DAYS = 60
# Stamps are logged to the microsecond.
_ROUNDING_NS = 1_000


@dataclass
class _Day:
    """The visits of one log file, by person and camera.

    :param read: bytes of it parsed so far.
    :param ended: first and last stamp of each visit that has ended.
    :param begun: stamps of PERSON_IN.
    :param recognised: by person, the gallery entry or person that the tracker recognised last.
    """

    read: int = 0
    ended: dict[tuple[str, str], list[tuple[int, int]]] = field(default_factory=lambda: defaultdict(list))
    begun: dict[tuple[str, str], list[int]] = field(default_factory=lambda: defaultdict(list))
    recognised: dict[str, str] = field(default_factory=dict)

    def add(self, event: dict) -> None:
        key = (event["person_id"], event["camera_id"])
        if event["event"] == PERSON_IN:
            self.begun[key].append(_ns(event["timestamp"]))
        elif event["event"] == PERSON_OUT and event["last_seen_timestamp"] is not None:
            last_ns = _ns(event["last_seen_timestamp"])
            self.ended[key].append((last_ns - _ns(event["duration_sec"] or 0.0), last_ns))
        elif event["event"] == FACE_MATCHED and not event.get("search_id"):
            self.recognised[event["person_id"]] = event["reference_face_id"]


class VisitLog:
    """When persons came and went, as a robot's event log says. Thread-safe.

    :param directory: the folder of the event log.
    :ivar error: why a log could not be read, a sentence; empty: all that was needed could.
    """

    def __init__(self, directory: Path | str) -> None:
        self._directory = Path(directory)
        self._days: dict[Path, _Day] = {}
        self._lock = threading.Lock()
        self.error = ""

    def extent(self, person_id: str, camera_id: str, first_ns: int, last_ns: int) -> tuple[int, int]:
        """A stretch of time within one or more visits of a person to a camera, extended to their begin and end.

        Where no visit is logged it stays as it is.
        """
        ended, begun = [], []
        key = (person_id, camera_id)
        for day in self._around(first_ns, last_ns):
            ended += day.ended.get(key, [])
            begun += day.begun.get(key, [])
        inside = [
            visit for visit in ended if visit[0] - _ROUNDING_NS <= last_ns and visit[1] + _ROUNDING_NS >= first_ns
        ]
        if inside:
            return min(first_ns, *(start for start, _ in inside)), max(last_ns, *(end for _, end in inside))
        # A visit that has not ended, or whose end was not logged.
        since_ns = max((end for _, end in ended if end < first_ns), default=None)
        open_ns = [start for start in begun if start <= first_ns and (since_ns is None or start > since_ns)]
        return max(open_ns, default=first_ns), last_ns

    def recognised(self, person_id: str, first_ns: int, last_ns: int) -> str:
        """The gallery entry that the tracker recognised in a person around a time; empty: none."""
        found = [day.recognised[person_id] for day in self._around(first_ns, last_ns) if person_id in day.recognised]
        return found[-1] if found else ""

    def _around(self, first_ns: int, last_ns: int) -> list[_Day]:
        """The logs of these days, of the day before and the day after."""
        first, last = moment(first_ns), moment(last_ns)
        days = [first - _DAY + number * _DAY for number in range(min((last - first).days + 4, _MOST_DAYS))]
        paths = (path for day in days for path in self._paths(f"events-{day:%Y-%m-%d}") if path.exists())
        with self._lock:
            return [self._load(path) for path in paths]

    def _paths(self, name: str) -> list[Path]:
        return [self._directory / f"{name}{suffix}" for suffix in SUFFIXES]

    def _load(self, path: Path) -> _Day:
        day = self._days.pop(path, _Day())
        try:
            events, day.read, _ = read_log(path, day.read)
        except StoreError as error:
            events, self.error = [], str(error)
        for event in events:
            with suppress(KeyError, TypeError, ValueError):  # JSON, but no event
                day.add(event)
        self._days[path] = day
        while len(self._days) > _MOST_DAYS:
            self._days.pop(next(iter(self._days)))
        return day


def _ns(seconds: float) -> int:
    return round(seconds * 1e6) * 1_000
