"""Agreement of two face templates, and the rule from which it proves that they are of one person."""

import math
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from facetrack_ros.core.cohort import Cohort
from facetrack_ros.core.similarity_level import SimilarityLevel
from facetrack_ros.tracking.face_template import FaceTemplate
from facetrack_ros.tracking.linear_assignment import best_pairs

#: Pairs of different faces that must match. One pair alone matched 2 to 5 times in 5,000 pairs of strangers under one
#: lens (dlib), two never (benchmarks/one_room.py).
LEAST_PAIRS = 2
#: Share of the faces of the smaller template that must match: of 15 faces each, two pairs match by chance.
MATCHING_SHARE = 0.5
#: A single face proves a person only this far from the threshold towards 1: with dlib strangers reach 0.957, one face of
#: a person needs 0.9725; with MobileFaceNet 0.565, and 0.75.
SINGLE_FACE = 0.5


@dataclass(frozen=True)
class FaceAgreement:
    """How far two face templates agree.

    :param similarity: the lower of the best pair of faces and of the means, cosine.
    :param template_similarity: of the means, cosine.
    :param normalised: the same by how alike both are to other people here, as a cosine of the model's calibration.
    :param pairs: pairs of faces above the threshold, each face used once.
    :param least_pairs: so many are needed.
    :param single: whether either template holds one face only.
    :param frames: number of frames behind the template that has more of them.
    """

    similarity: float
    template_similarity: float
    normalised: float
    pairs: int
    least_pairs: int
    single: bool
    frames: int


class AgreementRule:
    """Compares face templates and judges the result.

    :param threshold: of the embedder: lowest cosine similarity of a match.
    :param prior: how alike strangers are to the model, of its calibration; None: similarities are not normalised.
    """

    def __init__(self, threshold: float, prior: SimilarityLevel | None = None):
        self.threshold = threshold
        self._prior = prior

    def cohort(self, people: Collection[str], means: np.ndarray) -> Cohort | None:
        """The cohort of known persons; None where similarities are not normalised.

        :param means: ``(n, dimension)`` unit rows, one for each of ``people``.
        """
        return None if self._prior is None else Cohort(tuple(people), means, self._prior, self.threshold)

    def compare(
        self, one: FaceTemplate, other: FaceTemplate, cohort: Cohort | None, excluded: Collection[str] = ()
    ) -> FaceAgreement:
        """The agreement of two templates that are not empty.

        :param excluded: members of the cohort that are the person of either template.
        """
        pairwise = one.embeddings @ other.embeddings.T
        template_similarity = one.mean_similarity(other)
        faces = min(len(one), len(other))
        return FaceAgreement(
            min(float(pairwise.max()), template_similarity),
            template_similarity,
            self.normalised(one, other, cohort, excluded),
            len(best_pairs(np.where(pairwise >= self.threshold, 2.0 + pairwise, -np.inf))),
            max(LEAST_PAIRS, math.ceil(MATCHING_SHARE * faces)),
            faces == 1,
            max(one.frames, other.frames),
        )

    def normalised(
        self, one: FaceTemplate, other: FaceTemplate, cohort: Cohort | None, excluded: Collection[str] = ()
    ) -> float:
        """Similarity of two templates as it would be among the people of the model's calibration."""
        similarity, means = one.mean_similarity(other), (one.mean, other.mean)
        if cohort is None or self._prior is None or means[0] is None or means[1] is None:
            return similarity
        standard = cohort.normalise(similarity, means[0], means[1], excluded).value
        return self._prior.mean + standard * self._prior.deviation

    def proves(self, agreement: FaceAgreement, margin: float) -> bool:
        """Whether the agreement proves one person: the faces, the means and the comparison with other people agree.

        :param margin: how far the means must exceed the threshold, cosine.
        """
        if agreement.normalised < self.threshold or agreement.template_similarity < self.threshold + margin:
            return False
        if agreement.single:
            clear = self.threshold + SINGLE_FACE * (1 - self.threshold)
            return agreement.frames >= LEAST_PAIRS and agreement.similarity >= clear
        return agreement.pairs >= agreement.least_pairs

    def suggests(self, agreement: FaceAgreement) -> bool:
        """Whether the two may be one person, not proven."""
        return agreement.similarity >= self.threshold
