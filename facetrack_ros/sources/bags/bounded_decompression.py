"""Decompression of recordings that does not go beyond a size, whatever the compressed data claims."""

import shutil
from pathlib import Path
from typing import BinaryIO

from facetrack_ros.errors import SourceError

#: Bytes that decompression and copies leave free on the disk. Chosen by hand.
LEAST_FREE_BYTES = 1_000_000_000
# Largest distance that zstd may refer back to: that of its highest level without --ultra is an eighth of it.
_WINDOW_BYTES = 1 << 26
_PIECE_BYTES = 1 << 22


class TooLargeError(ValueError):
    """Data that decompresses to more than is allowed."""


def unpacked_zstd(data: bytes, most_bytes: int) -> bytes:
    """The content of a zstd frame.

    :raises TooLargeError: it is larger.
    :raises zstandard.ZstdError: it is damaged.
    """
    import zstandard

    unpacker = zstandard.ZstdDecompressor(max_window_size=_WINDOW_BYTES)
    with unpacker.stream_reader(data) as stream:
        return _bounded(stream.read(most_bytes + 1), most_bytes)


def unpacked_lz4(data: bytes, most_bytes: int) -> bytes:
    """The content of an lz4 frame.

    :raises TooLargeError: it is larger.
    :raises RuntimeError: it is damaged.
    """
    import lz4.frame

    return _bounded(lz4.frame.LZ4FrameDecompressor().decompress(data, most_bytes + 1), most_bytes)


def unpack_file(packed: BinaryIO, plain: BinaryIO, path: Path) -> None:
    """Decompress a zstd file to another, as far as it goes.

    :param path: of the packed one, for the error.
    :raises SourceError: it would fill the disk.
    :raises zstandard.ZstdError: it is damaged from there on.
    """
    import zstandard

    unpacker = zstandard.ZstdDecompressor(max_window_size=_WINDOW_BYTES)
    with unpacker.stream_reader(packed, read_across_frames=True) as stream:
        while piece := stream.read(_PIECE_BYTES):
            check_room(Path(plain.name).parent, len(piece), path)
            plain.write(piece)


def check_room(folder: Path, needed_bytes: int, path: Path) -> None:
    """Check that a folder has room for the content of a recording.

    :raises SourceError: it has not.
    """
    if shutil.disk_usage(folder).free - needed_bytes < LEAST_FREE_BYTES:
        advice = f"set TMPDIR to a folder with more room than {folder}, or decompress it yourself"
        raise SourceError(f"{path} does not fit on the disk when it is decompressed or copied: {advice}")


def _bounded(data: bytes, most_bytes: int) -> bytes:
    if len(data) > most_bytes:
        raise TooLargeError
    return data
