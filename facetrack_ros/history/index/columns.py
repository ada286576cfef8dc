"""What an index knows of each row beside its embedding."""

import hashlib

import numpy as np

COLUMNS = {"ids": np.int64, "first": np.int64, "last": np.int64, "track": np.int64, "camera": np.int16}


class IndexColumns:
    """Columns that grow; the first ``count`` values of each count.

    :ivar ids: database ids.
    :ivar first: first stamps, ns.
    :ivar last: last stamps, ns.
    :ivar track: a track as a number, the same in every process: 64 bits, so that two of a million share one by a
        chance of 1e-8. A face without track has a number of its own.
    :ivar camera: places in ``cameras``.
    :ivar cameras: the number of each camera.
    """

    def __init__(self) -> None:
        self.count = 0
        self.cameras: dict[str, int] = {}
        for name, kind in COLUMNS.items():
            setattr(self, name, np.empty(0, kind))

    def extend(
        self, ids: list[int], cameras: list[str], tracks: list[str], first_ns: list[int], last_ns: list[int]
    ) -> slice:
        """Add rows. Returns which they are."""
        rows = self._room_for(len(ids))
        self.ids[rows] = ids
        self.first[rows] = first_ns
        self.last[rows] = last_ns
        self.camera[rows] = self._numbers(cameras)
        self.track[rows] = [_track_number(track) if track else -1 - id_ for track, id_ in zip(tracks, ids)]
        self.count = rows.stop
        return rows

    def extend_by(self, other: "IndexColumns") -> slice:
        """Add another's rows. Returns which they are."""
        rows = self._room_for(other.count)
        for name in ("ids", "first", "last", "track"):
            getattr(self, name)[rows] = getattr(other, name)[: other.count]
        numbers = np.array(self._numbers(list(other.cameras)), np.int16)
        self.camera[rows] = numbers[other.camera[: other.count]]
        self.count = rows.stop
        return rows

    def stretch(self, row: int, stamp_ns: int) -> None:
        """Let a row's span take in a stamp."""
        self.first[row] = min(self.first[row], stamp_ns)
        self.last[row] = max(self.last[row], stamp_ns)

    def _numbers(self, cameras: list[str]) -> list[int]:
        for camera in dict.fromkeys(cameras):
            self.cameras.setdefault(camera, len(self.cameras))
        return list(map(self.cameras.__getitem__, cameras))

    def _room_for(self, more: int) -> slice:
        end = self.count + more
        if end > len(self.ids):
            # By an eighth: doubling would have half of it lie idle.
            size = max(end, len(self.ids) + len(self.ids) // 8, 256)
            for name, kind in COLUMNS.items():
                grown = np.empty(size, kind)
                grown[: self.count] = getattr(self, name)[: self.count]
                setattr(self, name, grown)
        return slice(self.count, end)


def _track_number(track: str) -> int:
    return int.from_bytes(hashlib.blake2b(track.encode(), digest_size=8).digest(), "little", signed=True)
