"""The persons a robot knows, and recognition among them."""

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

import numpy as np

from facetrack_ros.core.vectors import is_unit
from facetrack_ros.errors import FacetrackError
from facetrack_ros.tracking.face_template import FaceTemplate
from facetrack_ros.tracking.gallery import Gallery
from facetrack_ros.tracking.id_allocator import IdAllocator
from facetrack_ros.tracking.identity_merges import IdentityMerges, MergeDecision, merge_decisions, split_decisions
from facetrack_ros.tracking.settings import TrackingSettings

# Chosen by hand. So many first embeddings of a person are taken unchecked, for a single poor one would otherwise refuse
# all that follow.
_UNCHECKED_EMBEDDINGS = 5
# Chosen by hand. Embeddings closer than this fraction of the threshold distance are duplicates.
_NEAR_DUPLICATE = 0.15
_ID = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


class TemplateRefused(FacetrackError, ValueError):
    """A face template or a merge decision of another robot is unusable; the message says why."""


@dataclass(frozen=True)
class Recognition:
    """A known person and the cosine similarity of the faces, -1..1."""

    person_id: str
    similarity: float


@dataclass(eq=False)
class _Person:
    """One known id.

    :param order: place in the order in which ids became known.
    :param foreign: whether it came from another robot or a stored history.
    """

    order: int
    template: FaceTemplate
    foreign: bool


