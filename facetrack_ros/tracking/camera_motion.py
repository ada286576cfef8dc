"""Motion of the camera itself between two frames."""

import numpy as np

from facetrack_ros.tracking.observation import Observation
from facetrack_ros.tracking.trackers_adapter import import_trackers


class CameraMotion:
    """Camera motion estimated from the static background by the ``trackers`` library.

    :param method: ``sparseOptFlow``, ``orb``, ``ecc`` or ``sift``.
    :raises ConfigError: the library is missing.
    """

    def __init__(self, method: str):
        trackers = import_trackers()
        self._estimator = trackers.CMC(trackers.CMCConfig(method=method, downscale=2))

    def __call__(self, observation: Observation) -> np.ndarray | None:
        """``(2, 3)`` affine map of points from the previous frame to this one; None without an image."""
        if observation.image is None:
            return None
        affine = self._estimator.estimate(observation.image, observation.boxes if len(observation) else None)
        return None if affine is None or not np.isfinite(affine).all() else np.asarray(affine, float)
