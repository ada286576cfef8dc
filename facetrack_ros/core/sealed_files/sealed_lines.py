"""Logs of lines, encrypted line by line, so that a log can be appended to and an incomplete last line is recognised.

The first line is ``facetrack-sealed-lines-1:ID``, with 32 hexadecimal digits. Each further line is one of the log::

    base64(nonce (12) | content | tag (16)) . number

with the number of the line as 12 digits, counted from 1 and authenticated: a line that is cut out or moved is found.
Lines missing at the end are not; logs for which that matters are chained besides.
"""

import base64
import binascii
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from facetrack_ros.core.sealed_files.data_key import ID_BYTES, NONCE_BYTES, TAG_BYTES, DataKey
from facetrack_ros.core.sealed_files.folder_keys import key_of

#: What the first line of an encrypted log begins with.
HEAD = b"facetrack-sealed-lines-1:"
#: Bytes of the first line.
HEAD_BYTES = len(HEAD) + 2 * ID_BYTES + 1
_DIGITS = 12
_TAIL_BYTES = 1 + _DIGITS + 1
#: What stands for a line that cannot be opened, or for lines that are missing: no reader takes it for a line.
DAMAGED = b"\x00 this line was changed, or is of another file or key"
MISSING = b"\x00 lines before this one are missing"


def to_append(path: Path | str, file: int, lines: bytes) -> bytes:
    """What to write at the end of a log for some lines: the lines, or encrypted ones.

    :param file: descriptor of the log, which ends with a whole line.
    :param lines: each with its newline.
    :raises StoreError: the folder is encrypted, and its key is not at hand.
    :raises OSError: the log cannot be read, or is not encrypted as its folder is.
    """
    key = key_of(path)
    if key is None or not lines:
        return lines
    size = os.fstat(file).st_size
    if size == 0:
        return encrypted(key, path, lines)
    head = os.pread(file, HEAD_BYTES, 0)
    cipher = _cipher(key, path, head)
    last = 0
    if size > HEAD_BYTES:
        tail = os.pread(file, _TAIL_BYTES, size - _TAIL_BYTES)
        if tail[:1] != b"." or not tail[1:-1].isdigit():
            raise OSError(0, "the last line was changed", str(path))
        last = int(tail[1:-1])
    return b"".join(_sealed(cipher, last, lines))


def encrypted(key: DataKey | None, path: Path | str, lines: bytes) -> bytes:
    """The whole content of a log with some lines: encrypted anew, or as they are without a key."""
    if key is None or not lines:
        return lines
    head = HEAD + os.urandom(ID_BYTES).hex().encode() + b"\n"
    return head + b"".join(_sealed(_cipher(key, path, head), 0, lines))


def decrypted(path: Path | str, stored: bytes, head: bytes | None = None) -> bytes:
    """The lines of a log, as it would stand there in the clear; of an incomplete last line the bytes as they are.

    :param stored: bytes of the log from the beginning of a line on.
    :param head: the first bytes of the log, where ``stored`` begins later.
    :raises StoreError: the folder is encrypted, and its key is not at hand.
    """
    key = key_of(path)
    if key is None:
        return stored
    *whole, left = stored.split(b"\n")
    begin = whole[0] + b"\n" if head is None and whole else (head or b"")[:HEAD_BYTES]
    try:
        cipher = _cipher(key, path, begin)
    except OSError:
        return b"".join(DAMAGED + b"\n" for _ in whole) + left
    lines = _opened(cipher, whole[1:] if head is None else whole, head is None)
    return b"".join(line + b"\n" for line in lines) + left


def stored_bytes(path: Path | str, line: bytes, first: bool) -> int:
    """Bytes that a line takes in its log.

    :param line: without its newline.
    :param first: whether it is the first one, before which the log's own first line stands.
    """
    if key_of(path) is None:
        return len(line) + 1
    return -(-(NONCE_BYTES + len(line) + TAG_BYTES) // 3) * 4 + _TAIL_BYTES + first * HEAD_BYTES


def _sealed(cipher: AESGCM, last: int, lines: bytes) -> Iterator[bytes]:
    for number, line in enumerate(lines.split(b"\n")[:-1], last + 1):
        nonce, text = os.urandom(NONCE_BYTES), b"%012d" % number
        yield base64.b64encode(nonce + cipher.encrypt(nonce, line, text)) + b"." + text + b"\n"


def _opened(cipher: AESGCM, lines: Iterable[bytes], from_start: bool) -> Iterator[bytes]:
    expected = 1 if from_start else 0
    for line in lines:
        text, _, digits = line.rpartition(b".")
        try:
            data = base64.b64decode(text, validate=True)
            if len(digits) != _DIGITS or not digits.isdigit() or len(data) < NONCE_BYTES + TAG_BYTES:
                raise ValueError("no encrypted line")
            content = cipher.decrypt(data[:NONCE_BYTES], data[NONCE_BYTES:], digits)
        except (binascii.Error, ValueError, InvalidTag):
            yield DAMAGED
            expected += expected > 0
            continue
        number = int(digits)
        if expected and number != expected:
            yield MISSING if number > expected else DAMAGED
        if not expected or number >= expected:
            yield content
            expected = number + 1


def _cipher(key: DataKey, path: Path | str, head: bytes) -> AESGCM:
    """
    :raises OSError: the log does not begin as an encrypted one.
    """
    if len(head) != HEAD_BYTES or not head.startswith(HEAD):
        raise OSError(0, "it is not encrypted, and its folder is", str(path))
    try:
        file_id = bytes.fromhex(head[len(HEAD) : -1].decode())
    except ValueError as error:
        raise OSError(0, "its first line was changed", str(path)) from error
    return key.cipher("lines", os.path.basename(path), file_id)
