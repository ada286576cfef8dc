"""Agreement of two face templates, and the rule from which it proves that they are of one person."""

import math
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from facetrack_ros.core.cohort import Cohort
from facetrack_ros.core.similarity_level import SimilarityLevel, closeness
from facetrack_ros.tracking.identity.face_template import FaceTemplate
from facetrack_ros.tracking.linear_assignment import best_pairs

# Chosen by hand on templates of 1 to 5 faces of ORL, clear and through poor lenses, with both embedders; checked by
# benchmarks/one_room.py --lenses. A false merge counts as much as ten missed ones.
#: Frames that must show a face.
LEAST_FRAMES = 2
#: Share of the faces of the smaller template that must match: of 15 faces each, two pairs match by chance.
MATCHING_SHARE = 0.5
#: How far above strangers the means must lie, in standard deviations of these beyond what the threshold is worth: with
#: one matching pair, with more, and with any. Strangers reached 0.9, 0.7 and 0.6, most in the dark.
NEEDED_BEYOND = (1.1, 0.9, 1.5)
# Of models without a false-match curve: how far the threshold is taken to lie above strangers, the standard deviation
# of these, as with dlib's embedder, and what is needed beyond.
_UNCALIBRATED_THRESHOLD, _UNCALIBRATED_DEVIATION = 3.6, 0.29
_UNCALIBRATED_BEYOND = (2.0, 1.8, 2.4)


@dataclass(frozen=True)
class FaceAgreement:
    """How far two face templates agree.

    :param similarity: the lower of the best pair of faces and of the means, cosine.
    :param template_similarity: of the means, cosine.
    :param deviations: how far the means lie above strangers, in standard deviations: of the model's calibration, or of
        the people here where that is less.
    :param pairs: pairs of faces above the threshold, each face used once.
    :param least_pairs: half of the faces of the smaller template.
    :param frames: number of frames behind the template that has more of them.
    """

    similarity: float
    template_similarity: float
    deviations: float
    pairs: int
    least_pairs: int
    frames: int


class AgreementRule:
    """Compares face templates and judges the result.

    :param threshold: of the embedder: lowest cosine similarity of a match.
    :param strangers: how alike strangers are to the model, of its calibration; None: unknown.
    """

    def __init__(self, threshold: float, strangers: SimilarityLevel | None = None):
        self.threshold = threshold
        uncalibrated = float(closeness(threshold)) - _UNCALIBRATED_THRESHOLD * _UNCALIBRATED_DEVIATION
        self._strangers = strangers or SimilarityLevel(uncalibrated, _UNCALIBRATED_DEVIATION)
        beyond, worth = NEEDED_BEYOND if strangers else _UNCALIBRATED_BEYOND, self._strangers.standard(threshold)
        self._one_pair, self._pairs, self._means = (worth + each for each in beyond)

    def cohort(self, people: Collection[str], means: np.ndarray) -> Cohort:
        """The cohort of known persons.

        :param means: ``(n, dimension)`` unit rows, one for each of ``people``.
        """
        # Means of strangers exceed the threshold of single faces; those far above it may be of the same person.
        level = self._strangers.mean + self._pairs * self._strangers.deviation
        return Cohort(tuple(people), means, self._strangers, 1 - math.exp(-level))

    def compare(
        self, one: FaceTemplate, other: FaceTemplate, cohort: Cohort | None, excluded: Collection[str] = ()
    ) -> FaceAgreement:
        """The agreement of two templates that are not empty.

        :param cohort: persons known here; None: none.
        :param excluded: members of the cohort that are the person of either template.
        """
        pairwise = one.embeddings @ other.embeddings.T
        template_similarity = one.mean_similarity(other)
        faces = min(len(one), len(other))
        return FaceAgreement(
            min(float(pairwise.max()), template_similarity),
            template_similarity,
            self._deviations(one, other, cohort, excluded),
            len(best_pairs(np.where(pairwise >= self.threshold, 2.0 + pairwise, -np.inf))),
            max(1, int(MATCHING_SHARE * faces)),
            max(one.frames, other.frames),
        )

    def _deviations(
        self, one: FaceTemplate, other: FaceTemplate, cohort: Cohort | None, excluded: Collection[str]
    ) -> float:
        """Under one lens strangers are more alike than in the calibration, so that it takes more similarity."""
        similarity, mean, other_mean = one.mean_similarity(other), one.mean, other.mean
        calibrated = self._strangers.standard(similarity)
        if cohort is None or mean is None or other_mean is None:
            return calibrated
        return min(calibrated, cohort.normalise(similarity, mean, other_mean, excluded).value)

    def alike(
        self, one: FaceTemplate, other: FaceTemplate, cohort: Cohort | None, excluded: Collection[str] = ()
    ) -> bool:
        """Whether two means match: above the threshold, also by the measure of how alike people here are."""
        if one.mean_similarity(other) < self.threshold:
            return False
        return self._deviations(one, other, cohort, excluded) >= self._strangers.standard(self.threshold)

    def proves(self, agreement: FaceAgreement) -> bool:
        """Whether the agreement proves one person: frames, faces and means agree, by comparison with other people."""
        if agreement.similarity < self.threshold or agreement.frames < LEAST_FRAMES:
            return False
        if agreement.deviations >= self._means:
            return True
        needed = self._one_pair if agreement.pairs == 1 else self._pairs
        return agreement.pairs >= agreement.least_pairs and agreement.deviations >= needed

    def suggests(self, agreement: FaceAgreement) -> bool:
        """Whether the two may be one person, not proven."""
        return agreement.similarity >= self.threshold
