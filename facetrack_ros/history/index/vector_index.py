"""All kept embeddings in memory, compared exactly."""

from bisect import bisect_right
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from facetrack_ros.history.index.block import ROWS, BlockScan, VectorBlock
from facetrack_ros.history.index.columns import IndexColumns
from facetrack_ros.history.index.faiss_scan import QuantizedQuery, QuantizedScan, faiss_available
from facetrack_ros.history.index.topk_bound import TopKBound

_FIRST_LOOK = 128
# So many of the likeliest are compared first: their similarities rule out most of the others.
_FIRST_COMPARED = 12
# Two threads read more of a memory than one; for fewer rows, waking the other takes longer than it saves.
_ROWS_FOR_TWO = 40_000


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


class VectorIndex:
    """Unit vectors with stamps, camera and track of each row.

    Rows lie in blocks. Each block knows from when to when its rows were seen, so that a slice of time reads only the blocks
    it touches. Where FAISS is here, a search reads one byte a number and then looks exactly at the few rows that can be
    among the best; the result is the same as without. Blocks that will not change any more can be frozen: then only
    their codes stay in memory.

    Not thread-safe: its owner holds the lock.

    :param coded: None: where FAISS is here.
    :param block_rows: rows a block.
    """

    def __init__(self, dimension: int, coded: bool | None = None, block_rows: int = ROWS) -> None:
        self._dimension = dimension
        self.coded = faiss_available() if coded is None else coded
        self._block_rows = block_rows
        self.blocks: list[VectorBlock] = []
        self._starts: list[int] = []  # the first row of each block
        self._columns = IndexColumns()
        self._pool: ThreadPoolExecutor | None = None

    def __len__(self) -> int:
        return self._columns.count

    def extend(
        self,
        ids: list[int],
        cameras: list[str],
        tracks: list[str],
        first_ns: list[int],
        last_ns: list[int],
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
                self._append(VectorBlock(self._dimension, self.coded, self._block_rows), rows.start + done)
            block = self.blocks[-1]
            part = slice(done, done + block.room)
            block.extend(embeddings[part], int(first[part].min()), int(last[part].max()))
            done += len(first[part])

    def extend_frozen(self, block: VectorBlock, columns: IndexColumns) -> None:
        """Add a frozen block with what is known of its rows."""
        self._append(block, self._columns.extend_by(columns).start)

    def rows_of_block(self, number: int) -> slice:
        """The rows of a block, by its place among the blocks."""
        return slice(self._starts[number], self._starts[number] + self.blocks[number].count)

    def _append(self, block: VectorBlock, start: int) -> None:
        self.blocks.append(block)
        self._starts.append(start)

    def _place(self, row: int) -> tuple[VectorBlock, int]:
        number = bisect_right(self._starts, row) - 1
        return self.blocks[number], row - self._starts[number]

    def id_of(self, row: int) -> int:
        """The database id of a row."""
        return int(self._columns.ids[row])

    def ids_of(self, rows: slice) -> np.ndarray:
        """``(n,)`` int64, the database ids of some rows."""
        return self._columns.ids[rows]

    def embedding(self, row: int) -> np.ndarray:
        """``(dimension,)`` float32 of a row."""
        block, place = self._place(row)
        return block.rows(np.array([place]))[0] if block.frozen else block.vectors[place]

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

    def stretch(self, row: int, stamp_ns: int) -> None:
        """Let a row's span take in a stamp."""
        self._columns.stretch(row, stamp_ns)
        self._place(row)[0].stretch(stamp_ns, stamp_ns)

    def replace(self, row: int, embedding: np.ndarray) -> None:
        """Give a row another embedding, ``(dimension,)`` float32 unit vector; its block is not frozen."""
        block, place = self._place(row)
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
        """Compare with every row whose span touches ``[start_ns, end_ns]``; exact.

        :param cameras: only these; empty: all.
        :param threshold: lowest cosine that counts.
        :param limit: only the best of them; None: all.
        """
        wanted, compared = self._wanted(start_ns, end_ns, cameras)
        best = TopKBound(threshold, limit)
        looks = self._look(embedding, wanted, compared, best)
        found = self._exactly(looks, embedding, best)
        if not found:
            return Hits(np.empty(0, np.int64), np.empty(0, np.float32), compared)
        rows, similarity = (np.concatenate(both) for both in zip(*found))
        above = similarity >= best.bound
        rows, similarity = rows[above], similarity[above]
        order = np.lexsort((rows, -similarity))[:limit]
        return Hits(rows[order], similarity[order], compared)

    def _wanted(self, start_ns: int, end_ns: int, cameras: tuple[str, ...]) -> tuple[dict[int, np.ndarray | None], int]:
        """By block: which of its rows, None: all; and how many they are."""
        columns, codes = self._columns, None
        if cameras:
            codes = np.array([columns.cameras[camera] for camera in cameras if camera in columns.cameras], np.int16)
        wanted: dict[int, np.ndarray | None] = {}
        compared = 0
        for number, block in enumerate(self.blocks):
            if block.first_ns > end_ns or block.last_ns < start_ns:
                continue
            rows = self.rows_of_block(number)
            mask = None
            if block.first_ns < start_ns or block.last_ns > end_ns:
                mask = columns.first[rows] <= end_ns
                mask &= columns.last[rows] >= start_ns
            if codes is not None:
                mine = np.isin(columns.camera[rows], codes)
                mask = mine if mask is None else mask & mine
            count = block.count if mask is None else int(np.count_nonzero(mask))
            if count:
                wanted[number] = mask
                compared += count
        return wanted, compared

    def _look(
        self, embedding: np.ndarray, wanted: dict[int, np.ndarray | None], compared: int, best: TopKBound
    ) -> dict[int, BlockScan]:
        """A look at each block, deep enough that nothing that counts is left out."""
        probe = QuantizedQuery(embedding)
        looks: dict[int, BlockScan] = {}

        def work(numbers: Iterator[int], count: int, again: bool) -> None:
            scan = QuantizedScan(probe) if self.coded else None
            for number in numbers:
                look = looks[number] = self.blocks[number].look(embedding, scan, count, best.bound, wanted[number])
                if not again:
                    best.take(np.concatenate([look.similarity, look.rough - look.off]))

        count = max(_FIRST_LOOK, 2 * (best.limit or 0))
        todo, again = list(wanted), False
        while todo:
            self._spread(work, todo, count, again, compared > _ROWS_FOR_TWO)
            todo, again, count = [number for number in todo if not looks[number].reaches(best.bound)], True, count * 8
        return looks

    def _spread(self, work: Callable, items: list[int], count: int, again: bool, on_two: bool) -> None:
        """Work on this thread and another: whichever is free takes the next."""
        numbers = iter(items)
        if not on_two or len(items) == 1:
            work(numbers, count, again)
            return
        if self._pool is None:
            self._pool = ThreadPoolExecutor(1, thread_name_prefix="embedding_index")
        other = self._pool.submit(work, numbers, count, again)
        work(numbers, count, again)
        other.result()

    def _exactly(
        self, looks: dict[int, BlockScan], embedding: np.ndarray, best: TopKBound
    ) -> list[tuple[np.ndarray, np.ndarray]]:
        """Rows of the index and similarities of all that the looks found and that can be among the best."""
        found = [
            (look.rows + self._starts[number], look.similarity) for number, look in looks.items() if look.rows.size
        ]
        coded = [(number, look) for number, look in looks.items() if look.coded_rows.size]
        if not coded:
            return found
        rough = np.concatenate([look.rough for _, look in coded])
        highest = rough + np.repeat([np.float32(look.off) for _, look in coded], [look.rough.size for _, look in coded])
        likely = highest >= best.bound
        if best.limit is not None and np.count_nonzero(likely) > 2 * best.limit:
            first = (
                np.argpartition(rough, -(best.limit + _FIRST_COMPARED))[-(best.limit + _FIRST_COMPARED) :]
                if rough.size > best.limit + _FIRST_COMPARED
                else np.arange(rough.size)
            )
            chosen = np.zeros(rough.size, bool)
            chosen[first] = True
            found += self._compared(coded, chosen, embedding)
            best.know(np.concatenate([similarity for _, similarity in found]))
            likely = (highest >= best.bound) & ~chosen
        return found + self._compared(coded, likely, embedding)

    def _compared(
        self, coded: list[tuple[int, BlockScan]], chosen: np.ndarray, embedding: np.ndarray
    ) -> list[tuple[np.ndarray, np.ndarray]]:
        """Compare the chosen ones of the rows that looks found by their codes."""
        found, start = [], 0
        for number, look in coded:
            mine = chosen[start : start + look.rough.size]
            start += look.rough.size
            if mine.any():
                rows = look.coded_rows[mine]
                similarity = self.blocks[number].similarities(look, rows, look.rough[mine], embedding)
                found.append((rows + self._starts[number], similarity))
        return found

    def fold_tracks(self, hits: Hits) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Fold hits of one track into its best one.

        :returns: positions in ``hits`` of each track's best, best first; and per track the first and last stamp
            over all its hits. Each ``(tracks,)`` int64.
        """
        columns = self._columns
        _, best, group = np.unique(columns.track[hits.rows], return_index=True, return_inverse=True)
        first = np.full(best.size, np.iinfo(np.int64).max)
        last = np.full(best.size, np.iinfo(np.int64).min)
        np.minimum.at(first, group, columns.first[hits.rows])
        np.maximum.at(last, group, columns.last[hits.rows])
        order = np.argsort(best)  # hits are best first, so a smaller position is a better one
        return best[order], first[order], last[order]
