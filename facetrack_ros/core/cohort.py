"""Other people to compare two faces with, so that their similarity is judged by how alike people are there."""

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from facetrack_ros.core.similarity_level import SimilarityLevel


@dataclass(frozen=True)
class NormalisedSimilarity:
    """A similarity by how alike each of both faces is to other people.

    :param value: standard deviations above the similarity to other people.
    :param people: number of other people behind it; 0: only the model's calibration.
    """

    value: float
    people: int


@dataclass(frozen=True, eq=False)
class Cohort:
    """Faces of several people that were filmed by the same cameras.

    The normalisation is that of speaker verification (S-norm; Auckenthaler et al., 2000; Matejka et al., 2017), on
    logarithms of distances and with the model's calibration as a prior, so that it works with few people and leaves the
    order of similarities as it is with none. The adaptive form, which takes the most similar members only, was worse
    with up to 20 people (benchmarks/one_room_search.py).

    :param people: ``n`` ids, one for each face, all different.
    :param templates: ``(n, dimension)`` float32 unit rows.
    :param prior: of the model, see :meth:`SimilarityLevel.of_curve`.
    :param same_from: similarity from which a face may be of the same person; the model's threshold.
    """

    people: tuple[str, ...]
    templates: np.ndarray
    prior: SimilarityLevel
    same_from: float

    @cached_property
    def _rows(self) -> dict[str, int]:
        return {person: row for row, person in enumerate(self.people)}

    def normalise(
        self, similarity: float, first: np.ndarray, second: np.ndarray, excluded: Collection[str] = ()
    ) -> NormalisedSimilarity:
        """The normalised similarity of two faces.

        Members that may be the person of one of the faces are left out: those excluded, and those similar enough.

        :param similarity: of the two.
        :param first: ``(dimension,)`` unit vector.
        :param second: likewise.
        :param excluded: ids of the person of either face.
        """
        others = np.ones(len(self.people), bool)
        others[[row for row in map(self._rows.get, excluded) if row is not None]] = False
        # Templates of no people have no dimension.
        levels = np.stack([self.templates @ first, self.templates @ second]) if self.people else np.empty((2, 0))
        others &= (levels < self.same_from).all(axis=0)
        scores = [self.prior.updated(level[others]).standard(similarity) for level in levels]
        return NormalisedSimilarity(sum(scores) / 2, int(others.sum()))
