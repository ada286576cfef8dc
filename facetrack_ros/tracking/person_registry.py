"""Who somebody is, among all persons a robot knows."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from facetrack_ros.core.vectors import is_unit
from facetrack_ros.errors import FacetrackError
from facetrack_ros.tracking.face_template import FaceTemplate
from facetrack_ros.tracking.gallery import Gallery
from facetrack_ros.tracking.id_allocator import IdAllocator
from facetrack_ros.tracking.identity_merges import IdentityMerges, MergeDecision, merge_decisions, split_decisions
from facetrack_ros.tracking.settings import TrackingSettings

# So many first looks are taken as they come; a single poor one would otherwise turn down all that follow.
_LOOKS_TAKEN_ON_TRUST = 5
# Two looks this near, in parts of the threshold's distance, tell nothing new.
_NEAR_DUPLICATE = 0.15
_PERSON_ID = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


class TemplateRefused(FacetrackError, ValueError):
    """A template of another robot that cannot be used, and why."""


@dataclass(frozen=True)
class Recognition:
    """A person known before, and how alike the faces are (cosine, -1..1)."""

    person_id: str
    similarity: float


class _Known:
    """A person: the template, and the place in the order in which persons became known."""

    def __init__(self, order: int, template: FaceTemplate, foreign: bool):
        self.order = order
        self.template = template
        self.foreign = foreign


class PersonRegistry:
    """The persons a robot knows, its own and those it was told of, and their faces.

    :param robot: name of the robot as it may stand in an id.
    :param threshold: of the embedder: lowest cosine similarity of a match.
    :param model_id: of the embedder.
    :param aliases: which ids are one person, as known so far.
    :ivar gallery: enrolled people.
    :ivar now_ns: newest stamp, for the verdicts made here.
    """

    def __init__(
        self,
        robot: str,
        ids: IdAllocator,
        settings: TrackingSettings,
        threshold: float,
        model_id: str,
        aliases: IdentityMerges | None = None,
    ):
        self.merges = aliases if aliases is not None else IdentityMerges()
        self.now_ns = 0
        self.gallery = Gallery(model_id, threshold, settings.margin * (1 - threshold))
        self._verdicts: list[MergeDecision] = []
        self._beside: dict[str, set[str]] = {}
        self._robot = robot
        self._ids = ids
        self._settings = settings
        self._threshold = threshold
        self._model_id = model_id
        self._distance = 1 - threshold
        # Those heard of or seen longest ago come first.
        self._known: dict[str, _Known] = {}
        self._order = 0
        self._stacked: tuple[list[str], np.ndarray] | None = None
        self.dimension: int | None = None

    def empty_template(self) -> FaceTemplate:
        """A template as this embedder needs it."""
        return FaceTemplate(self._settings.template_size, 1 - _NEAR_DUPLICATE * self._distance)

    def new_person(self) -> str:
        """The id of somebody never seen before."""
        person_id = f"p_{self._robot}_{self._ids.next('person')}"
        self._remember(person_id, foreign=False)
        return person_id

    def templates(self) -> dict[str, FaceTemplate]:
        """The faces of all persons known by face, by person id."""
        return {person_id: known.template for person_id, known in self._known.items() if len(known.template)}

    def knows_other_than(self, persons: Collection[str]) -> bool:
        """Whether there is anybody known by face who is not among ``persons``."""
        settled = {self.merges.canonical(person_id) for person_id in persons}
        return any(
            len(known.template) and self.merges.canonical(person_id) not in settled
            for person_id, known in self._known.items()
        )

    def recognise(
        self, template: FaceTemplate, excluded: Collection[str] = (), before: str | None = None
    ) -> Recognition | None:
        """Whose face it is: above the threshold, and ahead of the second best by a margin.

        Where the second best is so near because it is the same human under another id, as the templates themselves
        tell, both become one person.

        :param excluded: persons it cannot be, under any of their ids.
        :param before: only persons known before this one, or told of by other robots.
        """
        alike = self._candidates(template, excluded, before)
        # The best id of each person.
        best_id: dict[str, str] = {}
        for person_id in sorted(alike, key=alike.get):
            best_id[self.merges.canonical(person_id)] = person_id
        if not best_id:
            return None
        best = max(best_id.values(), key=alike.get)
        if alike[best] < self._threshold:
            return None
        near = [
            person_id
            for person_id in best_id.values()
            if alike[person_id] >= alike[best] - self._settings.margin * self._distance
        ]
        same = [person_id for person_id in near if person_id == best or self._same(best, person_id)]
        if len(same) < len(near):
            return None
        sure = [person_id for person_id in same if alike[person_id] >= self._threshold]
        first = min(sure, key=lambda person_id: self._known[person_id].order)
        for person_id in sure:
            self.join(first, person_id, self._known[first].template.similarity(self._known[person_id].template))
        return Recognition(self.merges.canonical(first), alike[first])

    def join(self, one: str, other: str, similarity: float) -> None:
        """Two ids turn out to be one person: a verdict, unless it is known that they are two, or the faces are hardly
        alike. It takes more than a recognition, for it stays."""
        if (
            self.merges.canonical(one) != self.merges.canonical(other)
            and self._may_be_one(one, other)
            and similarity >= self._threshold + self._settings.margin * self._distance
        ):
            self._decide(
                merge_decisions(
                    self.merges,
                    one,
                    other,
                    self._record_ids(),
                    self._robot,
                    self.now_ns,
                    "faces match",
                    similarity=round(float(similarity), 4),
                    model_id=self._model_id,
                )
            )

    def saw_together(self, persons: Collection[str]) -> None:
        """These were in one picture, so no two of them are one person, whoever says so."""
        for person_id in persons:
            self._beside.setdefault(person_id, set()).update(other for other in persons if other != person_id)
        self._part(persons)

    def add_decision(self, verdict: MergeDecision) -> None:
        """Take a verdict of another robot or of a person; one that joins people seen in one picture is answered.

        :raises TemplateRefused: it is about no two persons.
        """
        if not all(_PERSON_ID.fullmatch(each) for each in (*verdict.pair, verdict.record_id)):
            raise TemplateRefused(
                "a verdict's ids must begin with a letter and hold letters, digits and underscores only"
            )
        try:
            self.merges.add(verdict)
        except ValueError as error:
            raise TemplateRefused(str(error)) from error
        if not verdict.operator:
            self._part(self.merges.group(verdict.first))

    def take_new_decisions(self) -> tuple[MergeDecision, ...]:
        """What was decided here since the last call, for the other robots and for the disk."""
        made, self._verdicts = tuple(self._verdicts), []
        return made

    def _decide(self, verdicts: list[MergeDecision]) -> None:
        for verdict in verdicts:
            self.merges.add(verdict)
        self._verdicts += verdicts

    def _part(self, persons: Collection[str]) -> None:
        """Undo what robots joined of those who were seen in one picture."""
        for person_id in persons:
            for other in self._beside.get(person_id, set()) & set(self.merges.group(person_id)):
                known = self.merges.decision_on(person_id, other)
                if self.merges.canonical(other) == self.merges.canonical(person_id) and not (known and known.operator):
                    self._decide(
                        split_decisions(
                            self.merges,
                            max(person_id, other),
                            self._record_ids(),
                            self._robot,
                            self.now_ns,
                            "seen in one picture",
                        )
                    )

    def _may_be_one(self, one: str, other: str) -> bool:
        theirs = set(self.merges.group(other))
        return self.merges.can_merge(one, other) and not any(
            self._beside.get(mine, set()) & theirs for mine in self.merges.group(one)
        )

    def _same(self, one: str, other: str) -> bool:
        """Whether two known faces are one, for all that is known."""
        alike = self._known[one].template.similarity(self._known[other].template)
        return alike >= self._threshold and self.merges.can_merge(one, other)

    def _record_ids(self) -> Iterator[str]:
        while True:
            yield f"a_{self._robot}_{self._ids.next('alias')}"

    def likeness(self, person_id: str, embedding: np.ndarray) -> float | None:
        """How like a look is to the most alike one known of a person, cosine; None where none is known."""
        known = self._known.get(person_id)
        return float((known.template.embeddings @ embedding).max()) if known and len(known.template) else None

    def add_face(self, person_id: str, embedding: np.ndarray, quality: float) -> None:
        """Learn a look of a person; one that is like none of the looks known is left out."""
        known = self._known.get(person_id) or self._remember(person_id, foreign=False)
        template = known.template
        if len(template) >= _LOOKS_TAKEN_ON_TRUST and (template.embeddings @ embedding).max() < self._threshold:
            return
        self.dimension = self.dimension or len(embedding)
        self._touch(person_id, template.add(embedding, quality))

    def learn(
        self, person_id: str, model_id: str, embeddings: np.ndarray, qualities: np.ndarray, join: bool = True
    ) -> None:
        """Take what another robot, or a stored history, knows of a person's face.

        :param embeddings: ``(n, dimension)`` unit rows.
        :param qualities: ``(n,)`` in 0..1.
        :param join: whether to see if it is somebody known by another id.
        :raises TemplateRefused: it does not fit, and why; nothing is changed then.
        """
        template = self._checked(person_id, model_id, embeddings, qualities)
        known = self._known.get(person_id)
        if known and len(known.template) and known.template.similarity(template) < self._threshold:
            raise TemplateRefused(f"the face told of {person_id} is not like the one known by that id here")
        known = known or self._remember(person_id, foreign=True)
        changed = [
            known.template.add(embedding, float(quality))
            for embedding, quality in zip(template.embeddings, template.qualities)
        ]
        self.dimension = template.embeddings.shape[1]
        self._touch(person_id, any(changed))
        found = self.recognise(known.template, {person_id}) if join else None
        if found:
            self.join(person_id, found.person_id, found.similarity)

    def forget(self, person_id: str) -> None:
        """Know nothing of an id any more; no harm where nothing is known."""
        self._drop(person_id)
        self.merges.forget(person_id)

    def _drop(self, person_id: str) -> None:
        for other in self._beside.pop(person_id, ()):
            self._beside.get(other, set()).discard(person_id)
        if self._known.pop(person_id, None):
            self._stacked = None

    def forget_faceless(self, person_id: str) -> None:
        """Somebody whose face was never seen cannot be told again: keep nothing of them."""
        if person_id in self._known and not len(self._known[person_id].template):
            self._drop(person_id)

    def _candidates(self, template: FaceTemplate, excluded: Collection[str], before: str | None) -> Mapping[str, float]:
        if not len(template):
            return {}
        if self._stacked is None:
            named = self.templates()
            self._stacked = (list(named), np.array([each.mean for each in named.values()], np.float32))
        names, means = self._stacked
        if not names:
            return {}
        # The similarity of the means bounds the similarity from above, so few templates need the whole comparison.
        lowest = self._threshold - self._settings.margin * self._distance
        last = self._known[before].order if before in self._known else self._order + 1
        excluded = {self.merges.canonical(person_id) for person_id in excluded}
        alike = {}
        for row in np.flatnonzero(means @ template.mean >= lowest):
            known = self._known[names[row]]
            if self.merges.canonical(names[row]) not in excluded and (known.order < last or known.foreign):
                alike[names[row]] = known.template.similarity(template)
        return alike

    def _checked(self, person_id: str, model_id: str, embeddings: np.ndarray, qualities: np.ndarray) -> FaceTemplate:
        embeddings, qualities = np.asarray(embeddings, np.float32), np.asarray(qualities, np.float32)
        if not _PERSON_ID.fullmatch(person_id):
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
        for embedding, quality in zip(embeddings, qualities):
            template.add(embedding, float(quality))
        return template

    def _remember(self, person_id: str, foreign: bool) -> _Known:
        self._order += 1
        self._known[person_id] = _Known(self._order, self.empty_template(), foreign)
        if len(self._known) > self._settings.max_persons:
            self._drop(next(iter(self._known)))
        return self._known[person_id]

    def _touch(self, person_id: str, changed: bool) -> None:
        """Note that a person was seen or heard of just now, and whether the template changed."""
        self._known[person_id] = self._known.pop(person_id)
        if changed:
            self._stacked = None
