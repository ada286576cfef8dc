"""Embeddings scaled to length 1, the only form in which they leave an embedder."""

import numpy as np

from facetrack_ros.errors import ModelError


def l2_normalized(rows: np.ndarray) -> np.ndarray:
    """Rows scaled to length 1, float32.

    :param rows: ``(n, dimension)`` numbers.
    :raises ModelError: a row is zero or not finite, so that it has no direction.
    """
    rows = np.asarray(rows, np.float32)
    norms = np.sqrt(np.einsum("ij,ij->i", rows, rows, dtype=np.float64))[:, None]  # whose squares do not overflow
    if not np.isfinite(norms).all() or (norms < 1e-6).any():
        raise ModelError("the embedder gave a vector without direction; its file is damaged or of another kind")
    return (rows / norms).astype(np.float32)
