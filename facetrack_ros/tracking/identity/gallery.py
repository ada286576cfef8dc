"""Gallery: enrolled persons with names and reference faces."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from facetrack_ros.core import validation
from facetrack_ros.core.cohort import Cohort
from facetrack_ros.core.names import nfc
from facetrack_ros.core.printable import printable
from facetrack_ros.core.similarity_level import SimilarityLevel
from facetrack_ros.errors import InvalidInput
from facetrack_ros.tracking.identity.agreement import LEAST_FRAMES, MATCHING_SHARE, AgreementRule
from facetrack_ros.tracking.identity.face_template import FaceTemplate

_ENTRY_ID = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_LONGEST_STORED_NAME = 200


class EntryRefused(InvalidInput):
    """A gallery entry is unusable; the message says why."""


@dataclass(frozen=True, eq=False)
class GalleryEntry:
    """One reference face. It is never changed, only deleted by its id.

    :param entry_id: unique; starts with a letter (``g_robot1_3``).
    :param name: of the person, kept in NFC, as is ``source``.
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

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", nfc(self.name))
        object.__setattr__(self, "source", nfc(self.source))

    def is_called(self, name: str) -> bool:
        """Whether this is the person's name or the entry's id."""
        return nfc(name) in (self.name, self.entry_id)

    def check(self, dimension: int | None = None, stored: bool = False) -> None:
        """Check that the entry is usable.

        :param dimension: of the model; None: unknown here.
        :param stored: whether it is read from a file, in which earlier versions stored names of up to 200 characters.
        :raises EntryRefused: it is not.
        """
        entry_id(self.entry_id)
        try:
            if not stored or len(self.name) > _LONGEST_STORED_NAME or not _was_allowed(self.name):
                validation.person_name(self.name, "the name of a gallery entry")
            validation.model_name(self.model_id, "the model of a gallery entry")
            validation.plain_text(self.source, "the source of a gallery entry")
            validation.plain_text(self.by, "the robot of a gallery entry", validation.LONGEST_ID)
            validation.number(self.quality, "the quality of a gallery entry", 0.0, 1.0)
            validation.stamp(self.stamp_ns, "the stamp of a gallery entry")
            validation.embedding(self.embedding, "the embedding of a gallery entry", dimension)
        except InvalidInput as error:
            raise EntryRefused(str(error), error.kind) from error


def _was_allowed(name: str) -> bool:
    return bool(name.strip()) and name.isprintable()


def entry_id(text: str) -> str:
    """The id of a gallery entry, which names its file.

    :raises EntryRefused: it is none.
    """
    if not isinstance(text, str) or len(text) > validation.LONGEST_ID or not _ENTRY_ID.fullmatch(text):
        raise EntryRefused(
            f"{printable(text, 60)!r} is no id of a gallery entry: it must begin with a letter and hold at "
            f"most {validation.LONGEST_ID} letters, digits and underscores",
            "id",
        )
    return text


@dataclass(frozen=True)
class GalleryMatch:
    """The most similar entry of an enrolled person, and the cosine similarity."""

    entry: GalleryEntry
    similarity: float


