"""Files of others, read whole: regular ones of a bounded size only."""

import errno
import os
import stat
from pathlib import Path


def read_bounded(path: Path | str, max_bytes: int) -> bytes:
    """The content of a file.

    :param max_bytes: largest size.
    :raises OSError: it cannot be read, is no regular file (a device, pipe or socket would never end), or is larger.
    """
    with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EINVAL, "not a regular file", str(path))
        content = file.read(max_bytes + 1)
    if len(content) > max_bytes:
        raise OSError(errno.EFBIG, f"larger than {max_bytes} bytes", str(path))
    return content


def read_bounded_text(path: Path | str, max_bytes: int = 1_000_000) -> str:
    """The content of a UTF-8 file.

    :raises OSError: as :func:`read_bounded`.
    :raises UnicodeDecodeError: it is not UTF-8.
    """
    return read_bounded(path, max_bytes).decode()
