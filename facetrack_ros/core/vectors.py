"""Unit vectors: embeddings are scaled to length 1 wherever they leave an embedder."""

import numpy as np

from facetrack_ros.errors import ModelError, StoreError

_UNIT_TOLERANCE = 1e-3


def l2_normalized(rows: np.ndarray) -> np.ndarray:
    """Scale rows to length 1, float32.

    :param rows: ``(n, dimension)`` numbers.
    :raises ModelError: a row is zero or not finite, so that it has no direction.
    """
    rows = np.asarray(rows, np.float32)
    norms = np.sqrt(np.einsum("ij,ij->i", rows, rows, dtype=np.float64))[:, None]  # whose squares do not overflow
    if not np.isfinite(norms).all() or (norms < 1e-6).any():
        raise ModelError("the embedder gave a vector without direction; its file is damaged or of another kind")
    return (rows / norms).astype(np.float32)


def unit_vector(embedding: np.ndarray, dimension: int) -> np.ndarray:
    """The embedding as contiguous float32.

    :raises StoreError: it is not ``(dimension,)``, not finite or not of length 1 (within 0.001).
    """
    vector = np.ascontiguousarray(embedding, np.float32)
    if vector.shape != (dimension,):
        raise StoreError(
            f"an embedding of shape {vector.shape} does not fit a model of dimension {dimension}; "
            "use one that this model made"
        )
    length = float(np.vdot(vector, vector)) ** 0.5
    if not abs(length - 1.0) <= _UNIT_TOLERANCE:  # true for NaN too
        raise StoreError(f"an embedding has length {length:.4g} instead of 1; normalise it, or leave it out when NaN")
    return vector
