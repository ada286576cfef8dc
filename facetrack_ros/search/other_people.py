"""Sets apart the matches of a search that are of another person than its best match."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np

from facetrack_ros.core.vectors import mean_by_quality
from facetrack_ros.search.response import Match, SearchResponse
from facetrack_ros.search.visits import apply_merges
from facetrack_ros.tracking.identity_merges import IdentityMerges

#: By the number of faces behind the weaker of two templates: how far above the threshold, as a share of its distance to
#: 1, templates of one person are. Of visits of one person of ORL under any two lenses, at most 2 in 1,000 lay below it;
#: of those of two people 5 to 9 of 10 (benchmarks/one_room_search.py). Fewer faces tell nothing.
MARGINS = {3: 0.0, 4: 0.1}
#: How much more similar than the other the best match must be, as a share of the distance from the threshold to 1.
CLEARLY_BETTER = 0.2


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
        return cls(mean_by_quality(embeddings, qualities), len(embeddings)) if len(embeddings) else None


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
    # A robot with sightings of two models has a line for each: the first one counts what is settled here.
    robots = tuple(
        replace(robot, matches=max(0, robot.matches + more.pop(robot.robot_id, 0))) for robot in response.robots
    )
    alike.sort(key=lambda match: -match.similarity)
    names = _names_of(matches)
    kept, alike = (
        [replace(each, name=names.get(each.person_id, each.name)) for each in found] for found in (kept, alike)
    )
    return replace(response, matches=tuple(kept), alike=tuple(alike), robots=robots)


def _names_of(matches: Iterable[Match]) -> dict[str, str]:
    """The name of each person that is recognised under one name in any visit: it is the person's in all of them."""
    names: dict[str, set[str]] = {}
    for match in matches:
        if match.person_id and match.name:
            names.setdefault(match.person_id, set()).add(match.name)
    return {person_id: next(iter(found)) for person_id, found in names.items() if len(found) == 1}


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
        return replace(match, different_person=seen_together_with(best.person_id))
    return replace(match, different_person=_difference(match, best, threshold, merges, face_of))


def _difference(match: Match, best: Match, threshold: float, merges: IdentityMerges, face_of: FaceOf) -> str:
    """Why two matches are of two people; empty: they may be one."""
    if decisions := merges.conflicts(match.person_id, best.person_id):
        return f"not the same person as {best.person_id}, decided by {decisions[0].by}"
    if best.similarity - match.similarity < CLEARLY_BETTER * (1 - threshold):
        return ""
    face, best_face = face_of(match.person_id), face_of(best.person_id)
    faces = min(face.faces, best_face.faces) if face and best_face else 0
    margin = MARGINS.get(min(faces, max(MARGINS)))
    if face is None or best_face is None or margin is None:
        return ""
    similarity, lowest = float(face.template @ best_face.template), threshold + margin * (1 - threshold)
    if similarity >= lowest:
        return ""
    return f"its face and that of {best.person_id} are {similarity:.2f} alike, one person's {lowest:.2f} or more"
