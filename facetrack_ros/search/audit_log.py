"""Who searched a robot's memory, when, and what was handed out: a line a search, a file a day."""

import json
from datetime import datetime, timedelta, timezone
from pathlib import Path

from facetrack_ros.core.line_file import append_lines
from facetrack_ros.errors import StoreError
from facetrack_ros.search.request import SearchRequest
from facetrack_ros.search.response import Match, RobotResponse

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MOST_NAMES = 20


class AuditLog:
    """Appends to ``searches-2026-11-23.jsonl``. The face asked for is not in it, neither as picture nor as embedding.

    :param directory: the robot's folder.
    """

    def __init__(self, directory: Path | str) -> None:
        self._directory = Path(directory)

    def append(self, question: SearchRequest, answer: RobotResponse, matches: tuple[Match, ...], now_ns: int) -> None:
        """Write one search down.

        :param matches: those handed out.
        :param now_ns: when it was answered.
        :raises StoreError: the disk does not take it.
        """
        line = json.dumps(
            {
                "timestamp": _seconds(now_ns),
                "search_id": question.search_id,
                "asker": question.requester,
                "reference": question.reference,
                "model_id": question.model_id,
                "threshold": round(question.threshold, 6),
                "time": _seconds(question.time_ns) if question.window_ns else None,
                "window_sec": _seconds(question.window_ns),
                "cameras": question.cameras[:_MOST_NAMES],
                "rescan": question.rescan,
                "status": answer.status,
                "error": answer.error,
                "sightings": answer.sightings,
                "found": answer.matches,
                "handed_out": len(matches),
                "persons": sorted({match.person_id for match in matches if match.person_id})[:_MOST_NAMES],
            },
            ensure_ascii=False,
        )
        path = self._directory / f"searches-{_EPOCH + timedelta(microseconds=now_ns // 1000):%Y-%m-%d}.jsonl"
        try:
            append_lines(path, line.encode() + b"\n")
        except OSError as error:
            raise StoreError(
                f"cannot write down a search in {path}: {error.strerror}; make room or check the permissions"
            ) from error


def _seconds(time_ns: int) -> float:
    return round(time_ns / 1e9, 6)
