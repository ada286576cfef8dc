"""Measured offsets between camera clocks and the robot's, kept so that searches of that time can state them."""

import json
import logging
from pathlib import Path

from facetrack_ros.core.line_file import append_lines, read_lines
from facetrack_ros.errors import store_errors

logger = logging.getLogger(__name__)

NAME = "clocks.jsonl"
# Smaller offsets are the delay of frames being encoded and queued.
OFF_NS = 1_000_000_000
# Offsets that differ by less than a second and this share are the same: a recording played at another speed than it was
# recorded at would else add a line a second. Chosen by hand, as the next.
_SHARE = 0.1
# An offset counts once measured this often in a row: frames that wait on a busy machine are late for a while, too.
STEADY = 10


class ClockOffsets:
    """Log ``clocks.jsonl`` in a robot's folder: one line for each change of a camera's clock offset.

    A line states the camera's stamp from which on it holds. A camera whose clock was never off has no line.

    :param directory: the robot's folder.
    :raises StoreError: the file exists and cannot be read.
    """

    def __init__(self, directory: Path | str) -> None:
        self.path = Path(directory) / NAME
        self._of_camera: dict[str, list[tuple[int, int]]] = {}  # (since, behind), ns
        self._pending: dict[str, tuple[int, int, int]] = {}  # since, behind, how often in a row
        with store_errors(f"cannot read {self.path}", "check its permissions"):
            lines = read_lines(self.path)
        damaged = 0
        for line in lines:
            try:
                entry = json.loads(line)
                self._add(str(entry["camera_id"]), round(entry["since"] * 1e9), round(entry["behind_sec"] * 1e9))
            except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
                damaged += 1  # it does not affect the others
        if damaged:
            logger.warning("%d lines of %s are damaged and left out", damaged, self.path)

    def note(self, camera_id: str, since_ns: int, behind_ns: int) -> None:
        """Take in a measurement, about one a second; a new offset is written once it was measured :data:`STEADY` times.

        :param since_ns: the camera's first stamp for which it was measured.
        :param behind_ns: how far the camera's clock is behind the robot's; negative: ahead.
        :raises StoreError: the disk does not take it.
        """
        known = self._of_camera.get(camera_id)
        if _same(behind_ns, known[-1][1] if known else 0):
            self._pending.pop(camera_id, None)
            return
        first_ns, pending_ns, count = self._pending.get(camera_id, (since_ns, behind_ns, 0))
        if not _same(behind_ns, pending_ns):
            first_ns, pending_ns, count = since_ns, behind_ns, 0
        if count + 1 < STEADY:
            self._pending[camera_id] = first_ns, pending_ns, count + 1
            return
        self._pending.pop(camera_id, None)
        entry = {"camera_id": camera_id, "since": round(first_ns / 1e9, 3), "behind_sec": round(behind_ns / 1e9, 3)}
        with store_errors(f"cannot write {self.path}", "make room or check the permissions"):
            append_lines(self.path, json.dumps(entry, ensure_ascii=False).encode() + b"\n")
        self._add(camera_id, first_ns, behind_ns)

    def describe(self, start_ns: int, end_ns: int, cameras: tuple[str, ...] = ()) -> dict[str, str]:
        """A sentence for each camera whose clock was off between two of its stamps, with the largest offset.

        :param cameras: only these; empty: all.
        """
        found = {}
        for camera in cameras or sorted(self._of_camera):
            offsets = self._of_camera.get(camera, [])
            within = [behind for since, behind in offsets if start_ns < since <= end_ns]
            before = [behind for since, behind in offsets if since <= start_ns][-1:]
            worst = max(before + within, key=abs, default=0)
            if abs(worst) > OFF_NS:
                found[camera] = describe_offset(camera, worst, "was")
        return found

    def _add(self, camera_id: str, since_ns: int, behind_ns: int) -> None:
        self._of_camera.setdefault(camera_id, []).append((since_ns, behind_ns))


def _same(behind_ns: int, other_ns: int) -> bool:
    return abs(behind_ns - other_ns) <= OFF_NS + _SHARE * abs(other_ns)


def describe_offset(camera_id: str, behind_ns: int, verb: str = "is") -> str:
    """A clock offset as a sentence."""
    direction = "behind" if behind_ns > 0 else "ahead of"
    return (
        f"the clock of camera {camera_id} {verb} {format_duration(abs(behind_ns))} {direction} the robot's, "
        "and its stamps with it"
    )


def format_duration(span_ns: int) -> str:
    """A duration in the largest unit of which it has at least three."""
    seconds = span_ns / 1e9
    for unit, length in (("days", 86_400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= 3 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.1f} s"
