"""Lines of a file that are whole or not there."""

import os


def write_whole(file: int, data: bytes) -> None:
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


def mend_tail(file: int) -> int:
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
