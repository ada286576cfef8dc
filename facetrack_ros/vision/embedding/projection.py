"""Embeddings with fewer numbers: by the principal components of pictures, or by a fixed rotation."""

from dataclasses import dataclass

import numpy as np

from facetrack_ros.core.vectors import l2_normalized
from facetrack_ros.errors import ModelError

#: Seed of the fixed projection. Another one is another embedding: it never changes.
SEED = 20240229


@dataclass(frozen=True, eq=False)
class Projection:
    """A linear map, to fewer numbers or as many; what it gives is scaled to length 1 again.

    :param components: ``(dimension, numbers in)`` float32; orthonormal rows where they come from this file.
    :param mean: ``(numbers in,)`` float32, taken away before.
    """

    components: np.ndarray
    mean: np.ndarray

    @property
    def dimension(self) -> int:
        """Numbers that come out."""
        return len(self.components)

    def __call__(self, rows: np.ndarray) -> np.ndarray:
        """``(n, dimension)`` float32 unit rows from ``(n, numbers in)`` unit rows.

        :raises ModelError: a row lies at the mean or across all components, so that nothing of it is left.
        """
        return l2_normalized((rows - self.mean) @ self.components.T)


def seeded_projection(numbers_in: int, dimension: int) -> Projection:
    """The projection that is the same on every robot: it keeps lengths and angles about as they are (Johnson and
    Lindenstrauss, 1984) and needs no pictures.

    Normal numbers from numpy's frozen ``RandomState`` stream, orthonormalised by QR with the diagonal of R made
    positive, by which Q is unique; so no version of numpy or LAPACK gives another one, but for the last bit.

    :raises ModelError: ``dimension`` is not within 1 to ``numbers_in``.
    """
    _check_dimension(dimension, numbers_in)
    normal = np.random.RandomState(SEED).standard_normal((numbers_in, dimension))
    q, r = np.linalg.qr(normal)
    components = np.ascontiguousarray((q * np.where(np.diag(r) < 0, -1.0, 1.0)).T, np.float32)
    return Projection(components, np.zeros(numbers_in, np.float32))


def fit_pca(rows: np.ndarray, dimension: int) -> Projection:
    """The principal components of embeddings, strongest first.

    :param rows: ``(n, numbers in)`` unit rows; more of them than ``dimension``, best many times as many.
    :raises ModelError: ``dimension`` is not within 1 to the numbers in, or so many directions are not in the rows.
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
    # The sign of a component is LAPACK's choice: its largest number is made positive.
    largest = np.take_along_axis(components, np.abs(components).argmax(axis=1)[:, None], axis=1)
    return Projection((components * np.sign(largest)).astype(np.float32), mean.astype(np.float32))


def _check_dimension(dimension: int, numbers_in: int) -> None:
    if not 1 <= dimension <= numbers_in:
        raise ModelError(
            f"an embedding of {numbers_in} numbers cannot be reduced to {dimension}; choose from 1 to {numbers_in}"
        )
