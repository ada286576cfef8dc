"""Log of what a robot's data was used for: searches, frames and clips handed out, enrolments. One file per day."""

import json
from collections.abc import Iterable
from datetime import datetime, timedelta, timezone
from pathlib import Path

from facetrack_ros.core.line_file import append_lines
from facetrack_ros.errors import StoreError, store_errors
from facetrack_ros.history.disk_room import DiskRoom
from facetrack_ros.search.request import SearchRequest
from facetrack_ros.search.response import Match, RobotResponse

#: Most bytes of one day's file (100,000 lines), and of all files; chosen by hand. What is older goes first.
MOST_OF_A_DAY, MOST_BYTES = 40_000_000, 1_000_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MOST_NAMES, _LONGEST_NAME = 20, 200


class AuditLog:
    """Appends to ``searches-2026-11-23.jsonl``. No face is logged, neither as image nor as embedding.

    A line has a ``kind``: ``search``, ``frames``, ``clip`` or ``enrolment``; lines of earlier versions have none and
    are searches. A day's file that is full takes no more lines, so that a flood cannot push out the days before.

    :param directory: the robot's folder.
    :param room: the space that stays free; None: none.
    """

    def __init__(self, directory: Path | str, room: DiskRoom | None = None) -> None:
        self._directory, self._room = Path(directory), room or DiskRoom()

    def append(self, request: SearchRequest, response: RobotResponse, matches: tuple[Match, ...], now_ns: int) -> None:
        """Log one search.

        :param matches: those sent to the requester.
        :param now_ns: time of the response.
        :raises StoreError: the file cannot be written, or is full.
        """
        self._write(
            "search",
            now_ns,
            search_id=request.search_id[:_LONGEST_NAME],
            question=request.digest,
            asker=request.requester[:_LONGEST_NAME],
            reference=request.reference[:_LONGEST_NAME],
            model_id=request.model_id[:_LONGEST_NAME],
            threshold=round(request.threshold, 6),
            time=_seconds(request.time_ns) if request.window_ns else None,
            window_sec=_seconds(request.window_ns),
            cameras=_names(request.cameras),
            rescan=request.rescan,
            status=response.status,
            error=response.error,
            sightings=response.sightings,
            found=response.matches,
            handed_out=len(matches),
            persons=sorted({match.person_id for match in matches if match.person_id})[:_MOST_NAMES],
        )

    def append_frames(self, camera_id: str, start_ns: int, end_ns: int, frames: int, asker: str, now_ns: int) -> None:
        """Log frames that were handed out.

        :param start_ns: first stamp asked for, and ``end_ns`` the last.
        :param frames: number handed out.
        :param asker: empty: unknown, ROS services do not tell.
        :raises StoreError: as :meth:`append`.
        """
        scope = {"camera": camera_id[:_LONGEST_NAME], "from": _seconds(start_ns), "to": _seconds(end_ns)}
        self._write("frames", now_ns, asker=asker, **scope, handed_out=frames)

    def append_clip(
        self, name: str, cameras: Iterable[str], start_ns: int, end_ns: int, frames: int, asker: str, now_ns: int
    ) -> None:
        """Log a clip that was saved.

        :raises StoreError: as :meth:`append`.
        """
        scope = {"cameras": _names(cameras), "from": _seconds(start_ns), "to": _seconds(end_ns)}
        self._write("clip", now_ns, asker=asker, clip=name[:_LONGEST_NAME], **scope, handed_out=frames)

    def append_enrolment(
        self, name: str, entries: Iterable[str], pictures: int, asker: str, error: str, now_ns: int
    ) -> None:
        """Log pictures that were given to enrol a person.

        :param entries: ids of the entries made; none if it was refused, with the reason ``error``.
        :raises StoreError: as :meth:`append`.
        """
        said = {"asker": asker, "name": name[:_LONGEST_NAME], "error": error[:1000]}
        self._write("enrolment", now_ns, **said, entries=_names(entries), pictures=pictures)

    def _write(self, kind: str, now_ns: int, **fields: object) -> None:
        line = json.dumps({"timestamp": _seconds(now_ns), "kind": kind, **fields}, ensure_ascii=False)
        data = line.encode(errors="replace") + b"\n"
        path = self._directory / f"searches-{_EPOCH + timedelta(microseconds=now_ns // 1000):%Y-%m-%d}.jsonl"
        with store_errors(f"cannot log a search in {path}", "make room or check the permissions"):
            if not path.exists():
                self._delete_oldest()
            elif path.stat().st_size + len(data) > MOST_OF_A_DAY:
                raise StoreError(
                    f"the search log {path} is full ({MOST_OF_A_DAY / 1e6:.0f} MB in one day): searches are answered "
                    "and not logged until midnight UTC"
                )
            self._room.check(self._directory, small=True)
            append_lines(path, data)

    def _delete_oldest(self) -> None:
        """Make room for a new day's file."""
        files = sorted(self._directory.glob("searches-*.jsonl"))
        sizes = [file.stat().st_size for file in files]
        excess = sum(sizes) + MOST_OF_A_DAY - MOST_BYTES
        for file, size in zip(files, sizes):
            if excess <= 0:
                break
            file.unlink()
            excess -= size


def _names(names: Iterable[str]) -> list[str]:
    return [name[:_LONGEST_NAME] for name in list(names)[:_MOST_NAMES]]


def _seconds(time_ns: int) -> float:
    return round(time_ns / 1e9, 6)
