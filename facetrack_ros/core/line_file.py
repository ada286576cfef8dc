"""Files of lines, each complete also after a crash or on a full disk; encrypted if their folder is."""

import fcntl
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from facetrack_ros.bounded_file import open_regular, read_bounded
from facetrack_ros.core.disk.overwriting import replace_file
from facetrack_ros.core.sealed_files.folder_keys import key_of
from facetrack_ros.core.sealed_files.sealed_lines import decrypted, encrypted, to_append

#: Largest file that is read whole: the merge decisions of 100,000 pairs have 50 MB.
MAX_BYTES = 256_000_000


def append_lines(path: Path, data: bytes) -> None:
    """Append complete lines to a file, created where it is missing; an incomplete last line is cut off first.

    :raises OSError: they cannot be written; then none of them is.
    """
    while True:
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            if not _is_file_of(file, path):
                continue  # :func:`rewrite_lines` replaced it meanwhile
            truncate_partial_line(file)
            write_all_or_nothing(file, to_append(path, file, data))
            return
        finally:
            os.close(file)


def rewrite_lines(path: Path, edit: Callable[[bytes], bytes | None], change: bool = True) -> int:
    """Replace or leave out lines of a file, and overwrite what the file held; no :func:`append_lines` is lost.

    An incomplete last line is left out where any line changes.

    :param edit: of a line, without its end: the line that replaces it, or None where it goes.
    :param change: whether to do it; else only count.
    :returns: number of lines that change or go.
    :raises OSError: it cannot be read or written, or is larger than :data:`MAX_BYTES`; it is unchanged then.
    """
    if not path.exists():
        return 0
    with open_regular(path) as file:
        if change:
            fcntl.flock(file, fcntl.LOCK_EX)
        before = read_lines(path)
        after = [edit(line) for line in before]
        changed = sum(line != edited for line, edited in zip(before, after))
        if changed and change:
            text = b"".join(line + b"\n" for line in after if line is not None)
            replace_lines(path, text)
        return changed


def read_lines(path: Path) -> list[bytes]:
    """The complete lines of a file, without an incomplete last one; none where there is no file.

    :raises OSError: it cannot be read, is no regular file, or is larger than :data:`MAX_BYTES`.
    """
    data = read_log_file(path) if os.path.lexists(path) else b""
    return data[: data.rfind(b"\n") + 1].splitlines()


def read_log_file(path: Path) -> bytes:
    """The content of a file of lines, with an incomplete last one.

    :raises OSError: it cannot be read, is no regular file, or is larger than :data:`MAX_BYTES`.
    :raises StoreError: it is encrypted, and the key is not at hand.
    """
    return decrypted(path, read_bounded(path, MAX_BYTES))


def replace_lines(path: Path, lines: bytes) -> None:
    """Give a file other lines, whole or not at all, and overwrite what it held.

    :raises OSError: the disk refuses.
    """
    text = encrypted(key_of(path), path, lines)
    replace_file(path, lambda fresh: fresh.write(text))


def _is_file_of(file: int, path: Path) -> bool:
    """Whether an open file still has a name."""
    with suppress(OSError):
        return os.path.samestat(os.fstat(file), path.stat())
    return False


def write_all_or_nothing(file: int, data: bytes) -> None:
    """Write to an open file; where the disk takes only a part, that part is cut off again.

    :raises OSError: not all of it could be written.
    """
    before = os.fstat(file).st_size
    try:
        done = os.write(file, data) if data else 0
        if done < len(data):
            os.write(file, data[done:])  # raises the reason
            if os.fstat(file).st_size < before + len(data):
                raise OSError(0, "the line was written in part only")
    except OSError:
        os.ftruncate(file, before)
        raise


def truncate_partial_line(file: int) -> int:
    """Cut off an incomplete last line of an open file; returns the size left."""
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
