"""Linear projections of embeddings to fewer dimensions: principal components, or a fixed random rotation."""

from dataclasses import dataclass

import numpy as np

from facetrack_ros.core.vectors import l2_normalized
from facetrack_ros.errors import ModelError

#: Seed of the fixed projection. It never changes: another seed makes another embedding.
SEED = 20240229


@dataclass(frozen=True, eq=False)
class Projection:
    """A linear map to at most as many dimensions; its results are scaled to length 1.

    :param components: ``(dimension, input dimension)`` float32; orthonormal rows where they come from this module.
    :param mean: ``(input dimension,)`` float32, subtracted first.
    """

    components: np.ndarray
    mean: np.ndarray

    @property
    def dimension(self) -> int:
        """Dimension of the results."""
        return len(self.components)

    def __call__(self, rows: np.ndarray) -> np.ndarray:
        """``(n, dimension)`` float32 unit rows from ``(n, input dimension)`` unit rows.

        :raises ModelError: a row lies at the mean or is orthogonal to all components.
        """
        return l2_normalized((rows - self.mean) @ self.components.T)


def seeded_projection(input_dimension: int, dimension: int) -> Projection:
    """The projection that is the same on every robot; it roughly keeps lengths and angles (Johnson and Lindenstrauss,
    1984) and needs no data.

    Normal numbers of numpy's frozen ``RandomState`` stream, orthonormalised by QR with a positive diagonal of R, which
    makes Q unique; so all versions of numpy and LAPACK agree but for the last bit.

    :raises ModelError: ``dimension`` is not within 1 to ``input_dimension``.
    """
    _check_dimension(dimension, input_dimension)
    normal = np.random.RandomState(SEED).standard_normal((input_dimension, dimension))
    q, r = np.linalg.qr(normal)
    components = np.ascontiguousarray((q * np.where(np.diag(r) < 0, -1.0, 1.0)).T, np.float32)
    return Projection(components, np.zeros(input_dimension, np.float32))


def fit_pca(rows: np.ndarray, dimension: int) -> Projection:
    """The principal components of embeddings, strongest first.

    :param rows: ``(n, input dimension)`` unit rows, n above ``dimension``, best many times as many.
    :raises ModelError: ``dimension`` is not within 1 to the input dimension, or the rows span fewer directions.
    """
    rows = np.asarray(rows, np.float64)
    _check_dimension(dimension, rows.shape[1])
    if len(rows) <= dimension:
        raise ModelError(
            f"{len(rows)} faces do not tell {dimension} components apart: give more pictures, at least "
            f"{dimension + 1} faces, or a smaller dimension"
        )
    mean = rows.mean(axis=0)
    _, strengths, components = np.linalg.svd(rows - mean, full_matrices=False)
    known = int((strengths > 1e-6 * max(strengths[0], 1e-6)).sum())
    if known < dimension:
        raise ModelError(
            f"the {len(rows)} faces differ in {known} directions only, {dimension} are asked for: give more "
            f"different pictures or a smaller dimension"
        )
    components = components[:dimension]
    # LAPACK chooses a component's sign: here its largest value is made positive.
    largest = np.take_along_axis(components, np.abs(components).argmax(axis=1)[:, None], axis=1)
    return Projection((components * np.sign(largest)).astype(np.float32), mean.astype(np.float32))


def _check_dimension(dimension: int, input_dimension: int) -> None:
    if not 1 <= dimension <= input_dimension:
        raise ModelError(
            f"an embedding of {input_dimension} numbers cannot be reduced to {dimension}; choose from 1 to "
            f"{input_dimension}"
        )
