"""Enrolled people: reference faces with names."""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

import numpy as np

from facetrack_ros.core.vectors import is_unit
from facetrack_ros.errors import FacetrackError
from facetrack_ros.tracking.face_template import FaceTemplate

_ENTRY_ID = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


class EntryRefused(FacetrackError, ValueError):
    """A gallery entry that cannot be used, and why."""


@dataclass(frozen=True, eq=False)
class GalleryEntry:
    """One reference face. Nothing ever changes it; it is deleted by its id.

    :param entry_id: unique; starts with a letter (``g_robot1_3``).
    :param name: of the person.
    :param model_id: of the embedder.
    :param embedding: ``(dimension,)`` float32 unit vector.
    :param quality: 0..1.
    :param watch: whether robots warn when they see the person.
    :param source: name of the file it came from.
    :param by: robot that enrolled it.
    :param stamp_ns: when, nanoseconds since the epoch.
    """

    entry_id: str
    name: str
    model_id: str
    embedding: np.ndarray = field(repr=False)
    quality: float
    watch: bool = False
    source: str = ""
    by: str = ""
    stamp_ns: int = 0

    def check(self) -> None:
        """See that it can be used.

        :raises EntryRefused: it cannot, and why.
        """
        if not _ENTRY_ID.fullmatch(self.entry_id):
            raise EntryRefused(
                f"{self.entry_id!r} is no id of a gallery entry: it must begin with a letter and hold letters, "
                "digits and underscores only"
            )
        if not self.name.strip() or len(self.name) > 200 or not self.name.isprintable():
            raise EntryRefused("a person's name must have 1 to 200 printable characters")
        if not self.model_id:
            raise EntryRefused("it does not say which model made the embedding")
        if not is_unit(np.asarray(self.embedding)):
            raise EntryRefused("its embedding is no finite unit vector")
        if not 0 <= self.quality <= 1:
            raise EntryRefused("its quality does not lie between 0 and 1")


@dataclass(frozen=True)
class GalleryMatch:
    """An enrolled person, the entry most alike, and how alike (cosine)."""

    entry: GalleryEntry
    similarity: float


class Gallery:
    """The enrolled people of one model. Recognising somebody never adds to it.

    :param model_id: of the embedder; entries of other models are kept apart by whoever keeps them, and refused here.
    :param threshold: lowest cosine similarity of a match.
    :param margin: by how much the best person must be ahead of the second best, cosine.
    """

    def __init__(self, model_id: str, threshold: float, margin: float):
        self._model_id, self._threshold, self._margin = model_id, threshold, margin
        self._entries: dict[str, GalleryEntry] = {}
        self._stacked: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def entries(self) -> tuple[GalleryEntry, ...]:
        """All of them, in the order they came."""
        return tuple(self._entries.values())

    def add(self, entry: GalleryEntry) -> bool:
        """Take an entry; False where one of that id is there.

        :raises EntryRefused: it cannot be used, and why.
        """
        entry.check()
        if entry.model_id != self._model_id:
            raise EntryRefused(f"it was made with model {entry.model_id}, here runs {self._model_id}")
        if self._entries and len(entry.embedding) != len(next(iter(self._entries.values())).embedding):
            raise EntryRefused(
                f"its embedding has {len(entry.embedding)} numbers, those here "
                f"{len(next(iter(self._entries.values())).embedding)}"
            )
        if entry.entry_id in self._entries:
            return False
        self._entries[entry.entry_id] = entry
        self._stacked = None
        return True

    def remove(self, entry_id: str) -> bool:
        """Forget an entry; whether it was there."""
        self._stacked = None
        return self._entries.pop(entry_id, None) is not None

    def recognise(self, template: FaceTemplate) -> GalleryMatch | None:
        """Who it is: above the threshold, and clearly ahead of every other enrolled person.

        A person is as alike as their best entry is to the template: the lower of its best embedding and of its mean, as
        between two templates.
        """
        if not len(template) or not self._entries:
            return None
        entries = list(self._entries.values())
        if self._stacked is None:
            self._stacked = np.stack([np.asarray(entry.embedding, np.float32) for entry in entries])
        if self._stacked.shape[1] != template.embeddings.shape[1]:
            return None
        alike = np.minimum((self._stacked @ template.embeddings.T).max(axis=1), self._stacked @ template.mean)
        best = int(alike.argmax())
        if alike[best] < self._threshold:
            return None
        others = [value for value, entry in zip(alike, entries) if entry.name != entries[best].name]
        if others and max(others) > alike[best] - self._margin:
            return None
        return GalleryMatch(entries[best], float(alike[best]))

    def lookalikes(self, entry: GalleryEntry) -> list[GalleryMatch]:
        """Other enrolled people who may be taken for this one, most alike first: relatives, say."""
        found: dict[str, GalleryMatch] = {}
        for other in self._entries.values():
            if other.name == entry.name or len(other.embedding) != len(entry.embedding):
                continue
            similarity = float(np.dot(other.embedding, entry.embedding))
            if similarity >= self._threshold - self._margin and (
                other.name not in found or similarity > found[other.name].similarity
            ):
                found[other.name] = GalleryMatch(other, similarity)
        return sorted(found.values(), key=lambda match: -match.similarity)

    def is_outlier(self, entry: GalleryEntry) -> bool:
        """Whether no other picture of that name looks like this one: a mistake, mostly."""
        own = [
            float(np.dot(other.embedding, entry.embedding))
            for other in self._entries.values()
            if other.name == entry.name and other.entry_id != entry.entry_id
        ]
        return bool(own) and max(own) < self._threshold


def named(entries: Iterable[GalleryEntry], names: Collection[str]) -> list[GalleryEntry]:
    """The entries of these names."""
    return [entry for entry in entries if entry.name in names]
