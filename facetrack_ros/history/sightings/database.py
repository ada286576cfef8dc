"""SQLite file of a sighting store: opened for writing by one process, for reading by any."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from facetrack_ros.errors import DamagedStoreError, DiskError, StoreError, store_errors
from facetrack_ros.history.disk_room import was_deleted
from facetrack_ros.history.sightings.connection import (
    PAGE_BYTES,
    Connection,
    connect,
    database_errors,
    operational_errors,
)
from facetrack_ros.history.sightings.unused_bytes import can_clear, clear_unused
from facetrack_ros.models.contract import ModelContract

SCHEMA_VERSION = 4
#: First version that notes which frames were analysed.
ANALYSED_SINCE = 4
_APPLICATION_ID = 0x46545253  # "FTRS", tells a history from any other SQLite file
# SQLite's words for SQLITE_FULL, SQLITE_IOERR and SQLITE_READONLY; the error codes are in Python 3.11 and later only.
_OF_THE_DISK = ("disk is full", "disk I/O error", "attempt to write a readonly database")
# Version 1. A new file then goes through the migrations to later versions, as an older one does.
_SCHEMA = """
CREATE TABLE about (robot_id TEXT NOT NULL, model_id TEXT NOT NULL, sha256 TEXT NOT NULL, dimension INTEGER NOT NULL);
CREATE TABLE sightings (
    id INTEGER PRIMARY KEY, camera_id TEXT NOT NULL, stamp_ns INTEGER NOT NULL, first_ns INTEGER NOT NULL,
    last_ns INTEGER NOT NULL, frame_number INTEGER NOT NULL, track_id TEXT NOT NULL, person_id TEXT NOT NULL,
    bbox BLOB NOT NULL, face_bbox BLOB NOT NULL, quality REAL NOT NULL, embedding BLOB NOT NULL);
CREATE INDEX sightings_track ON sightings (track_id);
CREATE INDEX sightings_person ON sightings (person_id, quality);
CREATE TABLE thumbnails (sighting_id INTEGER PRIMARY KEY, jpeg BLOB NOT NULL);
CREATE TABLE coverage (id INTEGER PRIMARY KEY, camera_id TEXT NOT NULL, start_ns INTEGER NOT NULL,
    end_ns INTEGER NOT NULL);
CREATE TABLE ingests (key TEXT PRIMARY KEY, camera_id TEXT NOT NULL, start_ns INTEGER NOT NULL,
    end_ns INTEGER NOT NULL);
"""
# Index blocks beside the database hold the sightings up to frozen.last_id. The triggers note in outdated each of those
# that is changed later, by this or any other program.
_MIGRATIONS = {
    2: """
CREATE TABLE poses (sighting_id INTEGER PRIMARY KEY, frame_id TEXT NOT NULL, stamp_ns INTEGER NOT NULL,
    pose BLOB NOT NULL);
CREATE TABLE frozen (database_id TEXT NOT NULL, last_id INTEGER NOT NULL);
INSERT INTO frozen VALUES (lower(hex(randomblob(16))), 0);
CREATE TABLE outdated (id INTEGER PRIMARY KEY);
CREATE TRIGGER sightings_deleted AFTER DELETE ON sightings WHEN old.id <= (SELECT last_id FROM frozen)
    BEGIN INSERT OR IGNORE INTO outdated VALUES (old.id); END;
CREATE TRIGGER sightings_changed AFTER UPDATE OF id, camera_id, first_ns, last_ns, track_id, embedding ON sightings
    WHEN old.id <= (SELECT last_id FROM frozen) BEGIN INSERT OR IGNORE INTO outdated VALUES (old.id); END;
""",
    3: """
CREATE TABLE partial_ingests (key TEXT PRIMARY KEY, camera_id TEXT NOT NULL, start_ns INTEGER NOT NULL,
    end_ns INTEGER NOT NULL, stamps BLOB NOT NULL);
""",
    # Nothing says that frames of an older version were not analysed.
    4: """
