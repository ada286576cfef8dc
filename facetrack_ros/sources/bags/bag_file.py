"""What every storage file of a recording provides."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from facetrack_ros.sources.bags.stored_topic import StoredMessage, StoredTopic


@dataclass(frozen=True)
class Damage:
    """A part of a recording that cannot be read.

    :param sentence: what is damaged and how to repair it.
    :param complete: whether all messages could be read all the same.
    """

    sentence: str
    complete: bool = False


class BagFile(ABC):
    """One file of a recording, open for reading.

    :param path: as messages name it.
    :ivar topics: by name.
    :ivar damages: found so far; :meth:`messages` adds to them.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.topics: dict[str, StoredTopic] = {}
        self.damages: list[Damage] = []

    @abstractmethod
    def messages(self, topic: str) -> Iterator[StoredMessage]:
        """The readable messages of a topic, in the order they were received."""

    @abstractmethod
    def close(self) -> None:
        """Close the file."""

    def _damaged(self, sentence: str, complete: bool = False) -> None:
        damage = Damage(f"{self.path.name} {sentence}", complete)
        if damage not in self.damages:
            self.damages.append(damage)
