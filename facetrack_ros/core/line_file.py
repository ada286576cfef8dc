"""Lines of a file that are whole or not there."""

import os
from pathlib import Path


def append_lines(path: Path, data: bytes) -> None:
    """Lines at the end of a file that is opened for them: one that somebody moved away is begun anew.

    :raises OSError: the disk does not take them; nothing of them is there.
    """
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        truncate_partial_line(file)
        write_all_or_nothing(file, data)
    finally:
        os.close(file)


def read_lines(path: Path) -> list[bytes]:
    """The whole lines of a file, none where it is not there; what follows the last newline is torn.

    :raises OSError: it cannot be read.
    """
    data = path.read_bytes() if path.exists() else b""
    return data[: data.rfind(b"\n") + 1].splitlines()


def write_all_or_nothing(file: int, data: bytes) -> None:
    """All of ``data`` or nothing: a disk that fills up takes a part of a line, which is taken back."""
    before = os.fstat(file).st_size
    try:
        done = os.write(file, data) if data else 0
        if done < len(data):
            os.write(file, data[done:])  # says why the rest did not fit
            if os.fstat(file).st_size < before + len(data):
                raise OSError(0, "the line was written in part only")
    except OSError:
        os.ftruncate(file, before)
        raise


def truncate_partial_line(file: int) -> int:
    """Cut off a last line without newline. Returns the size left."""
    size = end = os.fstat(file).st_size
    while end > 0:
        start = max(end - 65_536, 0)
        found = os.pread(file, end - start, start).rfind(b"\n")
        if found >= 0:
            end = start + found + 1
            break
        end = start
    if end < size:
        os.ftruncate(file, end)
    return end