CREATE TABLE analysed (id INTEGER PRIMARY KEY, camera_id TEXT NOT NULL, start_ns INTEGER NOT NULL,
    end_ns INTEGER NOT NULL);
INSERT INTO analysed (camera_id, start_ns, end_ns) SELECT camera_id, start_ns, end_ns FROM coverage;
""",
}


# How SQLite's errors begin where a damaged page held the schema.
_SCHEMA_LOST = ("no such table", "no such column", "no such index", "malformed database schema")


def database_path(directory: Path | str, model_id: str) -> Path:
    """The file with the sightings of a model in a robot's folder."""
    return Path(directory) / f"sightings-{quote(model_id, safe='')}.sqlite"


def index_path(database: Path) -> Path:
    """The folder of index blocks beside a database."""
    return database.with_suffix(".index")


def stored_models(directory: Path | str) -> tuple[str, ...]:
    """Ids of the models with sightings in a robot's folder, sorted."""
    return tuple(sorted(unquote(path.stem[len("sightings-") :]) for path in Path(directory).glob("sightings-*.sqlite")))


def stored_texts(path: Path) -> bytes:
    """The ids of persons and tracks in a database, each followed by a newline; empty: it cannot be read."""
    found: list[bytes] = []
    with suppress(*database_errors()):
        connection = connect(path, f"file:{quote(str(path.absolute()))}?mode=ro")
        try:
            for column in ("person_id", "track_id"):
                found += [str(value).encode() for (value,) in connection.execute(f"SELECT {column} FROM sightings")]
        finally:
            connection.close()
    return b"".join(each + b"\n" for each in found)


# Of files opened beside SQLite's own descriptor, by device and inode. They stay open: closing one would end the locks
# of this process on the file (fcntl(2)), which SQLite relies on.
_RAW_FILES: dict[tuple[int, int], int] = {}


def _raw_file(path: Path) -> int:
    """A descriptor of a database's file for reading and writing.

    :raises OSError: it cannot be opened.
    """
    state = path.stat()
    key = state.st_dev, state.st_ino
    if key not in _RAW_FILES:
        _RAW_FILES[key] = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    return _RAW_FILES[key]


