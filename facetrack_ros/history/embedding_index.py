"""All kept embeddings in memory, compared exactly."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from facetrack_ros.errors import StoreError
from facetrack_ros.history.coded_rows import Probe, can_code
from facetrack_ros.history.embedding_block import ROWS, EmbeddingBlock, Look, compare

_UNIT_TOLERANCE = 1e-3
# Reading memory is what a search does: two threads get most of what there is.
_THREADS = 2
_FIRST_LOOK = 128


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
        # A track as a number within this process: 64 bits, so that two of a million share one by a chance of 1e-8.
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
        for camera in dict.fromkeys(cameras):
            self._cameras.setdefault(camera, len(self._cameras))
        self._camera[start:end] = list(map(self._cameras.__getitem__, cameras))
        self._track[start:end] = list(map(hash, tracks))
        for i, track in enumerate(tracks):
            if not track:
                self._track[start + i] = hash(("", start + i))  # a face without track stands for itself
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
        wanted: "dict[int, np.ndarray | None]" = {}  # by block: which of its rows, None: all
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
                wanted[number] = mask
                compared += count
        looks = self._look(Probe(embedding), wanted, threshold, limit)
        if not looks:
            return Hits(np.empty(0, np.int64), np.empty(0, np.float32), compared)
        bound = _bound(looks.values(), threshold, limit)
        found = [self._exactly(number, look, embedding, bound) for number, look in looks.items()]
        rows, similarity = (np.concatenate(both) for both in zip(*found))
        order = np.lexsort((rows, -similarity))[:limit]
        return Hits(rows[order], similarity[order], compared)

    def _look(self, probe: Probe, wanted: "dict[int, np.ndarray | None]", threshold: float,
              limit: "int | None") -> "dict[int, Look]":
        """A look at each block, deep enough that nothing that counts is left out."""
        count = max(_FIRST_LOOK, 2 * (limit or 0))
        looks: "dict[int, Look]" = {}
        todo = list(wanted)
        while todo:
            looks.update(zip(todo, self._spread(
                lambda number: self._blocks[number].look(probe, count, wanted[number]), todo)))
            bound = _bound(looks.values(), threshold, limit)
            todo = [number for number in todo if not looks[number].reaches(bound)]
            count *= 8
        return looks

    def _exactly(self, number: int, look: Look, embedding: np.ndarray, bound: float) -> "tuple[np.ndarray, np.ndarray]":
        """Rows of the index and similarities of what a look found above a bound."""
        rows, similarity = look.rows, look.similarity
        likely = look.coded_rows[look.rough + look.off >= bound]
        if likely.size:
            rows = np.concatenate([rows, likely])
            similarity = np.concatenate([similarity, compare(self._blocks[number].vectors[likely], embedding)])
        found = similarity >= bound
        return rows[found] + number * self._block_rows, similarity[found]

    def _spread(self, work: "Callable", items: list) -> list:
        if len(items) == 1:
            return [work(items[0])]
        if self._pool is None:
            self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="embedding_index")
        parts = self._pool.map(lambda part: [work(item) for item in part], (items[i::_THREADS] for i in range(_THREADS)))
        results: list = [None] * len(items)
        for i, part in enumerate(parts):
            results[i::_THREADS] = part
        return results

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

    def _grow(self, needed: int) -> None:
        # By an eighth: doubling would have half of it lie idle.
        size = max(needed, len(self._ids) + len(self._ids) // 8, 256)
        for name in ("_ids", "_first", "_last", "_camera", "_track"):
            old = getattr(self, name)
            new = np.empty(size, old.dtype)
            new[:self._count] = old[:self._count]
            setattr(self, name, new)


def _bound(looks: "Iterable[Look]", threshold: float, limit: "int | None") -> float:
    """The lowest similarity that can be among the best ``limit``, as far as the looks tell; never too high."""
    if limit is None:
        return threshold
    surely = np.concatenate([part for look in looks for part in (look.similarity, look.rough - look.off)])
    if len(surely) < limit:
        return threshold
    return max(threshold, float(np.partition(surely, -limit)[-limit]))
