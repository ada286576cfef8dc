"""The segment that frames are being written to."""

from pathlib import Path

from facetrack_ros.history.mcap.message_table import SegmentTable
from facetrack_ros.history.mcap.writer import SegmentWriter
from facetrack_ros.history.messages.channel import Channel

SEGMENT_SPAN_NS = 10_000_000_000
SEGMENT_BYTES = 64_000_000


class OpenSegment:
    """A segment being written, and the stamps of the frames in it.

    :ivar videos: the cameras of which it has a key picture of H.264.
    :param path: must not exist yet.
    :param stamp_ns: of the first message.
    :raises OSError: it cannot be made.
    """

    def __init__(self, path: Path, stamp_ns: int) -> None:
        self.writer = SegmentWriter(path)
        self.stamps: dict[str, set[int]] = {}
        self.videos: set[str] = set()
        self.span = (stamp_ns, stamp_ns)

    @property
    def path(self) -> Path:
        """The file."""
        return self.writer.path

    @property
    def frames(self) -> int:
        """How many frames are in it, of all cameras."""
        return sum(map(len, self.stamps.values()))

    def has(self, camera_id: str, stamp_ns: int) -> bool:
        """Whether a camera's frame of that very stamp is in it."""
        return stamp_ns in self.stamps.get(camera_id, ())

    def note_frame(self, camera_id: str, stamp_ns: int) -> None:
        """A frame was written."""
        self.stamps.setdefault(camera_id, set()).add(stamp_ns)
        first, last = self.span
        self.span = (min(first, stamp_ns), max(last, stamp_ns))

    def append(self, channel: Channel, sequence: int, stamp_ns: int, parts: tuple[bytes, ...]) -> None:
        """Write a message, given in pieces.

        :raises OSError: the disk does not take it.
        """
        self.writer.append(channel, sequence, stamp_ns, parts)

    def is_full(self, stamp_ns: int, most_frames: int, most_bytes: int) -> bool:
        """Whether a message of that stamp belongs in a new segment."""
        first, last = self.span
        # Whichever way the clock jumps, a segment spans little time: so a stamp leads to few of them.
        return (
            self.writer.bytes >= most_bytes
            or max(last, stamp_ns) - min(first, stamp_ns) >= SEGMENT_SPAN_NS
            or self.frames >= most_frames
        )

    def table(self) -> SegmentTable:
        """What is in it so far."""
        return self.writer.table()
