"""Salted hashes of embeddings, by which the very same embedding is known again, and no face is kept.

A hash matches only an embedding that is equal byte by byte: the same row of a restored backup, the same gallery entry
of another robot, under whatever id. It cannot match another picture of the person, not even the same picture embedded
by another version of a model: nothing that could is kept, for that would be the face. The salt keeps the hashes of two
robots from being compared; who has it can test whether an embedding at hand is among them, and learns nothing else.
"""

import hashlib
import secrets
from pathlib import Path

import numpy as np

from facetrack_ros.bounded_file import read_bounded
from facetrack_ros.core.disk.overwriting import replace_file
from facetrack_ros.errors import store_errors

#: Most hashes kept of one person, chosen by hand: 64 kB of a line.
MOST_HASHES = 1000
#: File with the robot's salt.
SALT = "forgotten.salt"
_BYTES = 16


def new_salt(folder: Path) -> str:
    """The salt of a robot's folder, hexadecimal, made where there is none.

    :raises StoreError: it cannot be read or written.
    """
    path = folder / SALT
    with store_errors(f"cannot use {path}", "check its permissions"):
        if path.is_file():
            text = read_bounded(path, 1000).decode("ascii", "replace").strip()
            if len(text) == 2 * _BYTES and not set(text) - set("0123456789abcdef"):
                return text
        fresh = secrets.token_hex(_BYTES)
        replace_file(path, lambda file: file.write(fresh.encode() + b"\n"))
    return fresh


def salted_hash(salt: str, model_id: str, embedding: np.ndarray) -> str:
    """The hash of an embedding, 64 hexadecimal digits.

    :param salt: hexadecimal.
    :param embedding: ``(dimension,)``, taken as little-endian float32.
    """
    data = np.ascontiguousarray(embedding, "<f4").tobytes()
    return hashlib.sha256(bytes.fromhex(salt) + model_id.encode() + b"\0" + data).hexdigest()
