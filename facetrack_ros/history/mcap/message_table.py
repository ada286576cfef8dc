"""What lies where in a segment."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from facetrack_ros.history.messages.channel import Channel
from facetrack_ros.history.messages.image import TYPE as IMAGE
from facetrack_ros.history.messages.video import TYPE as VIDEO


@dataclass(frozen=True, eq=False)
class SegmentTable:
    """A segment's messages, in the order they were written.

    :param channels: by number.
    :param channels_of: ``(n,)`` uint16, the channel of each message.
    :param stamps: ``(n,)`` int64, nanoseconds since the epoch.
    :param offsets: ``(n,)`` int64, where its chunk begins in the file.
    :param sizes: ``(n,)`` int64, bytes of its chunk.
    """

    channels: dict[int, Channel]
    channels_of: np.ndarray
    stamps: np.ndarray
    offsets: np.ndarray
    sizes: np.ndarray

    @cached_property
    def cameras(self) -> dict[str, np.ndarray]:
        """Rows of each camera's frames, sorted by stamp; frames of one stamp in the order they came."""
        numbers: dict[str, list[int]] = {}
        for number, channel in self.channels.items():
            if channel.type in (IMAGE, VIDEO):
                numbers.setdefault(channel.camera_id, []).append(number)
        found = {}
        for camera, channels in numbers.items():
            rows = np.flatnonzero(np.isin(self.channels_of, channels))
            found[camera] = rows[np.argsort(self.stamps[rows], kind="stable")]
        return found

    @cached_property
    def spans(self) -> dict[str, tuple[int, int]]:
        """First and last stamp of each camera's frames."""
        return {
            camera: (int(self.stamps[rows[0]]), int(self.stamps[rows[-1]]))
            for camera, rows in self.cameras.items()
            if len(rows)
        }

    @property
    def told(self) -> tuple[int, int] | None:
        """First and last stamp of the messages that are no frames; None where there are none."""
        numbers = [number for number, channel in self.channels.items() if channel.type not in (IMAGE, VIDEO)]
        stamps = self.stamps[np.isin(self.channels_of, numbers)]
        return (int(stamps.min()), int(stamps.max())) if len(stamps) else None

    @property
    def frames(self) -> int:
        """How many frames there are, of all cameras."""
        return sum(map(len, self.cameras.values()))

    def frames_between(self, camera_id: str, start_ns: int, end_ns: int) -> np.ndarray:
        """Rows of a camera's frames, both stamps included, in order of stamps."""
        rows = self.cameras.get(camera_id, np.empty(0, np.intp))
        stamps = self.stamps[rows]
        return rows[np.searchsorted(stamps, start_ns) : np.searchsorted(stamps, end_ns, "right")]

    def rows_between(self, type: str, camera_id: str, start_ns: int, end_ns: int) -> np.ndarray:
        """Rows of a camera's messages of one type, both stamps included, in order of stamps."""
        numbers = [
            number
            for number, channel in self.channels.items()
            if channel.type == type and channel.camera_id == camera_id
        ]
        rows = np.flatnonzero(np.isin(self.channels_of, numbers) & (self.stamps >= start_ns) & (self.stamps <= end_ns))
        return rows[np.argsort(self.stamps[rows], kind="stable")]
