"""Which persons' faces are looked for in a frame, and which of those found are embedded."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from facetrack_ros.core.face import Face


class FaceSelection(Protocol):
    """What one frame's faces are worth."""

    def look(self, persons: np.ndarray) -> np.ndarray:
        """``(n,)`` bool: in which of the ``(n, 4)`` boxes to look for a face."""

    def embed(self, persons: np.ndarray, faces: Sequence[Face]) -> Sequence[bool]:
        """Which faces to embed; those turned down at the quality gate never are."""
