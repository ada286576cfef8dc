"""A face embedder with its vectors reduced by the seeded projection."""

from collections.abc import Sequence

import numpy as np

from facetrack_ros.core.face import Face
from facetrack_ros.errors import ModelError
from facetrack_ros.models import catalog
from facetrack_ros.models.contract import ModelContract, derived_contract
from facetrack_ros.vision.embedding.projection import seeded_projection
from facetrack_ros.vision.interfaces import FaceEmbedder


class ReducedFaceEmbedder:
    """An embedder followed by :func:`~.projection.seeded_projection`.

    :param contract: result of :func:`reduced_contract` for it.
    """

    def __init__(self, embedder: FaceEmbedder, contract: ModelContract):
        self.contract = contract
        self.min_face_px = embedder.min_face_px
        self._embedder = embedder
        self._projection = seeded_projection(embedder.contract.dimension, contract.dimension)

    def embed(self, image: np.ndarray, faces: Sequence[Face]) -> np.ndarray:
        """``(n, dimension)`` float32 unit rows; raises the embedder's errors."""
        rows = self._embedder.embed(image, faces)
        return self._projection(rows) if len(rows) else np.empty((0, self.contract.dimension), np.float32)


def reduced_contract(contract: ModelContract, dimension: int) -> ModelContract:
    """The contract of an embedder reduced to ``dimension``.

    :param dimension: 0 or the contract's own: not reduced.
    :return: the contract itself, or that of its seeded projection, with its calibration on this machine.
    :raises ModelError: the embedder is an identity model, or has fewer dimensions.
    """
    if dimension in (0, contract.dimension):
        return contract
    if contract.purpose != "appearance":
        raise ModelError(
            f"{contract.id} gives {contract.dimension} numbers by which it was measured as an identity model; "
            f"leave face_tracking.embedding_dim at 0, or choose an embedder of appearance"
        )
    if not 1 <= dimension < contract.dimension:
        raise ModelError(
            f"{contract.id} gives {contract.dimension} numbers, which cannot be reduced to {dimension}; set "
            f"face_tracking.embedding_dim from 1 to {contract.dimension}, or 0 for all"
        )
    note = f"{contract.id} reduced to {dimension} numbers by a fixed seeded orthonormal projection"
    return catalog.with_calibration(derived_contract(contract, f"{contract.id}_seeded{dimension}", dimension, note))


def unreduced(contract: ModelContract) -> ModelContract | None:
    """The contract whose seeded projection ``contract`` describes, None where it describes none."""
    base = catalog.known(contract.derived_from) if contract.derived_from else None
    if base is None or base.purpose != "appearance" or not 1 <= contract.dimension < base.dimension:
        return None
    return base if reduced_contract(base, contract.dimension) == contract else None
