"""The segment that frames are being written to."""

from pathlib import Path

from facetrack_ros.history.mcap.writer import SegmentWriter

#: Longest span of stamps and most bytes of a segment, chosen by hand.
SEGMENT_SPAN_NS = 10_000_000_000
SEGMENT_BYTES = 64_000_000


class OpenSegment(SegmentWriter):
    """A segment writer that keeps the stamps of its frames.

    :ivar stamps: stamps of the frames by camera.
    :ivar span: first and last stamp.
    :ivar keyed_cameras: cameras with a key picture of H.264 in the segment.
    :param path: must not exist yet.
    :param stamp_ns: of the first message.
    :raises OSError: the file cannot be created.
    """

    def __init__(self, path: Path, stamp_ns: int) -> None:
        super().__init__(path)
        self.stamps: dict[str, set[int]] = {}
        self.keyed_cameras: set[str] = set()
        self.span = (stamp_ns, stamp_ns)

    @property
    def frames(self) -> int:
        """Number of frames of all cameras."""
        return sum(map(len, self.stamps.values()))

    def has_frame(self, camera_id: str, stamp_ns: int) -> bool:
        """Whether the segment holds a camera's frame of exactly that stamp."""
        return stamp_ns in self.stamps.get(camera_id, ())

    def note_frame(self, camera_id: str, stamp_ns: int) -> None:
        """Record the stamp of a frame that was written."""
        self.stamps.setdefault(camera_id, set()).add(stamp_ns)
        self.span = self._span_with(stamp_ns)

    def is_full(self, stamp_ns: int, max_frames: int, max_bytes: int) -> bool:
        """Whether a message of that stamp belongs in a new segment."""
        # A short span even where the clock jumps, so that a stamp leads to few segments.
        first, last = self._span_with(stamp_ns)
        return self.bytes >= max_bytes or last - first >= SEGMENT_SPAN_NS or self.frames >= max_frames

    def _span_with(self, stamp_ns: int) -> tuple[int, int]:
        first, last = self.span
        return min(first, stamp_ns), max(last, stamp_ns)
