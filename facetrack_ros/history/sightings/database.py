"""The SQLite file behind a sighting store: opened for writing by one process, for reading by any."""

import fcntl
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote, unquote

from facetrack_ros.errors import DamagedStoreError, StoreError
from facetrack_ros.models.contract import ModelContract

SCHEMA_VERSION = 2
_APPLICATION_ID = 0x46545253  # "FTRS", so that any other SQLite file is told from a history
_PAGE_BYTES = 16_384
# Of version 1. A new file gets the steps to later versions too, as an older one does.
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
# Blocks of the index beside the database stand for sightings up to frozen.last_id. Whoever changes one of those, also with
# another program, leaves its id in outdated.
_STEPS = {
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
"""
}


def database_path(directory: Path | str, model_id: str) -> Path:
    """Where the sightings of a model are kept in a robot's folder."""
    return Path(directory) / f"sightings-{quote(model_id, safe='')}.sqlite"


def index_path(database: Path) -> Path:
    """The folder of the index beside a database."""
    return database.with_suffix(".index")


def stored_models(directory: Path | str) -> tuple[str, ...]:
    """Ids of the models whose sightings a robot's folder holds, sorted."""
    return tuple(sorted(unquote(path.stem[len("sightings-") :]) for path in Path(directory).glob("sightings-*.sqlite")))


class Database:
    """One open file. Every ``sqlite3`` error leaves as :class:`StoreError`.

    :param connection: usable from any thread; its owner holds the lock.
    :param robot_id: as written in the file.
    """

    def __init__(
        self,
        path: Path,
        connection: sqlite3.Connection,
        lock_file: int = -1,
        copy: tempfile.TemporaryDirectory | None = None,
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
        """Open or make the file; one process at a time.

        :raises StoreError: damaged, read-only, in use, newer, or of another model or robot.
        """
        lock_file = -1
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            lock_file = os.open(path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o644)
            fcntl.flock(lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(lock_file)
            raise StoreError(
                f"{path} is being written by another process; stop that one first, or use another data folder"
            ) from error
        except OSError as error:
            raise StoreError(
                f"cannot write sightings in {path.parent}: {error.strerror}; choose a data folder that can be written"
            ) from error
        database = cls(path, sqlite3.connect(path, isolation_level=None, check_same_thread=False), lock_file)
        try:
            if database.rows("PRAGMA user_version") == [(0,)] and not database.rows("SELECT 1 FROM sqlite_schema"):
                database._make(contract, robot_id)
            database._check(contract, robot_id)
            database.run("PRAGMA journal_mode=WAL")
            database.run("PRAGMA secure_delete=ON")  # the bytes of a deleted face do not stay in free pages
            database.run("PRAGMA synchronous=NORMAL")  # a killed process loses nothing committed
            database._step_up()
        except StoreError:
            database.close()
            raise
        return database

    @classmethod
    def for_reading(cls, path: Path, contract: ModelContract) -> "Database":
        """Open an existing file as it is at this moment, whether a robot is writing it or its folder is read-only.

        :raises StoreError: absent, damaged, newer, or of another model.
        """
        if not path.is_file():
            raise StoreError(f"there are no sightings of model {contract.id} in {path.parent}")
        try:
            return cls._read(path, path, "mode=ro", contract)
        except StoreError as error:
            if not isinstance(error.__cause__, sqlite3.OperationalError):
                raise
        # SQLite wants to make its shared index beside the file, and a read-only folder refuses.
        wal = path.with_name(path.name + "-wal")
        try:
            if not wal.exists() or not wal.stat().st_size:
                return cls._read(path, path, "immutable=1", contract)
            # What a killed robot wrote last is in the log beside the file only: a copy of both can be read.
            copy = tempfile.TemporaryDirectory(prefix="facetrack-")
            shutil.copy(wal, copy.name)
            return cls._read(path, Path(shutil.copy(path, copy.name)), "mode=ro", contract, copy)
        except OSError as error:
            raise StoreError(f"cannot read {path}: {error.strerror}; check its permissions") from error

    def reader(self, contract: ModelContract) -> "Database":
        """The same file opened once more, to read what is committed now beside the one who writes."""
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
        database = None
        try:
            connection = sqlite3.connect(
                f"file:{quote(str(address.absolute()))}?{mode}", uri=True, isolation_level=None, check_same_thread=False
            )
            database = cls(path, connection, copy=copy)
            database.run("BEGIN")  # everything read from here on is of one moment
            database._check(contract, None)
            return database
        except sqlite3.Error as error:
            raise StoreError(f"cannot read {path}: {error}; check its permissions") from error
        except StoreError:
            if database is not None:
                database.close()
            raise

    def rows(self, sql: str, values: tuple | list = ()) -> list[tuple]:
        """All rows of a query."""
        with self._sentences():
            return self._connection.execute(sql, values).fetchall()

    def run(self, sql: str, values: tuple | list = ()) -> int:
        """Run one statement. Returns the id of the row it inserted, if any."""
        with self._sentences():
            return self._connection.execute(sql, values).lastrowid

    def write(self, sql: str, values: tuple | list = ()) -> int:
        """Like :meth:`run`, within a transaction that :meth:`commit` ends."""
        if not self._writing():
            self.run("BEGIN IMMEDIATE")
        return self.run(sql, values)

    def commit(self) -> None:
        """End the open transaction, if there is one."""
        if self._writing():
            self.run("COMMIT")

    def rollback(self) -> None:
        """Take back what the open transaction wrote."""
        if self._writing():
            self.run("ROLLBACK")

    def empty_log(self) -> None:
        """Bring all that is committed from the log beside the file into the file, and leave no copy in the log."""
        self.rows("PRAGMA wal_checkpoint(TRUNCATE)")

    @property
    def writes(self) -> bool:
        """Whether it is open for writing."""
        return self._lock_file >= 0

    def deleted(self) -> bool:
        """Whether the file this was opened on is there no more."""
        return self._lock_file >= 0 and not self.path.exists()

    def close(self) -> None:
        """Close the file; what was not committed is lost."""
        self._connection.close()
        self.closed = True
        if self._lock_file >= 0:
            os.close(self._lock_file)
            self._lock_file = -1
        if self._copy is not None:
            self._copy.cleanup()

    def _writing(self) -> bool:
        # SQLite ends a transaction by itself when the disk is full: only it knows.
        return not self.closed and self._connection.in_transaction

    @contextmanager
    def _sentences(self) -> Iterator[None]:
        if self.closed:
            raise StoreError(f"{self.path} was closed and cannot be used any more")
        try:
            yield  # a damaged page may show when a statement is run, and when its rows are read
        except sqlite3.OperationalError as error:
            raise StoreError(f"cannot use {self.path}: {error}; check room and permissions on that disk") from error
        except sqlite3.DatabaseError as error:
            raise DamagedStoreError(f"{self.path} is damaged ({error}); move it away and a new one is begun") from error

    def _make(self, contract: ModelContract, robot_id: str) -> None:
        # A sighting of 512 numbers takes 2.2 kB: of SQLite's usual 4 kB pages half would stay empty.
        self.run(f"PRAGMA page_size={_PAGE_BYTES}")
        for statement in ("BEGIN IMMEDIATE", *_SCHEMA.split(";")[:-1]):
            self.run(statement)
        self.run("INSERT INTO about VALUES (?, ?, ?, ?)", (robot_id, contract.id, contract.sha256, contract.dimension))
        self.run(f"PRAGMA application_id={_APPLICATION_ID}")
        self.run("PRAGMA user_version=1")
        self.commit()

    def _step_up(self) -> None:
        """Bring a file of an older version to this one; all of it or nothing."""
        while self.version < SCHEMA_VERSION:
            self.run("BEGIN IMMEDIATE")
            for statement in _STEPS[self.version + 1].strip().split(";\n"):
                self.run(statement)
            self.run(f"PRAGMA user_version={self.version + 1}")
            self.commit()
            self.version += 1

    def _check(self, contract: ModelContract, robot_id: str | None) -> None:
        if self.rows("PRAGMA application_id") != [(_APPLICATION_ID,)]:
            raise StoreError(f"{self.path} is no store of sightings; move it away")
        ((version,),) = self.rows("PRAGMA user_version")
        if version > SCHEMA_VERSION:
            raise StoreError(
                f"{self.path} was written by a newer version (schema {version}, this one reads up to "
                f"{SCHEMA_VERSION}); update facetrack_ros"
            )
        self.version = version
        about = self.rows("SELECT robot_id, model_id, sha256, dimension FROM about")
        if len(about) != 1:
            raise StoreError(f"{self.path} is damaged (it does not say whose it is); move it away")
        self.robot_id, model_id, sha256, dimension = about[0]
        if (model_id, dimension) != (contract.id, contract.dimension):
            raise StoreError(
                f"{self.path} holds embeddings of {model_id} ({dimension} numbers), not of {contract.id} "
                f"({contract.dimension}); embeddings of two models are never mixed"
            )
        if sha256 and contract.sha256 and sha256 != contract.sha256:
            raise StoreError(
                f"{self.path} holds embeddings of another file of model {model_id} (sha256 "
                f"{sha256[:12]}…, not {contract.sha256[:12]}…); give the new file an id of its own"
            )
        if robot_id is not None and robot_id != self.robot_id:
            raise StoreError(
                f"{self.path} is the memory of robot {self.robot_id}, not of {robot_id}; use another data folder"
            )
