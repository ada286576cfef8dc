"""What an index keeps of each row beside its embedding."""

import hashlib
from collections.abc import Iterable, Sequence
from typing import TypeAlias

import numpy as np

COLUMNS = {"ids": np.int64, "first": np.int64, "last": np.int64, "track": np.int64, "camera": np.int16}
Integers: TypeAlias = Sequence[int] | np.ndarray


class IndexColumns:
    """Columns that grow; only the first ``count`` values of each are in use."""

    ids: np.ndarray  # database ids
    first: np.ndarray  # first stamps, ns
    last: np.ndarray  # last stamps, ns
    # 64-bit hashes of track ids, the same in every process; two of a million tracks collide with a probability of 1e-8.
    # A face without a track has a unique negative number.
    track: np.ndarray
    camera: np.ndarray  # values of ``cameras``

    def __init__(self) -> None:
        self.count = 0
        self.cameras: dict[str, int] = {}  # the number of each camera
        for name, dtype in COLUMNS.items():
            setattr(self, name, np.empty(0, dtype))

    def extend(
        self, ids: Integers, cameras: Sequence[str], tracks: Sequence[str], first_ns: Integers, last_ns: Integers
    ) -> slice:
        """Add rows. Returns which they are."""
        rows = self._reserve(len(ids))
        self.ids[rows] = ids
        self.first[rows] = first_ns
        self.last[rows] = last_ns
        self.camera[rows] = self._camera_numbers(cameras)
        self.track[rows] = [_track_hash(track) if track else -1 - id_ for track, id_ in zip(tracks, ids)]
        self.count = rows.stop
        return rows

    def extend_by(self, other: "IndexColumns") -> slice:
        """Add the rows of another. Returns which they are."""
        rows = self._reserve(other.count)
        for name in ("ids", "first", "last", "track"):
            getattr(self, name)[rows] = getattr(other, name)[: other.count]
        numbers = np.array(self._camera_numbers(other.cameras), np.int16)
        self.camera[rows] = numbers[other.camera[: other.count]]
        self.count = rows.stop
        return rows

    def remove(self, rows: np.ndarray) -> None:
        """Remove rows; those after them move up.

        :param rows: ``(n,)`` int64.
        """
        kept = np.ones(self.count, bool)
        kept[rows] = False
        for name in COLUMNS:
            setattr(self, name, getattr(self, name)[: self.count][kept])
        self.count -= int(np.count_nonzero(~kept))

    def extend_span(self, row: int, stamp_ns: int) -> None:
        """Let a row's span include a stamp."""
        self.first[row] = min(self.first[row], stamp_ns)
        self.last[row] = max(self.last[row], stamp_ns)

    def _camera_numbers(self, cameras: Iterable[str]) -> list[int]:
        for camera in dict.fromkeys(cameras):
            self.cameras.setdefault(camera, len(self.cameras))
        return list(map(self.cameras.__getitem__, cameras))

    def _reserve(self, more: int) -> slice:
        end = self.count + more
        if end > len(self.ids):
            # Grow by an eighth: after doubling, half of the memory would be unused.
            size = max(end, len(self.ids) + len(self.ids) // 8, 256)
            for name, dtype in COLUMNS.items():
                grown = np.empty(size, dtype)
                grown[: self.count] = getattr(self, name)[: self.count]
                setattr(self, name, grown)
        return slice(self.count, end)


def _track_hash(track: str) -> int:
    return int.from_bytes(hashlib.blake2b(track.encode(), digest_size=8).digest(), "little", signed=True)
