"""All kept embeddings in memory, compared exactly."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from facetrack_ros.errors import StoreError
from facetrack_ros.history.coded_rows import can_code
from facetrack_ros.history.embedding_block import ROWS, EmbeddingBlock

_UNIT_TOLERANCE = 1e-3
# Reading memory is what a search does: two threads get most of what there is.
_THREADS = 2


def unit_vector(embedding: np.ndarray, dimension: int) -> np.ndarray:
    """The embedding as contiguous float32.

    :raises StoreError: it is not ``(dimension,)``, not finite or not of length 1 (within 0.001).
    """
    vector = np.ascontiguousarray(embedding, np.float32)
    if vector.shape != (dimension,):
        raise StoreError(f"an embedding of shape {vector.shape} does not fit a model of dimension {dimension}; "
                         "hand in what that model made")
    length = float(np.linalg.norm(vector))
    if not abs(length - 1.0) <= _UNIT_TOLERANCE:  # NaN too
        raise StoreError(f"an embedding has length {length:.4g} instead of 1; normalise it, or leave it out when NaN")
    return vector


@dataclass(frozen=True, eq=False)
class Hits:
    """Rows of the index that matched, best first.

    :param rows: ``(n,)`` int64.
    :param similarity: ``(n,)`` float32 cosine.
    :param compared: how many rows were in the slice.
    """

    rows: np.ndarray
    similarity: np.ndarray
    compared: int


class EmbeddingIndex:
    """Unit vectors with stamps, camera and track of each row.

    Rows lie in blocks. Each block knows from when to when its rows were seen, so that a slice of time reads only the blocks
    it touches. Where FAISS is here, a search reads one byte a number and then looks exactly at the few rows that can be
    among the best; the result is the same as without.

    Not thread-safe: its owner holds the lock.

    :param coded: None: where FAISS is here.
    :param block_rows: rows a block.
    """

    def __init__(self, dimension: int, coded: "bool | None" = None, block_rows: int = ROWS) -> None:
        self._dimension = dimension
        self._coded = can_code() if coded is None else coded
        self._block_rows = block_rows
        self._blocks: "list[EmbeddingBlock]" = []
        self._count = 0
        self._cameras: "dict[str, int]" = {}
        self._ids = np.empty(0, np.int64)
        self._first = np.empty(0, np.int64)
        self._last = np.empty(0, np.int64)
        self._camera = np.empty(0, np.int16)
        self._track = np.empty(0, np.int64)
        self._pool: "ThreadPoolExecutor | None" = None

    def __len__(self) -> int:
        return self._count

    def extend(self, ids: "list[int]", cameras: "list[str]", tracks: "list[str]", first_ns: "list[int]",
               last_ns: "list[int]", embeddings: np.ndarray) -> None:
        """Add rows, in any order of their stamps.

        :param embeddings: ``(len(ids), dimension)`` float32 unit vectors.
        """
        start, end = self._count, self._count + len(ids)
        if end > len(self._ids):
            self._grow(end)
        self._ids[start:end] = ids
        self._first[start:end] = first_ns
        self._last[start:end] = last_ns
        self._camera[start:end] = [self._cameras.setdefault(camera, len(self._cameras)) for camera in cameras]
        self._track[start:end] = [_track_code(track, start + i) for i, track in enumerate(tracks)]
        done = 0
        while done < len(ids):
            if not self._blocks or not self._blocks[-1].room:
                self._blocks.append(EmbeddingBlock(self._dimension, self._coded, self._block_rows))
            block = self._blocks[-1]
            part = slice(start + done, start + min(done + block.room, len(ids)))
            block.extend(embeddings[done:done + block.room], int(self._first[part].min()), int(self._last[part].max()))
            done = part.stop - start
        self._count = end

    def id_of(self, row: int) -> int:
        """The database id of a row."""
        return int(self._ids[row])

    def embedding(self, row: int) -> np.ndarray:
        """``(dimension,)`` view of a row."""
        return self._blocks[row // self._block_rows].vectors[row % self._block_rows]

    def span(self, row: int) -> "tuple[int, int]":
        """First and last stamp of a row."""
        return int(self._first[row]), int(self._last[row])

    def spans(self) -> "tuple[np.ndarray, np.ndarray]":
        """First and last stamps of all rows, ``(n,)`` int64 views."""
        return self._first[:self._count], self._last[:self._count]

    def rows_of(self, camera: str) -> np.ndarray:
        """``(n,)`` bool: the rows of a camera."""
        return self._camera[:self._count] == self._cameras.get(camera, -1)

    def cameras(self) -> "tuple[str, ...]":
        """Every camera with a row, sorted."""
        return tuple(sorted(self._cameras))

    def stretch(self, row: int, stamp_ns: int) -> None:
        """Let a row's span take in a stamp."""
        self._first[row] = min(self._first[row], stamp_ns)
        self._last[row] = max(self._last[row], stamp_ns)
        self._blocks[row // self._block_rows].stretch(stamp_ns, stamp_ns)

    def replace(self, row: int, embedding: np.ndarray) -> None:
        """Give a row another embedding, ``(dimension,)`` float32 unit vector."""
        self._blocks[row // self._block_rows].replace(row % self._block_rows, embedding)

    def search(self, embedding: np.ndarray, start_ns: int, end_ns: int, cameras: "tuple[str, ...]",
               threshold: float, limit: "int | None" = None) -> Hits:
        """Compare with every row whose span touches ``[start_ns, end_ns]``; exact.

        :param cameras: only these; empty: all.
        :param threshold: lowest cosine that counts.
        :param limit: only the best of them; None: all.
        """
        codes = None
        if cameras:
            codes = np.array([self._cameras[camera] for camera in cameras if camera in self._cameras], np.int16)
        # (block number, rows wanted or None for all), for the blocks that can have any.
        wanted = []
        compared = 0
        for number, block in enumerate(self._blocks):
            if block.first_ns > end_ns or block.last_ns < start_ns:
                continue
            low = number * self._block_rows
            rows = slice(low, low + block.count)
            mask = None
            if block.first_ns < start_ns or block.last_ns > end_ns:
                mask = (self._first[rows] <= end_ns) & (self._last[rows] >= start_ns)
            if codes is not None:
                mine = np.isin(self._camera[rows], codes)
                mask = mine if mask is None else mask & mine
            count = block.count if mask is None else int(np.count_nonzero(mask))
            if count:
                wanted.append((number, mask))
                compared += count
        bound = _Bound(threshold, limit)

        def look(part: "list[tuple[int, np.ndarray | None]]") -> "list[tuple[np.ndarray, np.ndarray]]":
            found = []
            for number, mask in part:
                rows, similarity = self._blocks[number].above(embedding, bound.lowest, limit, mask)
                bound.raise_by(similarity)
                found.append((rows + number * self._block_rows, similarity))
            return found

        if len(wanted) > 1:
            found = [one for part in self._threads().map(look, (wanted[i::_THREADS] for i in range(_THREADS)))
                     for one in part]
        else:
            found = look(wanted)
        if not found:
            return Hits(np.empty(0, np.int64), np.empty(0, np.float32), compared)
        rows, similarity = (np.concatenate(both) for both in zip(*found))
        order = np.lexsort((rows, -similarity))[:limit]
        return Hits(rows[order], similarity[order], compared)

    def fold_tracks(self, hits: Hits) -> "tuple[np.ndarray, np.ndarray, np.ndarray]":
        """Fold hits of one track into its best one.

        :returns: positions in ``hits`` of each track's best, best first; and per track the first and last stamp
            over all its hits. Each ``(tracks,)`` int64.
        """
        _, best, group = np.unique(self._track[hits.rows], return_index=True, return_inverse=True)
        first = np.full(best.size, np.iinfo(np.int64).max)
        last = np.full(best.size, np.iinfo(np.int64).min)
        np.minimum.at(first, group, self._first[hits.rows])
        np.maximum.at(last, group, self._last[hits.rows])
        order = np.argsort(best)  # hits are best first, so a smaller position is a better one
        return best[order], first[order], last[order]

    def _threads(self) -> ThreadPoolExecutor:
        if self._pool is None:
            self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="embedding_index")
        return self._pool

    def _grow(self, needed: int) -> None:
        # By an eighth: doubling would have half of it lie idle.
        size = max(needed, len(self._ids) + len(self._ids) // 8, 256)
        for name in ("_ids", "_first", "_last", "_camera", "_track"):
            old = getattr(self, name)
            new = np.empty(size, old.dtype)
            new[:self._count] = old[:self._count]
            setattr(self, name, new)


class _Bound:
    """The lowest similarity that can still be among the best, as far as is known; shared by the threads of a search."""

    def __init__(self, threshold: float, limit: "int | None") -> None:
        self.lowest = threshold
        self._limit = limit
        self._best = np.empty(0, np.float32)
        self._lock = threading.Lock()

    def raise_by(self, similarity: np.ndarray) -> None:
        """Take similarities into account, ``(n,)`` float32."""
        if self._limit is None:
            return
        with self._lock:
            best = np.concatenate([self._best, similarity])
            if len(best) >= self._limit:
                best = -np.partition(-best, self._limit - 1)[:self._limit]
                self.lowest = max(self.lowest, float(best.min()))
            self._best = best


def _track_code(track: str, row: int) -> int:
    """A track as a number within this process: 64 bits, so that two of a million tracks share one by a chance of 1e-8."""
    return hash(track) if track else hash(("", row))  # a face without track stands for itself