class Gallery:
    """The enrolled persons of one model. Recognition never adds to it.

    :param model_id: of the embedder; entries of other models are refused.
    :param threshold: lowest cosine similarity of a match.
    :param margin: lead of the best person over the second best, cosine.
    :param strangers: how alike strangers are to the model, see :class:`AgreementRule`.
    :param dimension: of the embeddings; None: that of the first entry.
    """

    def __init__(
        self,
        model_id: str,
        threshold: float,
        margin: float,
        strangers: SimilarityLevel | None = None,
        dimension: int | None = None,
    ):
        self._dimension = dimension
        self._model_id, self._threshold, self._margin = model_id, threshold, margin
        self._rule = AgreementRule(threshold, strangers)
        self._entries: dict[str, GalleryEntry] = {}
        self._stacked: np.ndarray | None = None
        self._by_name: dict[str, np.ndarray] = {}

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def entries(self) -> tuple[GalleryEntry, ...]:
        """All entries, in the order they were added."""
        return tuple(self._entries.values())

    def has_name(self, name: str) -> bool:
        """Whether a person is enrolled."""
        return bool(len(self._of_name(name)))

    def of_name(self, name: str) -> list[GalleryEntry]:
        """The entries of a person, in the order they were added."""
        return [entry for entry in self._entries.values() if entry.name == nfc(name)]

    def with_entries(self, entries: Iterable[GalleryEntry]) -> "Gallery":
        """A copy with more entries.

        :raises EntryRefused: one is unusable.
        """
        copy = Gallery(self._model_id, self._threshold, self._margin, dimension=self._dimension)
        for entry in (*self.entries, *entries):
            copy.add(entry)
        return copy

    def add(self, entry: GalleryEntry) -> bool:
        """Add an entry; return False where its id is there already.

        :raises EntryRefused: it is unusable.
        """
        entry.check(stored=True)
        if entry.model_id != self._model_id:
            raise EntryRefused(f"it was made with model {entry.model_id}, here runs {self._model_id}", "model")
        first = next(iter(self._entries.values()), entry)
        dimension = self._dimension or len(first.embedding)
        if len(entry.embedding) != dimension:
            raise EntryRefused(f"its embedding has {len(entry.embedding)} numbers, those here {dimension}", "embedding")
        if entry.entry_id in self._entries:
            return False
        self._entries[entry.entry_id] = entry
        self._entries_changed()
        return True

    def remove(self, entry_id: str) -> bool:
        """Remove an entry; return whether it was there."""
        self._entries_changed()
        return self._entries.pop(entry_id, None) is not None

    def _entries_changed(self) -> None:
        self._stacked = None
        self._by_name.clear()

    def matches(self, name: str, embeddings: np.ndarray) -> np.ndarray:
        """Which embeddings match an entry of a person by themselves.

        :param embeddings: ``(n, dimension)`` unit rows.
        :returns: ``(n,)`` bool; all False where nobody is enrolled by that name.
        """
        entries = self._of_name(name)
        if not len(entries) or embeddings.shape[1:] != entries.shape[1:]:
            return np.zeros(len(embeddings), bool)
        return (embeddings @ entries.T).max(axis=1) >= self._threshold

    def _of_name(self, name: str) -> np.ndarray:
        """``(n, dimension)`` embeddings of a person's entries."""
        if name not in self._by_name:
            own = [np.asarray(entry.embedding, np.float32) for entry in self.of_name(name)]
            self._by_name[name] = np.stack(own) if own else np.empty((0, 0), np.float32)
        return self._by_name[name]

    def recognise(self, template: FaceTemplate, cohort: Cohort | None = None) -> GalleryMatch | None:
        """Find the enrolled person of a face: above the threshold, and ahead of all others by the margin.

        The similarity of an entry is the lower of those with the template's best embedding and with its mean, as
        between two templates; a person counts by the best entry. At least two frames and half of the template's faces
        must match an entry of the person, and the best entry must be alike by the measure of other people here. More
        is not asked, because one entry may be the only picture there is.

        :param cohort: persons known here, to normalise with.
        """
        mean = template.mean
        if mean is None or not self._entries:
            return None
        entries = self.entries
        if self._stacked is None:
            self._stacked = np.stack([np.asarray(entry.embedding, np.float32) for entry in entries])
        if self._stacked.shape[1] != template.embeddings.shape[1]:
            return None
        pairwise = self._stacked @ template.embeddings.T
        similarity = np.minimum(pairwise.max(axis=1), self._stacked @ mean)
        best = int(similarity.argmax())
        if similarity[best] < self._threshold:
            return None
        own = np.array([entry.name == entries[best].name for entry in entries], bool)
        if not own.all() and similarity[~own].max() > similarity[best] - self._margin:
            return None
        matching = int((pairwise[own] >= self._threshold).any(axis=0).sum())
        if template.frames < LEAST_FRAMES or matching < MATCHING_SHARE * len(template):
            return None
        if not self._rule.alike(_template_of(self._stacked[best]), template, cohort):
            return None
        return GalleryMatch(entries[best], float(similarity[best]))

    def lookalikes(self, entry: GalleryEntry) -> list[GalleryMatch]:
        """Other enrolled persons that may be confused with an entry, by descending similarity."""
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
        """Whether an entry matches no other entry of its name, mostly a mistake."""
        own = [
            float(np.dot(other.embedding, entry.embedding))
            for other in self._entries.values()
            if other.name == entry.name and other.entry_id != entry.entry_id
        ]
        return bool(own) and max(own) < self._threshold


def _template_of(embedding: np.ndarray) -> FaceTemplate:
    template = FaceTemplate()
    template.add(embedding, 1.0)
    return template