class PersonRegistry:
    """Face templates of the persons a robot knows, own and learned ones, and the merges of their ids.

    :param robot: name of the robot as it may stand in an id.
    :param threshold: of the embedder: lowest cosine similarity of a match.
    :param model_id: of the embedder.
    :param merges: merge decisions known so far.
    :ivar gallery: enrolled persons.
    :ivar now_ns: newest stamp, for the decisions made here.
    :ivar dimension: of the embeddings; None before the first.
    """

    def __init__(
        self,
        robot: str,
        ids: IdAllocator,
        settings: TrackingSettings,
        threshold: float,
        model_id: str,
        merges: IdentityMerges | None = None,
    ):
        self.merges = merges if merges is not None else IdentityMerges()
        self.now_ns = 0
        self.dimension: int | None = None
        self.gallery = Gallery(model_id, threshold, settings.margin * (1 - threshold))
        self._new_decisions: list[MergeDecision] = []
        self._distinct: dict[str, set[str]] = {}
        self._robot = robot
        self._ids = ids
        self._settings = settings
        self._threshold = threshold
        self._model_id = model_id
        self._distance = 1 - threshold
        # In order of the last sighting, the oldest first.
        self._persons: dict[str, _Person] = {}
        self._order = 0
        self._means: tuple[list[str], np.ndarray] | None = None

    @property
    def _margin(self) -> float:
        return self._settings.margin * self._distance

    def empty_template(self) -> FaceTemplate:
        """An empty template for this embedder."""
        return FaceTemplate(self._settings.template_size, 1 - _NEAR_DUPLICATE * self._distance)

    def new_person(self) -> str:
        """Create a person without a face; return the id."""
        person_id = f"p_{self._robot}_{self._ids.next('person')}"
        self._create(person_id, foreign=False)
        return person_id

    def templates(self) -> dict[str, FaceTemplate]:
        """Templates by person id, of all persons with a face."""
        return {person_id: person.template for person_id, person in self._persons.items() if len(person.template)}

    def knows_face_besides(self, person_ids: Collection[str]) -> bool:
        """Whether any person with a face is none of ``person_ids``, under any of their ids."""
        known = {self.merges.canonical(person_id) for person_id in person_ids}
        return any(
            len(person.template) and self.merges.canonical(person_id) not in known
            for person_id, person in self._persons.items()
        )

    def recognise(
        self, template: FaceTemplate, excluded: Collection[str] = (), before: str | None = None
    ) -> Recognition | None:
        """Find the person of a face: above the threshold, and ahead of the second best by a margin.

        Where the second best is the same human under another id, as the templates show, the two are merged.

        :param excluded: persons it cannot be, under any of their ids.
        :param before: consider only ids older than this one, and foreign ones.
        """
        similarity = self._candidates(template, excluded, before)
        by_similarity: Callable[[str], float] = similarity.__getitem__
        # The most similar id of each person.
        best_ids: dict[str, str] = {}
        for person_id in sorted(similarity, key=by_similarity):
            best_ids[self.merges.canonical(person_id)] = person_id
        if not best_ids:
            return None
        best = max(best_ids.values(), key=by_similarity)
        if similarity[best] < self._threshold:
            return None
        near = [each for each in best_ids.values() if similarity[each] >= similarity[best] - self._margin]
        if not all(each == best or self._templates_match(best, each) for each in near):
            return None
        matches = [each for each in near if similarity[each] >= self._threshold]
        oldest = min(matches, key=lambda person_id: self._persons[person_id].order)
        for person_id in matches:
            self.merge(oldest, person_id, self._similarity(oldest, person_id))
        return Recognition(self.merges.canonical(oldest), similarity[oldest])

    def merge(self, one: str, other: str, similarity: float) -> None:
        """Merge two ids, unless a decision or a common frame says that they differ, or the similarity is too low.

        It takes more similarity than a recognition, because a merge stays.
        """
        if (
            self.merges.canonical(one) != self.merges.canonical(other)
            and self._may_merge(one, other)
            and similarity >= self._threshold + self._margin
        ):
            signature = self._signature("faces match")
            evidence = (False, round(float(similarity), 4), self._model_id)
            self._add_own(merge_decisions(self.merges, one, other, *signature, *evidence))

    def mark_distinct(self, person_ids: Collection[str]) -> None:
        """Note that one frame showed these persons, so no two of them are one; split those that robots merged."""
        for person_id in person_ids:
            self._distinct.setdefault(person_id, set()).update(other for other in person_ids if other != person_id)
        self._split_distinct(person_ids)

    def add_decision(self, decision: MergeDecision) -> None:
        """Add a decision of another robot or an operator; a robot's merge of persons seen in one frame is split again.

        :raises TemplateRefused: an id in it is invalid.
        """
        if not all(_ID.fullmatch(each) for each in (*decision.pair, decision.record_id)):
            raise TemplateRefused(
                "the ids of a merge decision must begin with a letter and hold letters, digits and underscores only"
            )
        try:
            self.merges.add(decision)
        except ValueError as error:
            raise TemplateRefused(str(error)) from error
        if not decision.operator:
            self._split_distinct(self.merges.group(decision.first))

    def take_new_decisions(self) -> tuple[MergeDecision, ...]:
        """The decisions made here since the last call, to be published and stored."""
        new, self._new_decisions = tuple(self._new_decisions), []
        return new

    def _add_own(self, decisions: list[MergeDecision]) -> None:
        for decision in decisions:
            self.merges.add(decision)
        self._new_decisions += decisions

    def _signature(self, reason: str) -> tuple[Iterator[str], str, int, str]:
        """Record ids, author, stamp and reason of decisions made here."""
        return iter(lambda: f"a_{self._robot}_{self._ids.next('alias')}", None), self._robot, self.now_ns, reason

    def _split_distinct(self, person_ids: Collection[str]) -> None:
        """Split what robots merged of persons that were seen in one frame."""
        for person_id in person_ids:
            for other in self._distinct.get(person_id, set()) & set(self.merges.group(person_id)):
                known = self.merges.decision_on(person_id, other)
                if self.merges.canonical(other) == self.merges.canonical(person_id) and not (known and known.operator):
                    signature = self._signature("seen in one picture")
                    self._add_own(split_decisions(self.merges, max(person_id, other), *signature))

    def _may_merge(self, one: str, other: str) -> bool:
        other_ids = set(self.merges.group(other))
        return self.merges.can_merge(one, other) and not any(
            self._distinct.get(person_id, set()) & other_ids for person_id in self.merges.group(one)
        )

    def _similarity(self, one: str, other: str) -> float:
        return self._persons[one].template.similarity(self._persons[other].template)

    def _templates_match(self, one: str, other: str) -> bool:
        """Whether two templates match and no decision says that the ids differ."""
        return self._similarity(one, other) >= self._threshold and self.merges.can_merge(one, other)

    def similarity(self, person_id: str, embedding: np.ndarray) -> float | None:
        """Highest cosine similarity of an embedding with those of a person; None where there are none."""
        person = self._persons.get(person_id)
        return float((person.template.embeddings @ embedding).max()) if person and len(person.template) else None

    def add_face(self, person_id: str, embedding: np.ndarray, quality: float) -> None:
        """Add an embedding to a person; one that matches none of the person's embeddings is left out."""
        template = (self._persons.get(person_id) or self._create(person_id, foreign=False)).template
        if len(template) >= _UNCHECKED_EMBEDDINGS and (template.embeddings @ embedding).max() < self._threshold:
            return
        self.dimension = self.dimension or len(embedding)
        self._touch(person_id, template.add(embedding, quality))

    def learn(
        self, person_id: str, model_id: str, embeddings: np.ndarray, qualities: np.ndarray, merge: bool = True
    ) -> None:
        """Add a person's face from another robot or a stored history.

        :param embeddings: ``(n, dimension)`` unit rows.
        :param qualities: ``(n,)`` in 0..1.
        :param merge: whether to merge the person with a matching one of another id.
        :raises TemplateRefused: it is unusable; nothing is changed then.
        """
        template = self._checked(person_id, model_id, embeddings, qualities)
        person = self._persons.get(person_id)
        if person and len(person.template) and person.template.similarity(template) < self._threshold:
            raise TemplateRefused(f"the face of {person_id} does not match the one known by that id here")
        person = person or self._create(person_id, foreign=True)
        changed = _add_all(person.template, template.embeddings, template.qualities)
        self.dimension = template.embeddings.shape[1]
        self._touch(person_id, changed)
        recognition = self.recognise(person.template, {person_id}) if merge else None
        if recognition:
            self.merge(person_id, recognition.person_id, recognition.similarity)

    def forget(self, person_id: str) -> None:
        """Remove an id, its face and its merges; no effect on an unknown id."""
        self._remove(person_id)
        self.merges.forget(person_id)

    def forget_faceless(self, person_id: str) -> None:
        """Remove a person without a face, who cannot be recognised again."""
        if person_id in self._persons and not len(self._persons[person_id].template):
            self._remove(person_id)

    def _remove(self, person_id: str) -> None:
        for other in self._distinct.pop(person_id, ()):
            self._distinct.get(other, set()).discard(person_id)
        if self._persons.pop(person_id, None):
            self._means = None

    def _candidates(self, template: FaceTemplate, excluded: Collection[str], before: str | None) -> dict[str, float]:
        """Similarity by id, of the ids that may reach the threshold or come near it."""
        if not len(template):
            return {}
        if self._means is None:
            templates = self.templates()
            self._means = (list(templates), np.array([each.mean for each in templates.values()], np.float32))
        person_ids, means = self._means
        if not person_ids:
            return {}
        # The similarity of the means bounds that of the templates from above, so few need the whole comparison.
        lowest = self._threshold - self._margin
        last = self._persons[before].order if before in self._persons else self._order + 1
        excluded = {self.merges.canonical(person_id) for person_id in excluded}
        found = {}
        for row in np.flatnonzero(means @ template.mean >= lowest):
            person_id = person_ids[row]
            person = self._persons[person_id]
            if self.merges.canonical(person_id) not in excluded and (person.order < last or person.foreign):
                found[person_id] = person.template.similarity(template)
        return found

    def _checked(self, person_id: str, model_id: str, embeddings: np.ndarray, qualities: np.ndarray) -> FaceTemplate:
        embeddings, qualities = np.asarray(embeddings, np.float32), np.asarray(qualities, np.float32)
        if not _ID.fullmatch(person_id):
            raise TemplateRefused(
                f"{person_id!r} is no person id: it must begin with a letter and hold letters, "
                "digits and underscores only"
            )
        if model_id != self._model_id:
            raise TemplateRefused(f"it was made with model {model_id}, here runs {self._model_id}")
        if embeddings.ndim != 2 or not len(embeddings) or qualities.shape != (len(embeddings),):
            raise TemplateRefused(
                f"embeddings of shape {embeddings.shape} and qualities of shape {qualities.shape} do "
                "not belong together"
            )
        if self.dimension not in (None, embeddings.shape[1]):
            raise TemplateRefused(f"embeddings have {embeddings.shape[1]} numbers, those here {self.dimension}")
        if not all(is_unit(embedding) for embedding in embeddings):
            raise TemplateRefused("an embedding is no finite unit vector")
        if not ((qualities >= 0) & (qualities <= 1)).all():
            raise TemplateRefused("a quality does not lie between 0 and 1")
        template = self.empty_template()
        _add_all(template, embeddings, qualities)
        return template

    def _create(self, person_id: str, foreign: bool) -> _Person:
        self._order += 1
        self._persons[person_id] = _Person(self._order, self.empty_template(), foreign)
        if len(self._persons) > self._settings.max_persons:
            self._remove(next(iter(self._persons)))
        return self._persons[person_id]

    def _touch(self, person_id: str, changed: bool) -> None:
        """Move a person to the end of the order of sightings, and note whether the template changed."""
        self._persons[person_id] = self._persons.pop(person_id)
        if changed:
            self._means = None


def _add_all(template: FaceTemplate, embeddings: np.ndarray, qualities: np.ndarray) -> bool:
    """Add embeddings to a template; return whether any was taken."""
    return any([template.add(embedding, float(quality)) for embedding, quality in zip(embeddings, qualities)])
