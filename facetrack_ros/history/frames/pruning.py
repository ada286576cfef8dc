"""Whole segments deleted as the limits ask."""

import errno
from dataclasses import replace

from facetrack_ros.errors import StoreError
from facetrack_ros.history.frames.disk_errors import free_bytes, storing
from facetrack_ros.history.frames.retention import Limits, Stored, judge
from facetrack_ros.history.mcap.catalog import SegmentCatalog
from facetrack_ros.history.mcap.open_file import SEGMENT_BYTES


class SegmentPruner:
    """Keeps the segments of a folder within limits. Not locked: whoever has it locks.

    :ivar most_frames: how many frames a segment may hold: the open one counts too and cannot be pruned, so it stays small
        against the limits.
    :ivar most_bytes: likewise.
    """

    def __init__(self, catalog: SegmentCatalog, limits: Limits) -> None:
        self._catalog = catalog
        self.change(limits)

    def change(self, limits: Limits) -> None:
        """Keep no more than this from now on; what is too much goes with the next pruning."""
        self._limits = limits
        self.most_frames = max(limits.frames // 10, 1) if limits.frames else 1 << 30
        self.most_bytes = min(SEGMENT_BYTES, max(limits.bytes // 10, 1)) if limits.bytes else SEGMENT_BYTES

    def prune(self, newest_ns: int, brake: bool = True) -> int:
        """Delete what the limits no longer allow. Returns how many segments went.

        :param newest_ns: stamp of the newest frame.
        :param brake: stop where more than half would go at once.
        :raises StoreError: that was stopped, or the disk does not let go.
        """
        path, limits = self._catalog.path, self._limits
        with storing(path):
            room = free_bytes(path)
        segments = dict(self._catalog.segments())
        stored = [Stored(name, one.frames, one.bytes, one.last_ns) for name, one in segments.items()]
        verdict = judge(
            stored,
            replace(
                limits,
                frames=max(limits.frames - self.most_frames, 1) if limits.frames else 0,
                bytes=max(limits.bytes - self.most_bytes, 1) if limits.bytes else 0,
            ),
            newest_ns,
            room,
            brake,
        )
        for name in verdict.victims:
            with storing(path):
                segments[name].path.unlink(missing_ok=True)
            self._catalog.forget(name)
        if verdict.refused:
            raise StoreError(f"{path}: {verdict.refused}")
        return len(verdict.victims)

    def make_room(self, newest_ns: int) -> None:
        """Before a segment is begun: leave the room that others need on this disk.

        :raises OSError: there is not enough.
        :raises StoreError: see :meth:`prune`.
        """
        wanted = self._limits.free_bytes
        if not wanted or free_bytes(self._catalog.path) >= wanted:
            return
        self.prune(newest_ns)
        if free_bytes(self._catalog.path) < wanted:
            raise OSError(errno.ENOSPC, f"less than {wanted / 1e6:.0f} MB are free")
