"""Unit vectors: scaling embeddings to length 1, and checks that they are."""

import numpy as np

from facetrack_ros.errors import ModelError, StoreError

#: Deviation from length 1 that an embedding may have; chosen by hand, well above float32 rounding.
UNIT_TOLERANCE = 1e-3
#: The same of an embedding that a message rounded.
WIRE_TOLERANCE = 1e-2
_LEAST_WEIGHT, _SHORTEST_MEAN = 1e-3, 1e-6


def l2_normalized(rows: np.ndarray) -> np.ndarray:
    """Scale rows to length 1, float32.

    :param rows: ``(n, dimension)`` numbers.
    :raises ModelError: a row is zero or not finite.
    """
    rows = np.asarray(rows, np.float32)
    norms = np.sqrt(np.einsum("ij,ij->i", rows, rows, dtype=np.float64))[:, None]  # float64: squares do not overflow
    if not np.isfinite(norms).all() or (norms < 1e-6).any():
        raise ModelError("the embedder gave a vector without direction; its file is damaged or of another kind")
    return (rows / norms).astype(np.float32)


def mean_by_quality(embeddings: np.ndarray, qualities: np.ndarray) -> np.ndarray:
    """The mean of faces of one person, weighted by quality: ``(dimension,)`` float32 unit vector.

    :param embeddings: ``(n, dimension)`` unit rows, at least one.
    :param qualities: ``(n,)`` 0..1; even a face of quality 0 counts a little.
    """
    mean = (np.asarray(qualities, np.float32) + _LEAST_WEIGHT) @ embeddings
    norm = float(np.linalg.norm(mean))
    # Opposite faces must not cancel to nothing.
    return (mean / norm if norm > _SHORTEST_MEAN else embeddings[int(np.argmax(qualities))]).astype(np.float32)


def unit_vector(embedding: np.ndarray, dimension: int) -> np.ndarray:
    """The embedding as contiguous float32.

    :raises StoreError: it is not ``(dimension,)``, not finite or not of length 1 within :data:`UNIT_TOLERANCE`.
    """
    vector = np.ascontiguousarray(embedding, np.float32)
    if vector.shape != (dimension,):
        raise StoreError(
            f"an embedding of shape {vector.shape} does not fit a model of dimension {dimension}; "
            "use one that this model made"
        )
    length = float(np.vdot(vector, vector)) ** 0.5
    if not abs(length - 1.0) <= UNIT_TOLERANCE:  # NaN too
        raise StoreError(f"an embedding has length {length:.4g} instead of 1; normalise it, or leave it out when NaN")
    return vector


def is_unit(embedding: np.ndarray, dimension: int | None = None) -> bool:
    """Whether an array is a vector of length 1 within :data:`WIRE_TOLERANCE`; False for values that are not finite.

    :param dimension: required number of values; None: any.
    """
    return (
        embedding.ndim == 1
        and embedding.size > 0
        and dimension in (None, embedding.size)
        and abs(float(np.vdot(embedding, embedding)) ** 0.5 - 1) < WIRE_TOLERANCE
    )
