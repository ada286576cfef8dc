"""The persons a robot knows, and recognition among them."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from facetrack_ros.core.cohort import Cohort
from facetrack_ros.core.similarity_level import SimilarityLevel
from facetrack_ros.core.vectors import is_unit
from facetrack_ros.errors import InvalidInput
from facetrack_ros.tracking.id_allocator import IdAllocator, robot_of_person
from facetrack_ros.tracking.id_allocator import person_id as person_id_of
from facetrack_ros.tracking.identity.agreement import AgreementRule, FaceAgreement
from facetrack_ros.tracking.identity.face_template import FaceTemplate
from facetrack_ros.tracking.identity.gallery import Gallery, GalleryMatch
from facetrack_ros.tracking.identity_merges import (
    IdentityMerges,
    MergeDecision,
    MergeEvidence,
    merge_decisions,
    split_decisions,
    suggestion,
)
from facetrack_ros.tracking.settings import TrackingSettings

# Chosen by hand. So many first embeddings of a person are taken unchecked, for a single poor one would otherwise refuse
# all that follow.
_UNCHECKED_EMBEDDINGS = 5
# Chosen by hand. Embeddings closer than this fraction of the threshold distance are duplicates.
_NEAR_DUPLICATE = 0.15
_ID = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


class TemplateRefused(InvalidInput):
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
    :param seen: whether this robot saw the person.
    :param anchor: what was learned first of a person of another robot; later templates must match it.
    """

    order: int
    template: FaceTemplate
    foreign: bool
    seen: bool
    anchor: FaceTemplate | None = None


@dataclass(frozen=True, eq=False)
class _Candidate:
    """A person whose faces are near a template.

    :param person_id: any of the person's ids.
    :param similarity: of the means.
    :param template: the faces of all ids.
    """

    person_id: str
    similarity: float
    template: FaceTemplate


