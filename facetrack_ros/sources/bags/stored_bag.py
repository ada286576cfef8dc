"""A rosbag2 recording: its topics, and the messages of one of them over all its files."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from facetrack_ros.bounded_file import open_regular
from facetrack_ros.errors import SourceError
from facetrack_ros.sources.bags.bag_file import BagFile, Damage
from facetrack_ros.sources.bags.bag_folder import bag_folder, storage_kind
from facetrack_ros.sources.bags.bounded_decompression import TooLargeError, unpack_file, unpacked_zstd
from facetrack_ros.sources.bags.mcap_file import McapFile
from facetrack_ros.sources.bags.sqlite_file import SqliteFile
from facetrack_ros.sources.bags.stored_topic import MOST_MESSAGE_BYTES, TOO_LARGE, StoredMessage, StoredTopic
from facetrack_ros.sources.unused_frames import UnusedFrames

_ZSTD = b"\x28\xb5\x2f\xfd"


class StoredBag:
    """An open recording. Files that are missing or damaged are left out and reported; a context manager that closes.

    :param path: the bag's folder, or one of its storage files, which is then read alone.
    :ivar topics: by name, over all files.
    :raises SourceError: nothing of it can be read; the message says why, and what to do.
    """

    def __init__(self, path: Path) -> None:
        self._stack = ExitStack()
        self._folder = bag_folder(path)
        self._files: list[BagFile] = []
        self._damages = [Damage(f"{name} is missing: copy it back into {path}") for name in self._folder.missing]
        self.notes = list(self._folder.notes)
        refusals = []
        try:
            for file in self._folder.files:
                try:
                    self._files.append(self._open(file))
                except SourceError as error:
                    refusals.append(error)
            if not self._files:
                raise refusals[0]
        except BaseException:
            self.close()
            raise
        self._damages += [Damage(str(error)) for error in refusals]
        self.topics = self._all_topics()

    def __enter__(self) -> "StoredBag":
        return self

    def __exit__(self, *error) -> None:
        self.close()

    def close(self) -> None:
        """Close all files."""
        self._stack.close()

    def messages(self, topic: str, unused: UnusedFrames, note: Callable[[str], None]) -> Iterator[StoredMessage]:
        """The readable messages of a topic, in the order they were received.

        :param unused: counts those that are lost.
        :param note: takes sentences on what is odd about the recording.
        """
        read = 0
        for sentence in self.notes:
            note(sentence)
        for file in self._files:
            if topic not in file.topics:
                continue
            for message in file.messages(topic):
                read += 1
                yield _decompressed(message, unused)
        self._account(topic, read, unused, note)

    def _account(self, topic: str, read: int, unused: UnusedFrames, note: Callable[[str], None]) -> None:
        damages = [*self._damages, *(damage for file in self._files for damage in file.damages)]
        expected = self._expected(topic)
        lost = expected - read if expected is not None else 0
        reason = "; ".join(damage.sentence for damage in damages)
        if lost > 0:
            unused.add(reason or "the files hold fewer messages than they count", lost)
            return
        for damage in damages:
            # A missing file is missing even where the others hold as many messages as the metadata counts.
            if damage.complete:
                note(damage.sentence)
            elif expected is not None and damage not in self._damages:
                note(f"{damage.sentence}; all messages that were counted were read")
            else:
                unused.add_unknown(damage.sentence)

    def _expected(self, topic: str) -> int | None:
        """Number of messages as the metadata or the files count them; None if nothing says it."""
        counts = [file.topics[topic].count for file in self._files if topic in file.topics]
        known = [count for count in counts if count is not None]
        total = sum(known) if len(known) == len(counts) else None
        if topic in self._folder.counts:
            return max(self._folder.counts[topic], total or 0)
        return total if not self._damages else None

    def _all_topics(self) -> dict[str, StoredTopic]:
        topics: dict[str, StoredTopic] = {}
        for file in self._files:
            for name, topic in file.topics.items():
                known = topics.setdefault(name, topic)
                if not known.definition and topic.definition:
                    topics[name] = replace(known, definition=topic.definition)
        return topics

    def _open(self, path: Path) -> BagFile:
        """
        :raises SourceError: it cannot be read at all.
        """
        try:
            kind, plain = storage_kind(path), path
            if kind == "zstd":
                plain = self._unpacked(path)
                kind = storage_kind(plain)
            file = McapFile(path, plain) if kind == "mcap" else SqliteFile(path, plain)
        except OSError as error:
            advice = "check its permissions and the disk"
            raise SourceError(f"{path} cannot be read ({error.strerror or error}): {advice}") from error
        self._stack.callback(file.close)
        if isinstance(file, SqliteFile) and file.from_copy:
            self.notes.append(f"{path.name} was not closed: what is in the log beside it was read, too, from a copy")
        return file

    def _unpacked(self, path: Path) -> Path:
        """A file that was compressed as a whole, decompressed to a temporary folder as far as it goes."""
        import zstandard

        folder = self._stack.enter_context(TemporaryDirectory(prefix="facetrack-bag-"))
        plain = Path(folder) / path.stem
        with open_regular(path) as packed, plain.open("wb") as file:
            try:
                unpack_file(packed, file, path)
            except zstandard.ZstdError as error:
                self._damages.append(Damage(f"{path.name} is damaged ({error}): `zstd -d` reports the same"))
        return plain


def _decompressed(message: StoredMessage, unused: UnusedFrames) -> StoredMessage:
    """A message that was compressed by itself, decompressed; serialized messages begin otherwise than zstd's."""
    if not message.data.startswith(_ZSTD):
        return message
    import zstandard

    try:
        return replace(message, data=unpacked_zstd(message.data, MOST_MESSAGE_BYTES))
    except TooLargeError:
        return replace(message, data=b"", fault=TOO_LARGE)
    except (zstandard.ZstdError, MemoryError):
        return replace(message, data=b"")
