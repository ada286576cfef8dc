"""Check of a film's header before FFmpeg reads it: an MP4 takes memory for as many frames as its index claims."""

import mmap
import os
import struct
from collections.abc import Iterator
from pathlib import Path

from facetrack_ros.bounded_file import open_regular
from facetrack_ros.core.pictures.picture_header import boxes
from facetrack_ros.errors import SourceError

#: Frames and pieces of sound that any film may have: nine hours at 30 frames a second. FFmpeg keeps 73 bytes of each.
FEW_SAMPLES = 1_000_000
#: More need a file that holds them: bytes of each, chosen by hand.
LEAST_SAMPLE_BYTES = 50
#: Boxes on one level: a day in fragments of a second has twice 86,400.
MOST_BOXES = 500_000
_FIRST_BOXES = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot", b"moof", b"styp")
_CONTAINERS = (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"moof", b"traf")
_TABLES = (b"hdlr", b"stts", b"stsz", b"stz2", b"trun")
#: Of a table of times: one entry, of one tick a sample.
_ONE_OF_ONE = b"\0\0\0\1\0\0\0\1"


def check_film(path: Path) -> None:
    """Refuse what is no regular file, and an MP4 whose index claims more frames than the file can hold.

    :raises SourceError: it does.
    :raises OSError: it cannot be read, or is no regular file.
    """
    with open_regular(path) as file:
        if file.read(8)[4:8] not in _FIRST_BOXES:
            return
        held_bytes = min(os.fstat(file.fileno()).st_size, 512 * os.fstat(file.fileno()).st_blocks)
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            try:
                claimed = _claimed_samples(data)
            except (OverflowError, RecursionError) as error:
                raise SourceError(
                    f"{path} has more parts than a film has: it is damaged, or made to do harm"
                ) from error
    if claimed > max(FEW_SAMPLES, held_bytes // LEAST_SAMPLE_BYTES):
        problem = f"{path} claims to hold {claimed} frames in {held_bytes} bytes"
        raise SourceError(f"{problem}: it is damaged, or made to do harm")


def _claimed_samples(data: mmap.mmap) -> int:
    """Number of samples in the index; up to the damage in a damaged file, which FFmpeg reads as far."""
    claimed = 0
    track: dict[bytes, list[int]] = {}
    try:
        for name, begin in _tables(data, 0, len(data)):
            if name == b"trun":
                claimed += struct.unpack_from(">I", data, begin + 4)[0]
            elif name == b"trak":
                claimed += _of_track(data, track)
                track = {}
            else:
                track.setdefault(name, []).append(begin)
    except (ValueError, struct.error):
        pass
    return claimed + _of_track(data, track)


def _of_track(data: mmap.mmap, tables: dict[bytes, list[int]]) -> int:
    """Samples of one track that FFmpeg keeps. Uncompressed sound has one for every instant, and it keeps none.

    :param tables: positions by name.
    """
    is_sound = all(data[begin + 8 : begin + 12] == b"soun" for begin in tables.get(b"hdlr", ()))
    times = (data[begin + 4 : begin + 8] + data[begin + 12 : begin + 16] for begin in tables.get(b"stts", ()))
    instants = all(time == _ONE_OF_ONE for time in times)
    if is_sound and instants:
        return 0
    sizes = (data[begin + 8 : begin + 12] for name in (b"stsz", b"stz2") for begin in tables.get(name, ()))
    return sum(int.from_bytes(size, "big") for size in sizes)


def _tables(data: mmap.mmap, start: int, end: int) -> Iterator[tuple[bytes, int]]:
    """Name and begin of the boxes of the index, at any depth, in the order of the file, and of each track."""
    for name, begin, stop in boxes(data, start, end, MOST_BOXES):  # type: ignore[arg-type]  # a map slices as bytes do
        if name == b"trak":
            yield name, begin
        if name in _CONTAINERS:
            yield from _tables(data, begin, stop)
        elif name in _TABLES:
            yield name, begin