class PersonRegistry:
    """Face templates of the persons a robot knows, own and learned ones, and the merges of their ids.

    :param robot: name of the robot as it may stand in an id.
    :param threshold: of the embedder: lowest cosine similarity of a match.
    :param model_id: of the embedder.
    :param merges: merge decisions known so far.
    :param strangers: how alike strangers are to the model, see :meth:`SimilarityLevel.of_curve`; None: unknown.
    :param dimension: of the embeddings; None: that of the first.
    :ivar gallery: enrolled persons.
    :ivar enrolled: gallery names by id, of persons who were recognised as enrolled.
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
        strangers: SimilarityLevel | None = None,
        dimension: int | None = None,
    ):
        self.merges = merges if merges is not None else IdentityMerges()
        self.now_ns = 0
        self.dimension = dimension
        self._rule = AgreementRule(threshold, strangers)
        self.gallery = Gallery(model_id, threshold, settings.margin * (1 - threshold), strangers, dimension)
        self.enrolled: dict[str, str] = {}
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
        person_id = person_id_of(self._robot, self._ids.next("person"))
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
        """Find the person of a face: one that its template proves, ahead of all other persons by a margin.

        Where the second best is the same human under another id, as the templates prove, the two are merged.

        :param excluded: persons it cannot be, under any of their ids.
        :param before: consider only ids older than this one, and foreign ones.
        """
        candidates = self._candidates(template, excluded, before)
        near = [each for each in candidates if each.similarity >= candidates[0].similarity - self._margin]
        if not near or not all(each is near[0] or self._may_be_one(near[0], each) for each in near):
            return None
        for candidate in near:
            besides = {*self.merges.group(candidate.person_id), *excluded}
            agreement = self._rule.compare(template, candidate.template, self._cohort(), besides)
            if self._rule.proves(agreement) and self._matches_each_robot(template, candidate.person_id):
                for other in near:
                    self.merge(candidate.person_id, other.person_id)
                return Recognition(self.merges.canonical(candidate.person_id), agreement.similarity)
        return None

    def may_be_known(self, template: FaceTemplate, excluded: Collection[str] = ()) -> bool:
        """Whether a face may be of a known person, though it may take more faces to prove it."""
        return any(each.similarity >= self._threshold for each in self._candidates(template, excluded, None))

    def merge(self, one: str, other: str) -> bool:
        """Merge two persons if all faces of both prove that they are one; return whether they are one person now.

        Not where a decision or a common frame says that they differ, where a third person is as similar, where an id of
        one clearly is another person than an id of the other, or where the faces do not match without those that one
        robot told of: no robot can join two persons of others by faces that lie between them.
        """
        if self.merges.canonical(one) == self.merges.canonical(other):
            return True
        evidence = self._evidence(one, other)
        if evidence is None or not self._may_merge(one, other) or self._any_apart(one, other):
            return False
        agreement, margin = evidence
        if not self._rule.proves(agreement) or (margin is not None and margin < self._margin):
            return False
        if not self._match_without_each_robot(one, other):
            return False
        signature = self._signature("faces match")
        self._add_own(merge_decisions(self.merges, one, other, *signature, evidence=self._recorded(agreement, margin)))
        return self.merges.canonical(one) == self.merges.canonical(other)

    def suggest(self, person_id: str) -> None:
        """Record that a person may be the most similar known one, where their faces do not prove it."""
        template = self._template(person_id)
        for candidate in self._candidates(template, {person_id}, None)[:1] if template else ():
            if self.merge(person_id, candidate.person_id):
                return
            evidence = self._evidence(person_id, candidate.person_id)
            if evidence and self._rule.suggests(evidence[0]) and self._may_merge(person_id, candidate.person_id):
                record_ids, by, stamp_ns, reason = self._signature("perhaps the same")
                pair = (person_id, candidate.person_id)
                decision = suggestion(
                    self.merges, *pair, next(record_ids), by, stamp_ns, reason, self._recorded(*evidence)
                )
                self._add_own([decision] if decision else [])

    def recognise_enrolled(self, template: FaceTemplate) -> GalleryMatch | None:
        """Find the enrolled person of a face; see :meth:`Gallery.recognise`."""
        return self.gallery.recognise(template, self._cohort())

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
        if decision.same and not decision.suggestion:
            # Robots may have merged two ids with a third at the same time: all faces together decide.
            self.merge(*decision.pair)

    def take_new_decisions(self) -> tuple[MergeDecision, ...]:
        """The decisions made here since the last call, to be published and stored; where only enrolled people are kept,
        those about two of them."""
        new, self._new_decisions = tuple(self._new_decisions), []
        if self._settings.enrolled_only:
            return tuple(each for each in new if all(person_id in self.enrolled for person_id in each.pair))
        return new

    def shared_template(self, person_id: str) -> FaceTemplate | None:
        """The faces of a person that other robots may learn; None: there are none.

        Where only enrolled people are kept, the faces that match an entry of that person by themselves.
        """
        person = self._persons.get(person_id)
        if person is None or not len(person.template):
            return None
        if not self._settings.enrolled_only:
            return person.template
        matching = self.gallery.matches(self.enrolled.get(person_id, ""), person.template.embeddings)
        shared = self.empty_template()
        _add_all(shared, person.template.embeddings[matching], person.template.qualities[matching])
        return shared if len(shared) else None

    def _add_own(self, decisions: list[MergeDecision]) -> None:
        self._new_decisions += [decision for decision in decisions if self.merges.add(decision)]

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

    def _suggest_own(self, person_id: str) -> None:
        """Suggest for an id that another robot shares, where the most similar person was seen here."""
        template = self._template(person_id)
        nearest = self._candidates(template, {person_id}, None)[:1] if template else ()
        if any(self._was_here(person_id) or self._was_here(near.person_id) for near in nearest):
            self.suggest(person_id)

    def _was_here(self, person_id: str) -> bool:
        """Whether this robot saw the person, or gave the person an id."""
        return any(
            robot_of_person(each) == self._robot or (each in self._persons and self._persons[each].seen)
            for each in self.merges.group(person_id)
        )

    def _may_merge(self, one: str, other: str) -> bool:
        other_ids = set(self.merges.group(other))
        return self.merges.can_merge(one, other) and not any(
            self._distinct.get(person_id, set()) & other_ids for person_id in self.merges.group(one)
        )

    def _template(self, person_id: str) -> FaceTemplate | None:
        """The faces of a person under all ids; None of none."""
        known = (self._persons.get(each) for each in self.merges.group(person_id))
        templates = [person.template for person in known if person and len(person.template)]
        return FaceTemplate.joined(templates) if templates else None

    def _may_be_one(self, one: _Candidate, other: _Candidate) -> bool:
        """Whether two persons may be one, so that neither is a rival of the other."""
        besides = {*self.merges.group(one.person_id), *self.merges.group(other.person_id)}
        return (
            one.template.similarity(other.template) >= self._threshold
            and self._rule.alike(one.template, other.template, self._cohort(), besides)
            and self._may_merge(one.person_id, other.person_id)
        )

    def _any_apart(self, one: str, other: str) -> bool:
        """Whether the means of an id of one person and an id of the other clearly are of two people."""
        groups = [
            [self._persons[each].template for each in self.merges.group(end) if each in self._persons]
            for end in (one, other)
        ]
        apart = 1 - self._settings.veto_distance * self._distance
        return any(
            len(first) and len(second) and first.mean_similarity(second) < apart
            for first in groups[0]
            for second in groups[1]
        )

    def _templates_by_robot(self, person: str) -> dict[str, list[FaceTemplate]]:
        """The templates of all ids of a person, by the robot that gave the id."""
        found: dict[str, list[FaceTemplate]] = {}
        for each in self.merges.group(person):
            if each in self._persons and len(self._persons[each].template):
                found.setdefault(robot_of_person(each), []).append(self._persons[each].template)
        return found

    def _match_without_each_robot(self, one: str, other: str) -> bool:
        """Whether two persons match also without the faces of any one robot, as far as others have faces of both."""
        first, second = self._templates_by_robot(one), self._templates_by_robot(other)
        for robot in first.keys() | second.keys():
            rest = [[each for name in side if name != robot for each in side[name]] for side in (first, second)]
            if all(rest) and FaceTemplate.joined(rest[0]).similarity(FaceTemplate.joined(rest[1])) < self._threshold:
                return False
        return True

    def _matches_each_robot(self, template: FaceTemplate, person: str) -> bool:
        """Whether a face matches what this robot knows of a person; where that is nothing, what remains of the person
        without the faces of any one robot."""
        known = self._templates_by_robot(person)
        if self._robot in known:
            rests = [known[self._robot]]
        else:
            rests = [[each for name in known if name != robot for each in known[name]] for robot in known]
        return all(FaceTemplate.joined(rest).similarity(template) >= self._threshold for rest in rests if rest)

    def _evidence(self, one: str, other: str) -> tuple[FaceAgreement, float | None] | None:
        """Agreement of two persons, and its lead over the next best other person; None where a face is missing."""
        template, other_template = self._template(one), self._template(other)
        if template is None or other_template is None:
            return None
        both = {*self.merges.group(one), *self.merges.group(other)}
        agreement = self._rule.compare(template, other_template, self._cohort(), both)
        pair = [_Candidate(one, 1.0, template), _Candidate(other, 1.0, other_template)]
        rivals = [
            each.similarity
            for end in pair
            for each in self._candidates(end.template, both, None)
            if not any(self._may_be_one(each, member) for member in pair)
        ]
        return agreement, agreement.template_similarity - max(rivals) if rivals else None

    def _recorded(self, agreement: FaceAgreement, margin: float | None) -> MergeEvidence:
        return MergeEvidence(
            round(agreement.similarity, 4),
            self._model_id,
            round(agreement.template_similarity, 4),
            None if margin is None else round(margin, 4),
            agreement.pairs,
        )

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
        self._persons[person_id].seen = True
        self._touch(person_id, template.add(embedding, quality))

    def learn(
        self,
        person_id: str,
        model_id: str,
        embeddings: np.ndarray,
        qualities: np.ndarray,
        merge: bool = True,
        seen: bool = False,
    ) -> None:
        """Add a person's face from another robot or a stored history.

        :param embeddings: ``(n, dimension)`` unit rows.
        :param qualities: ``(n,)`` in 0..1.
        :param merge: whether to merge the person with a matching one of another id, see :meth:`settle`.
        :param seen: whether this robot saw the person.
        :raises TemplateRefused: it is unusable; nothing is changed then.
        """
        template = self._checked(person_id, model_id, embeddings, qualities)
        person = self._persons.get(person_id)
        for known in (person.template, person.anchor) if person else ():
            if known is not None and len(known) and known.similarity(template) < self._threshold:
                raise TemplateRefused(f"the face of {person_id} does not match the one known by that id here")
        person = person or self._create(person_id, foreign=True, seen=seen)
        if person.anchor is None and not len(person.template):
            person.anchor = template
        changed = _add_all(person.template, template.embeddings, template.qualities)
        self.dimension = template.embeddings.shape[1]
        self._touch(person_id, changed)
        if merge:
            self.settle([person_id])

    def settle(self, person_ids: Iterable[str], foreign: bool = False) -> None:
        """Merge learned persons with known ones, where their faces prove it; note a suggestion where they do not.

        Learn all faces first: with few people known, similarities are judged by the model's calibration alone.

        :param foreign: also merge two persons of other robots. Without it each pair is left to the robots that saw one
            of the two: of many robots that judge one pair, the most lenient would decide.
        """
        for person_id in person_ids:
            template = self._template(person_id)
            recognition = self.recognise(template, {person_id}) if template else None
            if recognition is None:
                self._suggest_own(person_id)
            elif foreign or self._was_here(person_id) or self._was_here(recognition.person_id):
                self.merge(person_id, recognition.person_id)

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
        self.enrolled.pop(person_id, None)
        if self._persons.pop(person_id, None):
            self._means = None

    def _candidates(self, template: FaceTemplate, excluded: Collection[str], before: str | None) -> list[_Candidate]:
        """The persons whose faces come near the threshold, the most similar first."""
        if not len(template):
            return []
        person_ids, means = self._known_means()
        if not person_ids:
            return []
        lowest = self._threshold - self._margin
        last = self._persons[before].order if before in self._persons else self._order + 1
        excluded = {self.merges.canonical(person_id) for person_id in excluded}
        found = {}
        for row in np.flatnonzero(means @ template.mean >= lowest):
            person_id = person_ids[row]
            canonical, known = self.merges.canonical(person_id), self._persons[person_id]
            if canonical in excluded or canonical in found or not (known.order < last or known.foreign):
                continue
            joined = self._template(person_id) or known.template
            found[canonical] = _Candidate(canonical, template.mean_similarity(joined), joined)
        near = [each for each in found.values() if each.similarity >= lowest]
        return sorted(near, key=lambda each: -each.similarity)

    def _known_means(self) -> tuple[list[str], np.ndarray]:
        """Ids of the persons with a face, and the mean of each one's faces."""
        if self._means is None:
            templates = self.templates()
            self._means = (list(templates), np.array([each.mean for each in templates.values()], np.float32))
        return self._means

    def _cohort(self) -> Cohort:
        return self._rule.cohort(*self._known_means())

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

    def _create(self, person_id: str, foreign: bool, seen: bool = True) -> _Person:
        self._order += 1
        person = self._persons[person_id] = _Person(self._order, self.empty_template(), foreign, seen)
        # Persons seen here and those of other robots have room of their own: no other robot can displace the former.
        alike = [each for each, known in self._persons.items() if known.seen == person.seen]
        if len(alike) > self._settings.max_persons:
            told = Counter(map(robot_of_person, alike))
            noisiest = max(told, key=lambda robot: told[robot])
            oldest = alike[0] if person.seen else next(each for each in alike if robot_of_person(each) == noisiest)
            self._remove(oldest)
        return person

    def _touch(self, person_id: str, changed: bool) -> None:
        """Move a person to the end of the order of sightings, and note whether the template changed."""
        self._persons[person_id] = self._persons.pop(person_id)
        if changed:
            self._means = None


def _add_all(template: FaceTemplate, embeddings: np.ndarray, qualities: np.ndarray) -> bool:
    """Add embeddings to a template; return whether any was taken."""
    return any([template.add(embedding, float(quality)) for embedding, quality in zip(embeddings, qualities)])
