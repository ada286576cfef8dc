"""An SQLite file of a recording, with the log that its writer left beside it."""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from typing import Any
from urllib.parse import quote

from facetrack_ros.errors import SourceError, first_line
from facetrack_ros.sources.bags.bag_file import BagFile
from facetrack_ros.sources.bags.bounded_decompression import check_room
from facetrack_ros.sources.bags.stored_topic import MOST_MESSAGE_BYTES, TOO_LARGE, StoredMessage, StoredTopic

MAGIC = b"SQLite format 3\0"
#: What SQLite leaves beside a file that was not closed: the write-ahead log, or the rollback journal.
_LOGS = ("-wal", "-journal")
#: Size of a message, and the message if it is not larger than allowed.
_SELECT = "SELECT length(data), CASE WHEN length(data) <= ? THEN data END FROM messages WHERE id = ?"


class SqliteFile(BagFile):
    """An open ``.db3`` file, which is never changed: with a log beside it, a copy is read that the log is taken into.

    A file that is cut short is read from a copy, too, as SQLite refuses it otherwise.

    :param plain: where the file is, if it was unpacked.
    :ivar from_copy: whether there is such a log.
    :raises SourceError: it is no recording, or too damaged to be opened.
    :raises OSError: it cannot be read, or the copy cannot be written.
    """

    def __init__(self, path: Path, plain: Path | None = None) -> None:
        super().__init__(path)
        self._remedy = f'`sqlite3 {path} ".recover" | sqlite3 NEW.db3` saves what is whole'
        self._copy: TemporaryDirectory | None = None
        self.from_copy = False
        try:
            self._database = self._open(plain or path)
            self._database.text_factory = lambda data: data.decode(errors="replace")
            self._ids: dict[str, list[int]] = {}
            self._read_topics()
        except (sqlite3.Error, ValueError) as error:  # ValueError: bytes that are not UTF-8 in SQLite's own sentence
            self.close()
            raise SourceError(
                f"{path} is no recording that can be read ({first_line(error)}): {self._remedy}"
            ) from error
        except BaseException:
            self.close()
            raise

    def _open(self, path: Path) -> sqlite3.Connection:
        logs = [path.with_name(path.name + ending) for ending in _LOGS]
        logs = [log for log in logs if log.is_file() and log.stat().st_size]
        self.from_copy = bool(logs)
        missing_bytes = _stated_bytes(path) - path.stat().st_size
        if missing_bytes > 0 and not logs:
            self._damaged(f"is cut short, by {missing_bytes} bytes: {self._remedy}")
        if not logs and missing_bytes <= 0:
            # Immutable: SQLite neither locks nor writes beside it.
            return sqlite3.connect(f"file:{quote(str(path.resolve()))}?mode=ro&immutable=1", uri=True)
        check_room(Path(gettempdir()), sum(file.stat().st_size for file in (path, *logs)), path)
        self._copy = TemporaryDirectory(prefix="facetrack-bag-")
        copy = Path(self._copy.name) / "bag.db3"
        for file in (path, *logs):
            shutil.copyfile(file, copy.with_name(copy.name + file.name.removeprefix(path.name)))
        if missing_bytes > 0 and not logs:
            os.truncate(copy, _stated_bytes(path))
        return sqlite3.connect(copy)

    def close(self) -> None:
        """Close the file, and delete the copy."""
        if hasattr(self, "_database"):
            self._database.close()
        if self._copy is not None:
            self._copy.cleanup()

    def messages(self, topic: str) -> Iterator[StoredMessage]:
        """The readable messages of a topic, in the order they were received."""
        rows, whole = self._stamped_rows(self._ids[topic])
        if not whole and not self.damages:
            self._damaged(f"is damaged: {self._remedy}")
        for log_ns, row in sorted(rows):
            try:
                ((size, data),) = self._database.execute(_SELECT, (MOST_MESSAGE_BYTES, row)).fetchall()
            except (sqlite3.Error, ValueError):
                if not self.damages:
                    self._damaged(f"is damaged: {self._remedy}")
                continue
            fault = TOO_LARGE if isinstance(size, int) and size > MOST_MESSAGE_BYTES else ""
            yield StoredMessage(self.topics[topic], log_ns, data if isinstance(data, bytes) else b"", fault)

    def _stamped_rows(self, topic_ids: list[int]) -> tuple[list[tuple[int, int]], bool]:
        """Time and number of the messages of some topics, and whether all could be listed."""
        marks = ", ".join("?" * len(topic_ids))
        sql = f"SELECT id, timestamp FROM messages WHERE topic_id IN ({marks})"
        rows: list[tuple[int, int]] = []
        try:
            for row, log_ns in self._database.execute(sql, topic_ids):
                rows.append((log_ns if isinstance(log_ns, int) else 0, row))
        except (sqlite3.Error, ValueError):
            return rows, False
        return rows, True

    def _read_topics(self) -> None:
        """
        :raises sqlite3.Error: the tables of a recording are missing or damaged; or a ValueError.
        """
        kinds = self._database.execute("SELECT name, type FROM sqlite_master WHERE name IN ('topics', 'messages')")
        if any(kind != "table" for _, kind in kinds):  # a view may never end
            raise sqlite3.DatabaseError("its topics or messages are no tables")
        definitions = self._definitions()
        rows = self._database.execute("SELECT id, name, type, serialization_format FROM topics ORDER BY id").fetchall()
        self._database.execute("SELECT id, timestamp, data FROM messages LIMIT 0")
        for number, name, kind, encoding in rows:
            self._ids.setdefault(name, []).append(number)
            self.topics[name] = StoredTopic(name, kind, encoding, definitions.get(kind, ""))

    def _definitions(self) -> dict[str, Any]:
        """Definitions of the messages by type, where the file has them (rosbag2 from Iron on)."""
        sql = "SELECT topic_type, encoded_message_definition FROM message_definitions WHERE encoding = 'ros2msg'"
        try:
            return dict(self._database.execute(sql).fetchall())
        except (sqlite3.Error, ValueError):
            return {}


def _stated_bytes(path: Path) -> int:
    """Size of a database by its header (pages at 28, bytes a page at 16); 0 where that does not say it."""
    with path.open("rb") as file:
        head = file.read(32)
    if len(head) < 32:
        return 0
    page_bytes = int.from_bytes(head[16:18], "big")
    stated = int.from_bytes(head[28:32], "big") * (65_536 if page_bytes == 1 else page_bytes)
    # A damaged header must not fill the disk.
    return stated if stated <= 4 * path.stat().st_size else 0
