"""How the camera itself moved from one frame to the next."""

import numpy as np

from facetrack_ros.tracking.observation import Observation
from facetrack_ros.tracking.trackers_adapter import import_trackers

METHODS = ("sparseOptFlow", "orb", "ecc", "sift")


class CameraMotion:
    """Measures the camera's motion by what stands still in the picture: the library's compensation for our tracker.

    :param method: one of :data:`METHODS`.
    :raises ConfigError: the library is not here.
    """

    def __init__(self, method: str):
        trackers = import_trackers()
        self._cmc = trackers.CMC(trackers.CMCConfig(method=method, downscale=2))

    def __call__(self, observation: Observation) -> np.ndarray | None:
        """``(2, 3)`` affine map of points of the frame before to this one; None without a picture."""
        if observation.image is None:
            return None
        affine = self._cmc.estimate(observation.image, observation.boxes if len(observation) else None)
        return None if affine is None or not np.isfinite(affine).all() else np.asarray(affine, float)
