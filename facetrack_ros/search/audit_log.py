"""Log of the searches a robot answered: one line per search, one file per day."""

import json
from datetime import datetime, timedelta, timezone
from pathlib import Path

from facetrack_ros.core.line_file import append_lines
from facetrack_ros.errors import store_errors
from facetrack_ros.history.disk_room import DiskRoom
from facetrack_ros.search.request import SearchRequest
from facetrack_ros.search.response import Match, RobotResponse

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MOST_NAMES = 20


class AuditLog:
    """Appends to ``searches-2026-11-23.jsonl``. The reference face is not logged, neither as image nor as embedding.

    :param directory: the robot's folder.
    :param room: the space that stays free; None: none.
    """

    def __init__(self, directory: Path | str, room: DiskRoom | None = None) -> None:
        self._directory, self._room = Path(directory), room or DiskRoom()

    def append(self, request: SearchRequest, response: RobotResponse, matches: tuple[Match, ...], now_ns: int) -> None:
        """Log one search.

        :param matches: those sent to the requester.
        :param now_ns: time of the response.
        :raises StoreError: the file cannot be written.
        """
        line = json.dumps(
            {
                "timestamp": _seconds(now_ns),
                "search_id": request.search_id,
                "asker": request.requester,
                "reference": request.reference,
                "model_id": request.model_id,
                "threshold": round(request.threshold, 6),
                "time": _seconds(request.time_ns) if request.window_ns else None,
                "window_sec": _seconds(request.window_ns),
                "cameras": request.cameras[:_MOST_NAMES],
                "rescan": request.rescan,
                "status": response.status,
                "error": response.error,
                "sightings": response.sightings,
                "found": response.matches,
                "handed_out": len(matches),
                "persons": sorted({match.person_id for match in matches if match.person_id})[:_MOST_NAMES],
            },
            ensure_ascii=False,
        )
        path = self._directory / f"searches-{_EPOCH + timedelta(microseconds=now_ns // 1000):%Y-%m-%d}.jsonl"
        with store_errors(f"cannot log a search in {path}", "make room or check the permissions"):
            self._room.check(self._directory, small=True)
            append_lines(path, line.encode() + b"\n")


def _seconds(time_ns: int) -> float:
    return round(time_ns / 1e9, 6)
