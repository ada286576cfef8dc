"""Deletion of whole segments that exceed the limits."""

from dataclasses import replace

from facetrack_ros.history.day_peak import DayPeak
from facetrack_ros.history.disk_room import DiskRoom, free_bytes
from facetrack_ros.history.frames.disk_errors import storing
from facetrack_ros.history.frames.retention import Limits, segments_to_prune
from facetrack_ros.history.mcap.catalog import SegmentCatalog
from facetrack_ros.history.mcap.open_file import SEGMENT_BYTES


class SegmentPruner:
    """Keeps the segments of a folder within limits. Not thread-safe: the owner locks.

    :ivar max_frames: most frames of the open segment. It counts towards the limits and cannot be pruned, so it is kept
        small in comparison.
    :ivar max_bytes: likewise its most bytes.
    """

    def __init__(self, catalog: SegmentCatalog, limits: Limits) -> None:
        self._catalog = catalog
        # Beside the folder, which other programs read as a recording.
        file = catalog.path.parent / f"{catalog.path.name}_most_held.json"
        self._peaks = tuple(DayPeak(file, series) for series in ("frames", "bytes"))
        self.change_limits(limits)

    def change_limits(self, limits: Limits) -> None:
        """Apply other limits from the next pruning on."""
        self._limits = limits
        self.max_frames = max(limits.frames // 10, 1) if limits.frames else 1 << 30
        self.max_bytes = min(SEGMENT_BYTES, max(limits.bytes // 10, 1)) if limits.bytes else SEGMENT_BYTES

    def prune(self, newest_ns: int, brake: bool = True) -> int:
        """Delete what exceeds the limits. Returns the number of segments deleted.

        :param newest_ns: stamp of the newest frame.
        :param brake: delete nothing if more than half of the frames would go at once, or within a day.
        :raises StoreError: the brake held, or the disk refused.
        """
        path, limits = self._catalog.path, self._limits
        with storing(path):
            free = free_bytes(path)
        frames = max(limits.frames - self.max_frames, 1) if limits.frames else 0
        size = max(limits.bytes - self.max_bytes, 1) if limits.bytes else 0
        sealed = [segment for _, segment in self._catalog.segments()]
        held = self._peaks[0].note(sum(segment.frames for segment in sealed), newest_ns)
        held_bytes = self._peaks[1].note(sum(segment.bytes for segment in sealed), newest_ns)
        limits = replace(limits, frames=frames, bytes=size)
        segments = segments_to_prune(sealed, limits, newest_ns, free, brake, (held, held_bytes))
        for segment in segments:
            with storing(path):
                segment.path.unlink(missing_ok=True)
            self._catalog.remove(segment.path.name)
        if not brake:
            left = [segment for _, segment in self._catalog.segments()]
            self._peaks[0].reset(sum(segment.frames for segment in left), newest_ns)
            self._peaks[1].reset(sum(segment.bytes for segment in left), newest_ns)
        return len(segments)

    def make_room(self, newest_ns: int) -> None:
        """Prune until the disk has the free space that the limits ask for; called before a segment is begun.

        :raises OSError: there is not enough.
        :raises StoreError: see :meth:`prune`.
        """
        wanted = self._limits.free_bytes
        if not wanted or free_bytes(self._catalog.path) >= wanted:
            return
        self.prune(newest_ns)
        DiskRoom(wanted).check(self._catalog.path)
