"""Judges a track that has a face like the reference: by all its good faces, and by other people of the store."""

import math
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

import numpy as np

from facetrack_ros.core.cohort import Cohort
from facetrack_ros.core.similarity_level import SimilarityLevel
from facetrack_ros.core.vectors import mean_by_quality
from facetrack_ros.history.sightings.queries import TrackHit
from facetrack_ros.history.sightings.scene import Scene
from facetrack_ros.models.contract import ModelContract
from facetrack_ros.search.request import SearchRequest

#: Other people that it takes before a match is refused for being no more alike than they are.
LEAST_COHORT = 3
#: Standard deviations by which a match may fall short, among other people of the store, of what the threshold is worth
#: on the model's calibration. Among 39 other people it costs 1 in 1,000 true matches of MobileFaceNet and 4 of dlib's
#: (benchmarks/one_room_search.py).
SLACK = 0.3

#: By track the embeddings and qualities of its best faces.
FacesOfTracks = Callable[[Collection[str]], dict[str, tuple[np.ndarray, np.ndarray]]]


@dataclass(frozen=True)
class JudgedTrack:
    """A track with a face at or above the threshold, and what its other faces and other people say.

    :param similarity: of the mean of its best faces; of the single best one where that makes it no match.
    :param normalised: standard deviations above the similarity to other people; NaN: none to compare with.
    :param apart: why it is no match; empty: it is one.
    """

    hit: TrackHit
    similarity: float
    normalised: float = math.nan
    apart: str = ""


class TrackJudge:
    """Judges the tracks that one search found in one store.

    :param scene: of the store.
    :param threshold: lowest cosine similarity of a match.
    """

    def __init__(self, scene: Scene, request: SearchRequest, contract: ModelContract, threshold: float) -> None:
        self._references = np.asarray(request.embeddings, np.float32)
        self._asked = set(request.person_ids)
        self._threshold = threshold
        self._scene = scene
        self._prior = SimilarityLevel.of_curve(contract.false_match_curve)
        if self._prior is not None:
            self._cohort = Cohort(scene.people, scene.templates, self._prior, threshold)

    def judge(self, hits: Iterable[TrackHit], faces_of: FacesOfTracks) -> list[JudgedTrack]:
        """The tracks, matches first, each part by falling similarity."""
        hits = list(hits)
        faces = faces_of({hit.sighting.track_id for hit in hits if hit.sighting.track_id})
        judged = [self._judge(hit, *faces.get(hit.sighting.track_id, _face_of(hit))) for hit in hits]
        return sorted(judged, key=lambda track: (bool(track.apart), -track.similarity))

    def _judge(self, hit: TrackHit, embeddings: np.ndarray, qualities: np.ndarray) -> JudgedTrack:
        template, person = mean_by_quality(embeddings, qualities), hit.sighting.person_id
        with_references = self._references @ template
        similarity = float(with_references.max())
        reference = self._references[int(with_references.argmax())]
        normalised, apart = self._compare_with_others(similarity, reference, template, person)
        if person and person in self._asked:
            return JudgedTrack(hit, max(similarity, hit.similarity), normalised)
        if similarity < self._threshold:
            alike = int(((embeddings @ self._references.T).max(axis=1) >= self._threshold).sum())
            apart = f"only {alike} of the track's {len(embeddings)} faces, whose mean is {similarity:.2f} alike"
        return JudgedTrack(hit, hit.similarity if apart else similarity, normalised, apart)

    def _compare_with_others(
        self, similarity: float, reference: np.ndarray, template: np.ndarray, person_id: str
    ) -> tuple[float, str]:
        """The normalised similarity, NaN where there is no other person; and why it is too low, if it is."""
        if self._prior is None:
            return math.nan, ""
        asked = {self._scene.canonical.get(person, person) for person in (*self._asked, person_id)}
        found = self._cohort.normalise(similarity, reference, template, asked)
        if not found.people:
            return math.nan, ""
        wanted = self._prior.standard(self._threshold) - SLACK
        if found.people < LEAST_COHORT or found.value >= wanted:
            return found.value, ""
        others = f"of {found.people} other people there, {wanted:.1f} are asked"
        return found.value, f"only {found.value:.1f} standard deviations above the faces {others}"


def _face_of(hit: TrackHit) -> tuple[np.ndarray, np.ndarray]:
    return hit.sighting.embedding[None], np.array([hit.sighting.quality], np.float32)