class Database:
    """One open file. Every ``sqlite3`` error is raised as :class:`StoreError`.

    :param connection: usable from any thread; its owner holds the lock.
    :ivar robot_id: as stored in the file.
    :ivar version: schema version of the file.
    """

    def __init__(
        self, path: Path, connection: Connection, lock_file: int = -1, copy: tempfile.TemporaryDirectory | None = None
    ) -> None:
        self.path = path
        self.robot_id = ""
        self.version = 0
        self.closed = False
        self._connection = connection
        self._lock_file = lock_file
        self._copy = copy

    @classmethod
    def for_writing(cls, path: Path, contract: ModelContract, robot_id: str) -> "Database":
        """Open or create the file; one process at a time.

        :raises StoreError: damaged, read-only, in use, of a newer version, or of another model or robot.
        """
        with store_errors(f"cannot write sightings in {path.parent}", "choose a data folder that can be written"):
            path.parent.mkdir(parents=True, exist_ok=True)
            lock_file = os.open(path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
            try:
                fcntl.flock(lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                os.close(lock_file)
                advice = "stop that one first, or use another data folder"
                raise StoreError(f"{path} is being written by another process; {advice}") from error
        database = cls(path, connect(path), lock_file)
        try:
            if database.rows("PRAGMA user_version") == [(0,)] and not database.rows("SELECT 1 FROM sqlite_schema"):
                database._create(contract, robot_id)
            database._check(contract, robot_id)
            database.run("PRAGMA journal_mode=WAL")
            database.run("PRAGMA secure_delete=ON")  # the bytes of a deleted face do not stay in free pages
            database.run("PRAGMA synchronous=NORMAL")  # a killed process loses nothing committed
            database._migrate()
        except StoreError:
            database.close()
            raise
        return database

    @classmethod
    def for_reading(cls, path: Path, contract: ModelContract) -> "Database":
        """Open a snapshot of an existing file, also while a robot writes it or from a read-only folder.

        :raises StoreError: absent, damaged, of a newer version, or of another model.
        """
        if not path.is_file():
            raise StoreError(f"there are no sightings of model {contract.id} in {path.parent}")
        try:
            return cls._read(path, path, "mode=ro", contract)
        except StoreError as error:
            if not isinstance(error.__cause__, operational_errors()):
                raise
        # SQLite needs to create its shared index beside the file, which a read-only folder does not allow.
        wal = path.with_name(path.name + "-wal")
        with store_errors(f"cannot read {path}", "check its permissions"):
            if not wal.exists() or not wal.stat().st_size:
                return cls._read(path, path, "immutable=1", contract)
            # What a killed robot committed last is only in the write-ahead log: copy both and open the copy.
            copy = tempfile.TemporaryDirectory(prefix="facetrack-")
            shutil.copy(wal, copy.name)
            return cls._read(path, Path(shutil.copy(path, copy.name)), "mode=ro", contract, copy)

    def reader(self, contract: ModelContract) -> "Database":
        """Open the same file a second time, to read what is committed now."""
        return self._read(self.path, self.path, "mode=ro", contract)

    @classmethod
    def _read(
        cls,
        path: Path,
        address: Path,
        mode: str,
        contract: ModelContract,
        copy: tempfile.TemporaryDirectory | None = None,
    ) -> "Database":
        uri = f"file:{quote(str(address.absolute()))}?{mode}"
        try:
            connection = connect(path, uri)
        except database_errors() as error:
            raise StoreError(f"cannot read {path}: {error}; check its permissions") from error
        database = cls(path, connection, copy=copy)
        try:
            database.run("BEGIN")  # all later reads see the same state
            database._check(contract, None)
        except StoreError:
            database.close()
            raise
        return database

    def rows(self, sql: str, values: Sequence = ()) -> list[tuple[Any, ...]]:
        """All rows of a query."""
        with self._store_errors():
            return self._connection.execute(sql, values).fetchall()

    def run(self, sql: str, values: Sequence = ()) -> int:
        """Run one statement. Returns the id of the row it inserted, if any."""
        with self._store_errors():
            return self._connection.execute(sql, values).lastrowid or 0

    def write(self, sql: str, values: Sequence = ()) -> int:
        """Like :meth:`run`, within a transaction that :meth:`commit` ends."""
        if not self._in_transaction():
            self.run("BEGIN IMMEDIATE")
        return self.run(sql, values)

    def commit(self) -> None:
        """Commit the open transaction, if there is one."""
        if self._in_transaction():
            self.run("COMMIT")

    def rollback(self) -> None:
        """Roll back the open transaction, if there is one."""
        if self._in_transaction():
            self.run("ROLLBACK")

    def empty_log(self) -> None:
        """Move all that is committed from the write-ahead log into the file, and truncate the log."""
        self.rows("PRAGMA wal_checkpoint(TRUNCATE)")

    def clear_traces(self) -> None:
        """Leave no byte of what was deleted in file and log.

        :raises StoreError: another program reads an older state; the bytes stay until it ends and this is called again.
        """
        self.commit()
        ((busy, _, _),) = self.rows("PRAGMA wal_checkpoint(TRUNCATE)")
        if busy:
            advice = "end it, then start the robot or the command again, which finishes the deletion"
            raise StoreError(f"another program is reading {self.path}, so that deleted bytes stay in it; {advice}")
        self.run("PRAGMA shrink_memory")  # pages in memory have the unused bytes too, and may be written again
        with store_errors(f"cannot clear {self.path}"):
            file = _raw_file(self.path)
            clear = can_clear(file)
            if clear:
                clear_unused(file)
        if not clear:
            self.run("VACUUM")
            self.empty_log()

    @property
    def writable(self) -> bool:
        """Whether it is open for writing."""
        return self._lock_file >= 0

    def deleted(self) -> bool:
        """Whether the file was deleted since it was opened for writing."""
        return self.writable and was_deleted(self.path)

    def close(self) -> None:
        """Close the file; what was not committed is lost."""
        self._connection.close()
        self.closed = True
        file, self._lock_file = self._lock_file, -1
        if file >= 0:
            with suppress(OSError):  # of a disk that is gone
                os.close(file)
        if self._copy is not None:
            self._copy.cleanup()

    def _in_transaction(self) -> bool:
        # Asked of SQLite, which ends a transaction by itself when the disk is full.
        return not self.closed and self._connection.in_transaction

    @contextmanager
    def _store_errors(self) -> Iterator[None]:
        if self.closed:
            raise StoreError(f"{self.path} was closed and cannot be used any more")
        kinds: tuple[type[Exception], ...] = (*database_errors(), UnicodeDecodeError)  # the latter in SQLite's sentence
        try:
            yield  # a damaged page may show when a statement is run, and when its rows are read
        except kinds as error:
            if isinstance(error, operational_errors()) and not str(error).startswith(_SCHEMA_LOST):
                kind = DiskError if any(words in str(error) for words in _OF_THE_DISK) else StoreError
                raise kind(f"cannot use {self.path}: {error}; check room and permissions on that disk") from error
            advice = "move it away and a new one is created"
            raise DamagedStoreError(f"{self.path} is damaged ({error}); {advice}") from error

    def _create(self, contract: ModelContract, robot_id: str) -> None:
        self.run(f"PRAGMA page_size={PAGE_BYTES}")
        for statement in ("BEGIN IMMEDIATE", *_SCHEMA.split(";")[:-1]):
            self.run(statement)
        self.run("INSERT INTO about VALUES (?, ?, ?, ?)", (robot_id, contract.id, contract.sha256, contract.dimension))
        self.run(f"PRAGMA application_id={_APPLICATION_ID}")
        self.run("PRAGMA user_version=1")
        self.commit()

    def _migrate(self) -> None:
        """Bring a file of an older version to this one, each step in one transaction."""
        while self.version < SCHEMA_VERSION:
            self.run("BEGIN IMMEDIATE")
            for statement in _MIGRATIONS[self.version + 1].strip().split(";\n"):
                self.run(statement)
            self.run(f"PRAGMA user_version={self.version + 1}")
            self.commit()
            self.version += 1

    def _check(self, contract: ModelContract, robot_id: str | None) -> None:
        if self.rows("PRAGMA application_id") != [(_APPLICATION_ID,)]:
            raise DamagedStoreError(f"{self.path} is no store of sightings; move it away")
        ((version,),) = self.rows("PRAGMA user_version")
        if version > SCHEMA_VERSION:
            versions = f"schema {version}, this one reads up to {SCHEMA_VERSION}"
            raise StoreError(f"{self.path} was written by a newer version ({versions}); update facetrack_ros")
        self.version = version
        about = self.rows("SELECT robot_id, model_id, sha256, dimension FROM about")
        if len(about) != 1:
            raise DamagedStoreError(f"{self.path} is damaged (its table about does not have one row); move it away")
        self.robot_id, model_id, sha256, dimension = about[0]
        if not (isinstance(self.robot_id, str) and isinstance(model_id, str) and isinstance(dimension, int)):
            raise DamagedStoreError(f"{self.path} is damaged (its table about lacks values); move it away")
        if (model_id, dimension) != (contract.id, contract.dimension):
            models = f"{model_id} ({dimension} numbers), not of {contract.id} ({contract.dimension})"
            raise StoreError(f"{self.path} holds embeddings of {models}; embeddings of two models are never mixed")
        if sha256 and contract.sha256 and sha256 != contract.sha256:
            hashes = f"sha256 {sha256[:12]}…, not {contract.sha256[:12]}…"
            problem = f"{self.path} holds embeddings of another file of model {model_id} ({hashes})"
            raise StoreError(f"{problem}; give the new file an id of its own")
        if robot_id is not None and robot_id != self.robot_id:
            problem = f"{self.path} is the history of robot {self.robot_id}, not of {robot_id}"
            raise StoreError(f"{problem}; use another data folder")
