"""Settings of the C library's allocator for the memory of images and models."""

import contextlib
import ctypes

# Parameters of mallopt(3): blocks from this size on are mapped separately; this much free memory is kept at the end.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_MAPPED_BYTES = 32 << 20
_KEPT_BYTES = 2 * _MAPPED_BYTES


def tune_malloc() -> None:
    """Make glibc keep the memory that one frame frees for the next; no effect with other C libraries.

    glibc adapts its thresholds to the largest block freed; these are the values it ends at. Before that, a new process
    takes two thousand fresh pages a frame, which costs 8 ms.
    """
    with contextlib.suppress(OSError, AttributeError):  # another C library
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_MMAP_THRESHOLD, _MAPPED_BYTES)
        mallopt(_TRIM_THRESHOLD, _KEPT_BYTES)


def trim_heap() -> None:
    """Return freed memory to the system, where the C library can: models leave many small free blocks."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
