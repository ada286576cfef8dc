"""Connections to SQLite files: by SQLCipher where the folder is encrypted, else by Python's own SQLite."""

import sqlite3
from functools import lru_cache
from pathlib import Path
from typing import Any

from facetrack_ros.core.sealed_files.folder_keys import key_of
from facetrack_ros.errors import StoreError

Connection = Any  # of sqlite3, or of sqlcipher3, which has the same methods

#: Bytes of a page. A sighting of 512 numbers takes 2.2 kB: half of SQLite's default pages of 4 kB would stay empty.
#: SQLCipher cannot read it from the file.
PAGE_BYTES = 16_384


def connect(path: Path, address: str = "") -> Connection:
    """Open a file; it belongs to no thread, and transactions are begun and ended by statements.

    :param address: as a URI, where another one than ``path`` or a mode is needed; ``path`` says whether the file
        is encrypted.
    :raises StoreError: it is encrypted, and the key or SQLCipher is missing.
    :raises sqlite3.Error: it cannot be opened.
    """
    key = key_of(path)
    if key is None:
        return sqlite3.connect(address or path, uri=bool(address), isolation_level=None, check_same_thread=False)
    module = _sqlcipher()
    if module is None:
        raise StoreError(
            f"{path} is encrypted, and SQLCipher is not installed: pip install sqlcipher3 (or the extra `encryption`)"
        )
    connection = module.connect(address or str(path), uri=bool(address), isolation_level=None, check_same_thread=False)
    try:
        # A raw key: it is random already, and SQLCipher would take a quarter of a second to stretch it.
        connection.execute(f"PRAGMA key = \"x'{key.of_databases}'\"")
        connection.execute(f"PRAGMA cipher_page_size = {PAGE_BYTES}")
        connection.execute("PRAGMA temp_store = MEMORY")
    except BaseException:
        connection.close()
        raise
    return connection


@lru_cache
def _sqlcipher() -> Any:
    try:
        from sqlcipher3 import dbapi2
    except ImportError:
        return None
    return dbapi2


def database_errors() -> tuple[type[Exception], ...]:
    """The errors of databases, of both libraries."""
    module = _sqlcipher()
    return (sqlite3.DatabaseError, *((module.DatabaseError,) if module is not None else ()))


def operational_errors() -> tuple[type[Exception], ...]:
    """The errors that are not the caller's fault, of both libraries."""
    module = _sqlcipher()
    return (sqlite3.OperationalError, *((module.OperationalError,) if module is not None else ()))


def export_encrypted(source: Path, place: Path) -> None:
    """Copy a file that is not encrypted, with what its log holds, into a new one that is.

    :raises StoreError: it is damaged, or SQLCipher is missing.
    """
    connect(place).close()  # raises what is missing
    module, key = _sqlcipher(), key_of(place)
    if key is None:
        raise StoreError(f"{place.parent} is not encrypted")
    connection = module.connect(str(source), isolation_level=None)
    try:
        connection.execute("PRAGMA temp_store = MEMORY")
        connection.execute("ATTACH DATABASE ? AS copy KEY ?", (str(place), f"x'{key.of_databases}'"))
        connection.execute(f"PRAGMA copy.cipher_page_size = {PAGE_BYTES}")
        connection.execute(f"PRAGMA copy.page_size = {PAGE_BYTES}")
        connection.execute("SELECT sqlcipher_export('copy')").fetchall()
        for name in ("application_id", "user_version"):
            ((value,),) = connection.execute(f"PRAGMA main.{name}").fetchall()
            connection.execute(f"PRAGMA copy.{name} = {value}")
    except module.DatabaseError as error:
        raise StoreError(f"{source} cannot be encrypted: {error}") from error
    finally:
        connection.close()


def has_sqlcipher() -> bool:
    """Whether encrypted files can be opened here."""
    return _sqlcipher() is not None
