"""Sets apart the matches of a search that are of another person than its best match."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np

from facetrack_ros.search.response import Match, SearchResponse
from facetrack_ros.search.visits import apply_merges
from facetrack_ros.tracking.identity_merges import IdentityMerges

#: Faces that both templates must have before they tell two people apart. With two photographs each, none of 1,146 pairs
#: of one person of LFW lay below the threshold; with one each, 1.8 % did.
LEAST_FACES = 2
#: How much more similar than the other the best match must be, as a share of the distance from the threshold to 1.
CLEARLY_BETTER = 0.2
# Even a face of quality 0 counts a little.
_LEAST_WEIGHT = 1e-3


@dataclass(frozen=True, eq=False)
class PersonFace:
    """The face of a person as robots know it.

    :param template: ``(dimension,)`` unit vector, the mean of the person's best faces.
    :param faces: number of faces behind it.
    """

    template: np.ndarray
    faces: int

    @classmethod
    def of(cls, embeddings: np.ndarray, qualities: np.ndarray) -> "PersonFace | None":
        """The mean of a person's faces by quality; None of no faces.

        :param embeddings: ``(n, dimension)`` unit rows.
        :param qualities: ``(n,)`` 0..1.
        """
        if not len(embeddings):
            return None
        mean = (qualities + _LEAST_WEIGHT) @ embeddings
        norm = float(np.linalg.norm(mean))
        # Opposite faces must not cancel to nothing.
        template = mean / norm if norm > _LEAST_WEIGHT else embeddings[int(np.argmax(qualities))]
        return cls(template.astype(np.float32), len(embeddings))


#: The face of a person id; None where it is unknown or of another model.
FaceOf = Callable[[str], PersonFace | None]


def seen_together_with(person_id: str) -> str:
    """Why a match is of another person than one of the same camera."""
    return f"seen together with {person_id}"


def settle_people(response: SearchResponse, merges: IdentityMerges, face_of: FaceOf) -> SearchResponse:
    """The response under canonical person ids, with the matches apart that are known to be of another person.

    One reference is one person. A match of another person than the best match's is ``alike`` where an operator or robot
    decided that they are two, where one frame showed both, or where the templates of both lie below the threshold.
    Without such knowledge two ids may be one person whom robots have not merged yet, and both stay. Robots also set
    apart what they know better: a single face of a visit whose other faces disagree, a face no more alike than those of
    other people there.

    :param response: as collected; matches that a robot set apart have ``different_person``, and count in no line.
    :param face_of: for the model of the request.
    """
    collected = (*response.matches, *response.alike)
    matches = apply_merges(sorted(collected, key=lambda match: bool(match.different_person)), merges)
    best = next((match for match in matches if not match.different_person), None)
    by_other_models = {robot.robot_id for robot in response.robots if robot.model_id}
    if best is None or best.robot_id in by_other_models:
        face_of = _unknown_face
    kept: list[Match] = []
    alike: list[Match] = []
    more: Counter[str] = Counter()
    for match in matches:
        known = _unknown_face if match.robot_id in by_other_models else face_of
        settled = _settle(match, best, response.threshold, merges, known)
        (alike if settled.different_person else kept).append(settled)
        more[match.robot_id] += bool(match.different_person) - bool(settled.different_person)
    robots = tuple(replace(robot, matches=max(0, robot.matches + more[robot.robot_id])) for robot in response.robots)
    alike.sort(key=lambda match: -match.similarity)
    return replace(response, matches=tuple(kept), alike=tuple(alike), robots=robots)


def _unknown_face(_person_id: str) -> PersonFace | None:
    return None


def best_of_robot(matches: Iterable[Match]) -> Match | None:
    """The best match that has a person and was not set apart."""
    return next((match for match in matches if match.person_id and not match.different_person), None)


def _settle(match: Match, best: Match | None, threshold: float, merges: IdentityMerges, face_of: FaceOf) -> Match:
    """The match with why it is of another person than the best one, as the whole fleet knows it."""
    together = match.different_person.startswith(seen_together_with(""))
    if match.different_person and not together:
        return match
    if best is None or not best.person_id or match.person_id in ("", best.person_id):
        return replace(match, different_person="")
    if together and match.different_person in map(seen_together_with, merges.group(best.person_id)):
        return match
    return replace(match, different_person=_difference(match, best, threshold, merges, face_of))


def _difference(match: Match, best: Match, threshold: float, merges: IdentityMerges, face_of: FaceOf) -> str:
    """Why two matches are of two people; empty: they may be one."""
    if decisions := merges.conflicts(match.person_id, best.person_id):
        return f"not the same person as {best.person_id}, decided by {decisions[0].by}"
    if best.similarity - match.similarity < CLEARLY_BETTER * (1 - threshold):
        return ""
    face, best_face = face_of(match.person_id), face_of(best.person_id)
    if face is None or best_face is None or min(face.faces, best_face.faces) < LEAST_FACES:
        return ""
    similarity = float(face.template @ best_face.template)
    if similarity >= threshold:
        return ""
    return (
        f"the faces of {match.person_id} and {best.person_id} are {similarity:.2f} alike, one person's {threshold:.2f}"
    )
