"""What the C library does with memory that pictures and models leave free."""

import ctypes

# Of mallopt(3): from so many bytes on a block is mapped and given back by itself; so much free memory at the end is kept.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_MAPPED_BYTES = 32 << 20
_KEPT_BYTES = 2 * _MAPPED_BYTES


def tune_malloc() -> None:
    """Keep what a frame's work leaves free for the next frame, where the C library can be told.

    glibc learns how much is worth keeping from the largest block it was given back: these are the values it ends at, however
    it began. Without them another process of an ingest takes two thousand new pages for every frame: 8 ms.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return  # not glibc: its allocator decides by itself
    mallopt(_MMAP_THRESHOLD, _MAPPED_BYTES)
    mallopt(_TRIM_THRESHOLD, _KEPT_BYTES)


def trim_heap() -> None:
    """Give freed memory back to the system, where the C library can: what models leave behind is many small pieces."""
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (OSError, AttributeError):
        pass  # as above
