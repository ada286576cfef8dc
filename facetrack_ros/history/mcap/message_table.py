"""The index of a segment: where each of its messages lies in the file."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from facetrack_ros.history.messages.channel import Channel
from facetrack_ros.history.messages.schemas import IMAGE, VIDEO


@dataclass(frozen=True, eq=False)
class MessageTable:
    """The messages of a segment, in the order they were written.

    :param channels: by number.
    :param channel_numbers: ``(n,)`` uint16, the channel of each message.
    :param stamps: ``(n,)`` int64, nanoseconds since the epoch.
    :param offsets: ``(n,)`` int64, where the chunk of each message begins in the file.
    :param sizes: ``(n,)`` int64, bytes of that chunk.
    """

    channels: dict[int, Channel]
    channel_numbers: np.ndarray
    stamps: np.ndarray
    offsets: np.ndarray
    sizes: np.ndarray

    @classmethod
    def from_columns(cls, channels: dict[int, Channel], columns: Iterable[Sequence[int]]) -> "MessageTable":
        """A table of four sequences: channel numbers, stamps, offsets and sizes."""
        kinds = (np.uint16, np.int64, np.int64, np.int64)
        return cls(channels, *(np.array(column, kind) for column, kind in zip(columns, kinds)))

    def __len__(self) -> int:
        return len(self.stamps)

    @cached_property
    def frame_rows(self) -> dict[str, np.ndarray]:
        """Rows of each camera's frames, sorted by stamp; frames of one stamp in the order they were written."""
        numbers: dict[str, list[int]] = {}
        for number, channel in self.channels.items():
            if channel.type in (IMAGE, VIDEO):
                numbers.setdefault(channel.camera_id, []).append(number)
        return {camera: self._by_stamp(self._rows_of(channels)) for camera, channels in numbers.items()}

    @cached_property
    def frame_spans(self) -> dict[str, tuple[int, int]]:
        """First and last stamp of each camera's frames."""
        return {
            camera: (int(self.stamps[rows[0]]), int(self.stamps[rows[-1]]))
            for camera, rows in self.frame_rows.items()
            if len(rows)
        }

    @property
    def other_span(self) -> tuple[int, int] | None:
        """First and last stamp of the messages that are not frames; None if there are none."""
        others = [number for number, channel in self.channels.items() if channel.type not in (IMAGE, VIDEO)]
        stamps = self.stamps[self._rows_of(others)]
        return (int(stamps.min()), int(stamps.max())) if len(stamps) else None

    @property
    def frames(self) -> int:
        """Number of frames of all cameras."""
        return sum(map(len, self.frame_rows.values()))

    def frames_between(self, camera_id: str, start_ns: int, end_ns: int) -> np.ndarray:
        """Rows of a camera's frames with ``start_ns <= stamp <= end_ns``, sorted by stamp."""
        rows = self.frame_rows.get(camera_id, np.empty(0, np.intp))
        stamps = self.stamps[rows]
        return rows[np.searchsorted(stamps, start_ns) : np.searchsorted(stamps, end_ns, "right")]

    def messages_between(self, type: str, camera_id: str, start_ns: int, end_ns: int) -> np.ndarray:
        """Rows of a camera's messages of a type with ``start_ns <= stamp <= end_ns``, sorted by stamp."""
        wanted = type, camera_id
        numbers = [n for n, channel in self.channels.items() if (channel.type, channel.camera_id) == wanted]
        rows = self._rows_of(numbers)
        return self._by_stamp(rows[(self.stamps[rows] >= start_ns) & (self.stamps[rows] <= end_ns)])

    def _rows_of(self, channel_numbers: list[int]) -> np.ndarray:
        return np.flatnonzero(np.isin(self.channel_numbers, channel_numbers))

    def _by_stamp(self, rows: np.ndarray) -> np.ndarray:
        return rows[np.argsort(self.stamps[rows], kind="stable")]
