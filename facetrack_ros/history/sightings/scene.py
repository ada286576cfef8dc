"""What the people of a store look like to each other: a sample of its sightings, for calibration to the scene."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from facetrack_ros.core.vectors import mean_by_quality
from facetrack_ros.tracking.identity_merges import IdentityMerges

#: Sightings read for a sample, in so many stretches over the whole store. Chosen by hand: some 20 ms.
SAMPLE_ROWS, SAMPLE_STRETCHES = 2048, 16
#: Faces of a person that count, the best, couples of people, and people of the cohort: they keep a search as fast as
#: without them. Chosen by hand.
_FACES, _COUPLES, _PEOPLE = 5, 400, 256
# Sightings compared with each other to find those of one time.
_BLOCK = 256


@dataclass(frozen=True, eq=False)
class SampledSightings:
    """Sightings as columns, ``n`` each.

    :param people: person ids; empty: unknown.
    :param spans: ``(n, 2)`` int64, first and last stamp.
    :param embeddings: ``(n, dimension)`` float32 unit rows.
    """

    people: Sequence[str]
    cameras: Sequence[str]
    tracks: Sequence[str]
    spans: np.ndarray
    qualities: np.ndarray
    embeddings: np.ndarray


@dataclass(frozen=True, eq=False)
class Scene:
    """The people of a store, and similarities of people known to be different.

    People are known to be different where one frame showed both, or a robot or operator decided so. Two ids that never
    met may be one person, so that their similarity says nothing.

    :param canonical: the canonical id of each person id that robots merged with another.
    :param people: ``n`` persons, each under the canonical id.
    :param templates: ``(n, dimension)`` float32 unit rows.
    :param similarities: ``(pairs,)`` cosines of faces of different people, rising.
    :param weights: ``(pairs,)``; those of the faces of two people add up to 1.
    :param different_people: number of people behind these pairs.
    """

    canonical: Mapping[str, str]
    people: tuple[str, ...]
    templates: np.ndarray
    similarities: np.ndarray
    weights: np.ndarray
    different_people: int

    @classmethod
    def empty(cls, dimension: int) -> "Scene":
        """A scene without people."""
        return cls({}, (), np.empty((0, dimension), np.float32), np.empty(0), np.empty(0), 0)

    @classmethod
    def of(cls, sample: SampledSightings, merges: IdentityMerges) -> "Scene":
        """The scene of a sample of sightings.

        :param merges: decisions on person ids.
        """
        rows: dict[str, list[int]] = {}
        # A track without a person counts as one of its own.
        names = [merges.canonical(person) or track for person, track in zip(sample.people, sample.tracks)]
        for row in np.argsort(-sample.qualities, kind="stable").tolist():
            faces = rows.setdefault(names[row], [])
            if len(faces) < _FACES:
                faces.append(row)
        rows.pop("", None)
        couples = set(_seen_together(sample, names)) | _decided(merges, rows)
        found, weights, different = [], [], set()
        for one, other in _evenly(sorted(couples), _COUPLES):
            pairs = (sample.embeddings[rows[one]] @ sample.embeddings[rows[other]].T).ravel()
            found.append(pairs)
            weights.append(np.full(len(pairs), 1 / len(pairs)))
            different |= {one, other}
        persons = _evenly(sorted({merges.canonical(person) for person in sample.people if person}), _PEOPLE)
        templates = [mean_by_quality(sample.embeddings[rows[each]], sample.qualities[rows[each]]) for each in persons]
        similarities, weight = (np.concatenate([np.empty(0), *parts]) for parts in (found, weights))
        order = np.argsort(similarities)
        return cls(
            {person_id: group[0] for group in merges.groups() for person_id in group},
            tuple(persons),
            np.array(templates, np.float32).reshape(-1, sample.embeddings.shape[1]),
            similarities[order],
            weight[order],
            len(different),
        )


def _evenly(items: list, most: int) -> list:
    """At most so many of the items, evenly over all."""
    return items if len(items) <= most else [items[number * len(items) // most] for number in range(most)]


def _seen_together(sample: SampledSightings, names: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Pairs of people with sightings of one time and camera and of two tracks; some of a long sample are missed."""
    people, name = np.unique(names, return_inverse=True)
    _, camera = np.unique(sample.cameras, return_inverse=True)
    tracks, track = np.unique(sample.tracks, return_inverse=True)
    known = (people[name] != "") & (tracks[track] != "")
    for number in range(int(camera.max(initial=-1)) + 1):
        of_camera = np.flatnonzero((camera == number) & known)
        ordered = of_camera[np.argsort(sample.spans[of_camera, 0], kind="stable")]
        for start in range(0, len(ordered), _BLOCK):
            block = ordered[start : start + _BLOCK]
            (first, last), who, where = sample.spans[block].T, name[block], track[block]
            together = (first[:, None] <= last) & (first <= last[:, None])
            together &= (where[:, None] != where) & (who[:, None] < who)  # names are numbered in their order
            one, other = np.nonzero(together)
            for pair in np.unique(who[one] * len(people) + who[other]).tolist():
                yield str(people[pair // len(people)]), str(people[pair % len(people)])


def _decided(merges: IdentityMerges, known: Iterable[str]) -> set[tuple[str, str]]:
    """Pairs of known people that a robot or operator decided to be different."""
    known = set(known)
    found = set()
    for decision in merges.decisions:
        one, other = sorted(map(merges.canonical, decision.pair))
        if not decision.same and one != other and {one, other} <= known:
            found.add((one, other))
    return found
