"""Bytes of a SQLite file that belong to no row, overwritten with zeros.

``PRAGMA secure_delete`` overwrites a row where it is deleted. Where SQLite moved a row to another page before, as it
does when a row beside it grows, the bytes on the old page stay between the page's list of rows and its first row.
https://www.sqlite.org/fileformat2.html#b_tree_pages
"""

import os
import struct

import numpy as np

_MAGIC = b"SQLite format 3\0"
_CHUNK = 8 << 20
#: Bytes of the header of each kind of page with rows: an index's inner page and leaf, a table's.
_HEAD = {2: 12, 5: 12, 10: 8, 13: 8}
# A page of another kind begins with the number of a page, whose first byte is 0 up to here.
_MOST_PAGES = 1 << 24


def can_clear(file: int) -> bool:
    """Whether the unused bytes of a file can be told: not of an encrypted one, nor with ``auto_vacuum``."""
    head = os.pread(file, 100, 0)
    if len(head) < 100 or not head.startswith(_MAGIC) or head[52:56] != bytes(4):
        return False
    return os.fstat(file).st_size // _page_bytes(head) < _MOST_PAGES


def clear_unused(file: int) -> int:
    """Overwrite the unused bytes of every page; the number of pages that had any.

    A page is never left half written: these bytes mean nothing to SQLite, and no other is touched. All that is
    committed must be in the file and not in its log, and SQLite must hold no page in memory that it may write again.

    :param file: descriptor of a file of which :func:`can_clear` is true, open for writing.
    :raises OSError: the disk refuses.
    """
    page, size = _page_bytes(os.pread(file, 100, 0)), os.fstat(file).st_size
    step, cleared = max(_CHUNK // page, 1) * page, 0
    for start in range(0, size, step):
        data = os.pread(file, min(step, size - start), start)
        for first, end in _unused(data, page, start == 0):
            if data.count(0, first, end) != end - first:
                os.pwrite(file, bytes(end - first), start + first)
                cleared += 1
    if cleared:
        os.fdatasync(file)
    return cleared


def _page_bytes(head: bytes) -> int:
    (size,) = struct.unpack_from(">H", head, 16)
    return 65_536 if size == 1 else size


def _unused(data: bytes, page: int, at_start: bool) -> list[tuple[int, int]]:
    """Where the unused bytes of each page begin and end."""
    count = len(data) // page
    pages = np.frombuffer(data, np.uint8, count * page).reshape(count, page)
    heads = pages[:, :8].astype(np.int64)
    if at_start and count:  # the file's own header comes first
        heads[0] = pages[0, 100:108]
    sizes = np.zeros(256, np.int64)
    for kind, size in _HEAD.items():
        sizes[kind] = size
    of_kind = sizes[heads[:, 0]]
    first = of_kind + 2 * (heads[:, 3] * 256 + heads[:, 4])
    if at_start and count:
        first[0] += 100
    content = heads[:, 5] * 256 + heads[:, 6]
    content[content == 0] = 65_536
    rows = np.flatnonzero((of_kind > 0) & (first < content) & (content <= page))
    return list(zip((rows * page + first[rows]).tolist(), (rows * page + content[rows]).tolist()))
