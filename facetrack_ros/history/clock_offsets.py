"""How far cameras' clocks were from the robot's, kept, so that an answer about then can say so."""

import json
from pathlib import Path

from facetrack_ros.core.line_file import append_lines, read_lines
from facetrack_ros.errors import StoreError

NAME = "clocks.jsonl"
# Frames on their way, encoded and queued, are late by less.
OFF_NS = 1_000_000_000
# A difference that changes by less than a second and this share of itself is the same one: a recording that is played faster
# than it was made would else be a line a second.
_SHARE = 0.1
# A difference is believed when it was measured so often in a row: frames that wait on a busy machine are late too, for a while.
STEADY = 10


class ClockOffsets:
    """``clocks.jsonl`` in a robot's folder: a line where a camera's clock turned out to be off, or right again, from which stamp of
    the camera on, and by how much. A camera that never was off has none.

    :param directory: the robot's folder.
    :raises StoreError: the file is there and cannot be read.
    """

    def __init__(self, directory: Path | str) -> None:
        self.path = Path(directory) / NAME
        self._of_camera: dict[str, list[tuple[int, int]]] = {}
        self._news: dict[str, tuple[int, int, int]] = {}  # since when, how far, how often in a row
        try:
            lines = read_lines(self.path)
        except OSError as error:
            raise StoreError(f"cannot read {self.path}: {error.strerror}; check its permissions") from error
        for line in lines:
            try:
                given = json.loads(line)
                self._take(str(given["camera_id"]), round(given["since"] * 1e9), round(given["behind_sec"] * 1e9))
            except (ValueError, TypeError, KeyError, OverflowError):
                continue  # a damaged line costs what it says, not the others

    def note(self, camera_id: str, since_ns: int, behind_ns: int) -> None:
        """A camera's clock is so far behind the robot's, below zero: ahead of it. Written where that is news, and stays so for
        :data:`STEADY` notes; to be called about once a second.

        :param since_ns: the camera's first stamp for which it was measured.
        :raises StoreError: the disk does not take it.
        """
        known = self._of_camera.get(camera_id)
        last_ns = known[-1][1] if known else 0
        if _alike(behind_ns, last_ns):
            self._news.pop(camera_id, None)
            return
        first_ns, news_ns, often = self._news.get(camera_id, (since_ns, behind_ns, 0))
        if not _alike(behind_ns, news_ns):
            first_ns, news_ns, often = since_ns, behind_ns, 0
        if often + 1 < STEADY:
            self._news[camera_id] = first_ns, news_ns, often + 1
            return
        self._news.pop(camera_id, None)
        line = json.dumps(
            {"camera_id": camera_id, "since": round(first_ns / 1e9, 3), "behind_sec": round(behind_ns / 1e9, 3)},
            ensure_ascii=False,
        )
        try:
            append_lines(self.path, line.encode() + b"\n")
        except OSError as error:
            raise StoreError(
                f"cannot write {self.path}: {error.strerror}; make room or check the permissions"
            ) from error
        self._take(camera_id, first_ns, behind_ns)

    def describe(self, start_ns: int, end_ns: int, cameras: tuple[str, ...] = ()) -> dict[str, str]:
        """By camera, how far its clock was off at its worst between two of its stamps; right ones are left out.

        :param cameras: only these; empty: all.
        """
        found = {}
        for camera in cameras or sorted(self._of_camera):
            lines = self._of_camera.get(camera, [])
            within = [behind for since, behind in lines if start_ns < since <= end_ns]
            before = [behind for since, behind in lines if since <= start_ns][-1:]
            worst = max(before + within, key=abs, default=0)
            if abs(worst) > OFF_NS:
                found[camera] = describe_offset(camera, worst, "was")
        return found

    def _take(self, camera_id: str, since_ns: int, behind_ns: int) -> None:
        self._of_camera.setdefault(camera_id, []).append((since_ns, behind_ns))


def _alike(behind_ns: int, other_ns: int) -> bool:
    return abs(behind_ns - other_ns) <= OFF_NS + _SHARE * abs(other_ns)


def describe_offset(camera_id: str, behind_ns: int, verb: str = "is") -> str:
    """By how much a camera's clock is off."""
    return (
        f"the clock of camera {camera_id} {verb} {format_duration(abs(behind_ns))} {'behind' if behind_ns > 0 else 'ahead of'} "
        "the robot's, and its stamps with it"
    )


def format_duration(span_ns: int) -> str:
    """A span in the unit that fits."""
    seconds = span_ns / 1e9
    for unit, length in (("days", 86_400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= 3 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.1f} s"
