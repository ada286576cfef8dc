"""All stored embeddings in memory, compared exactly."""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from facetrack_ros.history.index.block import ROWS, BlockScan, VectorBlock, VectorSource
from facetrack_ros.history.index.columns import IndexColumns, Integers
from facetrack_ros.history.index.faiss_scan import QuantizedQuery, QuantizedScan, faiss_available
from facetrack_ros.history.index.topk_bound import TopKBound

# Candidates of the first scan of a block; each further scan takes 8 times as many. Chosen by hand, as the next.
_FIRST_CANDIDATES = 128
# Compared exactly before the others: their similarities rule out most of the rest.
_FIRST_COMPARED = 12
# Two threads scan faster than one; for fewer rows, waking the second takes longer than it saves.
_ROWS_FOR_TWO_THREADS = 40_000


@dataclass(frozen=True, eq=False)
class Hits:
    """Rows of the index that matched, best first.

    :param rows: ``(n,)`` int64.
    :param similarity: ``(n,)`` float32 cosine.
    :param compared: how many rows were in the time slice.
    """

    rows: np.ndarray
    similarity: np.ndarray
    compared: int


class VectorIndex:
    """Unit vectors with stamps, camera and track of each row.

    Rows are stored in blocks. Each block has the span of its stamps, so that a search of a time slice scans only the
    blocks it overlaps. With FAISS, a search scans one byte a number and then compares exactly the few rows that can be
    among the best; the result is the same as without. Blocks that no longer change can be frozen: then only their codes
    stay in memory.

    Not thread-safe: its owner holds the lock.

    :param quantized: None: where FAISS is installed.
    :param block_rows: rows a block.
    """

    def __init__(self, dimension: int, quantized: bool | None = None, block_rows: int = ROWS) -> None:
        self._dimension = dimension
        self.quantized = faiss_available() if quantized is None else quantized
        self._block_rows = block_rows
        self.blocks: list[VectorBlock] = []
        self._starts: list[int] = []  # the first row of each block
        self._columns = IndexColumns()
        self._pool: ThreadPoolExecutor | None = None

    def __len__(self) -> int:
        return self._columns.count

    def extend(
        self,
        ids: Integers,
        cameras: Sequence[str],
        tracks: Sequence[str],
        first_ns: Integers,
        last_ns: Integers,
        embeddings: np.ndarray,
    ) -> None:
        """Add rows, in any order of their stamps.

        :param embeddings: ``(len(ids), dimension)`` float32 unit vectors.
        """
        rows = self._columns.extend(ids, cameras, tracks, first_ns, last_ns)
        first, last = self._columns.first[rows], self._columns.last[rows]
        done = 0
        while done < len(ids):
            if not self.blocks or not self.blocks[-1].room:
                self.blocks.append(VectorBlock(self._dimension, self.quantized, self._block_rows))
                self._starts.append(rows.start + done)
            block = self.blocks[-1]
            part = slice(done, done + block.room)
            block.extend(embeddings[part], int(first[part].min()), int(last[part].max()))
            done += len(first[part])

    def extend_frozen(self, block: VectorBlock, columns: IndexColumns) -> None:
        """Add a frozen block with the columns of its rows."""
        self.blocks.append(block)
        self._starts.append(self._columns.extend_by(columns).start)

    def remove(self, ids: np.ndarray, keeping: Callable[[VectorSource, np.ndarray], VectorSource]) -> np.ndarray:
        """Remove the rows of some database ids.

        :param ids: ``(n,)`` int64.
        :param keeping: of what reads a frozen block, and the rows that it keeps: what reads these from now on.
        :returns: ``(n,)`` int64, the rows removed, sorted.
        """
        doomed = np.flatnonzero(np.isin(self._columns.ids[: len(self)], ids))
        for number, block in enumerate(self.blocks):
            rows = self.rows_of_block(number)
            own = doomed[(doomed >= rows.start) & (doomed < rows.stop)] - rows.start
            if own.size:
                kept = np.delete(np.arange(block.count), own)
                block.remove(own, keeping(block.source, kept) if block.source is not None else None)
        self._columns.remove(doomed)
        counts = [block.count for block in self.blocks]
        self._starts = [sum(counts[:number]) for number in range(len(counts))]
        return doomed

    def rows_of_block(self, number: int) -> slice:
        """The rows of a block."""
        return slice(self._starts[number], self._starts[number] + self.blocks[number].count)

    def id_of(self, row: int) -> int:
        """The database id of a row."""
        return int(self._columns.ids[row])

    def ids_of(self, rows: slice) -> np.ndarray:
        """``(n,)`` int64, the database ids of some rows."""
        return self._columns.ids[rows]

    def embedding(self, row: int) -> np.ndarray:
        """``(dimension,)`` float32 of a row."""
        block, place = self._locate(row)
        return block.vector(place)

    def span(self, row: int) -> tuple[int, int]:
        """First and last stamp of a row."""
        return int(self._columns.first[row]), int(self._columns.last[row])

    def spans(self) -> tuple[np.ndarray, np.ndarray]:
        """First and last stamps of all rows, ``(n,)`` int64 views."""
        return self._columns.first[: len(self)], self._columns.last[: len(self)]

    def rows_of(self, camera: str) -> np.ndarray:
        """``(n,)`` bool: the rows of a camera."""
        return self._columns.camera[: len(self)] == self._columns.cameras.get(camera, -1)

    def cameras(self) -> tuple[str, ...]:
        """Every camera with a row, sorted."""
        return tuple(sorted(self._columns.cameras))

    def extend_span(self, row: int, stamp_ns: int) -> None:
        """Let a row's span include a stamp."""
        self._columns.extend_span(row, stamp_ns)
        self._locate(row)[0].extend_span(stamp_ns, stamp_ns)

    def replace(self, row: int, embedding: np.ndarray) -> None:
        """Give a row of a growing block another embedding, ``(dimension,)`` float32 unit vector."""
        block, place = self._locate(row)
        block.replace(place, embedding)

    def search(
        self,
        embedding: np.ndarray,
        start_ns: int,
        end_ns: int,
        cameras: tuple[str, ...],
        threshold: float,
        limit: int | None = None,
    ) -> Hits:
        """Compare with every row whose span overlaps ``[start_ns, end_ns]``; exact.

        :param cameras: only these; empty: all.
        :param threshold: lowest cosine that counts.
        :param limit: only the best of them; None: all.
        """
        masks, compared = self._select(start_ns, end_ns, cameras)
        bound = TopKBound(threshold, limit)
        found = self._rescore(self._scan(embedding, masks, compared, bound), embedding, bound)
        if not found:
            return Hits(np.empty(0, np.int64), np.empty(0, np.float32), compared)
        rows, similarity = (np.concatenate(parts) for parts in zip(*found))
        above = similarity >= bound.bound
        rows, similarity = rows[above], similarity[above]
        order = np.lexsort((rows, -similarity))[:limit]
        return Hits(rows[order], similarity[order], compared)

    def fold_tracks(self, hits: Hits) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Reduce hits to the best of each track.

        :returns: positions in ``hits`` of each track's best, best first; and per track the first and last stamp over
            all its hits. Each ``(tracks,)`` int64.
        """
        columns = self._columns
        _, best, group = np.unique(columns.track[hits.rows], return_index=True, return_inverse=True)
        first = np.full(best.size, np.iinfo(np.int64).max)
        last = np.full(best.size, np.iinfo(np.int64).min)
        np.minimum.at(first, group, columns.first[hits.rows])
        np.maximum.at(last, group, columns.last[hits.rows])
        order = np.argsort(best)  # hits are best first, so a smaller position is a better one
        return best[order], first[order], last[order]

    def _locate(self, row: int) -> tuple[VectorBlock, int]:
        number = bisect_right(self._starts, row) - 1
        return self.blocks[number], row - self._starts[number]

    def _select(self, start_ns: int, end_ns: int, cameras: tuple[str, ...]) -> tuple[dict[int, np.ndarray | None], int]:
        """By block a mask of the rows to search, None: all of them; and the number of these rows."""
        columns = self._columns
        numbers = None
        if cameras:
            numbers = np.array([columns.cameras[camera] for camera in cameras if camera in columns.cameras], np.int16)
        masks: dict[int, np.ndarray | None] = {}
        compared = 0
        for number, block in enumerate(self.blocks):
            if block.first_ns > end_ns or block.last_ns < start_ns:
                continue
            rows = self.rows_of_block(number)
            mask = None
            if block.first_ns < start_ns or block.last_ns > end_ns:
                mask = (columns.first[rows] <= end_ns) & (columns.last[rows] >= start_ns)
            if numbers is not None:
                of_cameras = np.isin(columns.camera[rows], numbers)
                mask = of_cameras if mask is None else mask & of_cameras
            count = block.count if mask is None else int(np.count_nonzero(mask))
            if count:
                masks[number] = mask
                compared += count
        return masks, compared

    def _scan(
        self, embedding: np.ndarray, masks: dict[int, np.ndarray | None], compared: int, bound: TopKBound
    ) -> dict[int, BlockScan]:
        """Scan each block, as often as needed until every row that can be among the best is found."""
        query = QuantizedQuery(embedding)
        scans: dict[int, BlockScan] = {}
        count = max(_FIRST_CANDIDATES, 2 * (bound.limit or 0))

        def work(numbers: Iterator[int]) -> None:
            quantized = QuantizedScan(query) if self.quantized else None
            for number in numbers:
                again = number in scans
                scan = scans[number] = self.blocks[number].scan(embedding, quantized, count, bound.bound, masks[number])
                if not again:
                    bound.add_lower_bounds(np.concatenate([scan.similarity, scan.approximate - scan.error_bound]))

        todo = list(masks)
        while todo:
            self._run(work, todo, two_threads=compared > _ROWS_FOR_TWO_THREADS)
            todo = [number for number in todo if not scans[number].covers(bound.bound)]
            count *= 8
        return scans

    def _run(self, work: Callable[[Iterator[int]], None], items: list[int], two_threads: bool) -> None:
        """Work on items, on this thread or shared with a second."""
        numbers = iter(items)
        if not two_threads or len(items) == 1:
            work(numbers)
            return
        if self._pool is None:
            self._pool = ThreadPoolExecutor(1, thread_name_prefix="vector_index")
        other = self._pool.submit(work, numbers)
        work(numbers)
        other.result()

    def _rescore(
        self, scans: dict[int, BlockScan], embedding: np.ndarray, bound: TopKBound
    ) -> list[tuple[np.ndarray, np.ndarray]]:
        """Rows of the index and exact similarities of all scanned rows that can be among the best."""
        found = [
            (scan.rows + self._starts[number], scan.similarity) for number, scan in scans.items() if scan.rows.size
        ]
        quantized = {number: scan for number, scan in scans.items() if scan.candidates.size}
        if not quantized:
            return found
        approximate = np.concatenate([scan.approximate for scan in quantized.values()])
        sizes = [scan.approximate.size for scan in quantized.values()]
        highest = approximate + np.repeat([np.float32(scan.error_bound) for scan in quantized.values()], sizes)
        likely = highest >= bound.bound
        if bound.limit is not None and np.count_nonzero(likely) > 2 * bound.limit:
            count = min(bound.limit + _FIRST_COMPARED, approximate.size)
            first = np.zeros(approximate.size, bool)
            first[np.argpartition(approximate, -count)[-count:]] = True
            found += self._compare(quantized, first, embedding)
            bound.set_exact(np.concatenate([similarity for _, similarity in found]))
            likely = (highest >= bound.bound) & ~first
        return found + self._compare(quantized, likely, embedding)

    def _compare(
        self, scans: dict[int, BlockScan], chosen: np.ndarray, embedding: np.ndarray
    ) -> list[tuple[np.ndarray, np.ndarray]]:
        """Compare the chosen candidates of scans exactly."""
        found, start = [], 0
        for number, scan in scans.items():
            part = chosen[start : start + scan.candidates.size]
            start += scan.candidates.size
            if part.any():
                similarity = self.blocks[number].similarities(scan, part, embedding)
                found.append((scan.candidates[part] + self._starts[number], similarity))
        return found
