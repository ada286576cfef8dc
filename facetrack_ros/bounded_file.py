"""Files of others, read whole: regular ones of a bounded size only."""

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO


def read_bounded(path: Path | str, max_bytes: int) -> bytes:
    """The content of a file.

    :param max_bytes: largest size.
    :raises OSError: it cannot be read, is no regular file (a device, pipe or socket would never end), or is larger.
    """
    with open_regular(path) as file:
        # By its size first: a sparse file of 10 GB would be read up to the bound.
        too_large = os.fstat(file.fileno()).st_size > max_bytes
        content = b"" if too_large else file.read(max_bytes + 1)
    if too_large or len(content) > max_bytes:
        raise OSError(errno.EFBIG, f"larger than {max_bytes} bytes", str(path))
    return content


def is_unfit(error: OSError) -> bool:
    """Whether :func:`read_bounded` failed because of what stands in the file's place: a folder, device, pipe, socket,
    loop of links or something far too large; not for want of permission or a failing disk."""
    return error.errno in (errno.EFBIG, errno.EINVAL, errno.EISDIR, errno.ELOOP, errno.ENXIO, errno.ENOENT)


def open_regular(path: Path | str) -> BinaryIO:
    """A file, open for reading; opening never waits, as that of a pipe would.

    :raises OSError: it cannot be read, or is no regular file.
    """
    file = open(path, "rb", opener=_without_waiting)  # noqa: SIM115 - handed to the caller
    if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        return file
    file.close()
    raise OSError(errno.EINVAL, "not a regular file", str(path))


def read_bounded_text(path: Path | str, max_bytes: int = 1_000_000) -> str:
    """The content of a UTF-8 file.

    :raises OSError: as :func:`read_bounded`.
    :raises UnicodeDecodeError: it is not UTF-8.
    """
    return read_bounded(path, max_bytes).decode()


def _without_waiting(name: str, flags: int) -> int:
    return os.open(name, flags | os.O_NONBLOCK)
