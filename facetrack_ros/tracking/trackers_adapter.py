"""Adapters for the ``trackers`` library (Roboflow, Apache-2.0): its trackers, and its estimate of camera motion."""

import warnings
from collections import deque

import numpy as np

from facetrack_ros.errors import ConfigError
from facetrack_ros.tracking.appearance_memory import AppearanceMemory, face_similarities
from facetrack_ros.tracking.observation import Observation
from facetrack_ros.tracking.settings import SECOND_NS, TrackingSettings

#: The library's classes by the name in the settings.
LIBRARY_TRACKERS = {
    "bytetrack": "ByteTrackTracker",
    "ocsort": "OCSORTTracker",
    "botsort": "BoTSORTTracker",
    "cbiou": "CBIoUTracker",
}
# The library's noise is per frame, whatever the rate, so its clock advances by one nominal frame for each frame of the
# camera's usual rate. Given true seconds, it took each frame of a camera of 7 frames a second for the end of a gap, and
# lost most tracks where boxes jitter by 5 % of their height.
_NOMINAL_FPS = 25.0
# The library's own, for which its figures were chosen.
_LOST_FOR_S = 1.0
# Number of the last intervals whose median is the usual one. Chosen by hand.
_INTERVALS = 15


class _FrameClock:
    """Counts frames at the usual rate of a camera from stamps: a gap counts as the frames that are missing in it.

    :ivar frames: number of frames since the first one.
    :ivar interval_ns: usual interval between frames; None before the second frame.
    """

    def __init__(self):
        self.frames = 0
        self.interval_ns: float | None = None
        self._last_ns: int | None = None
        self._intervals: deque[int] = deque(maxlen=_INTERVALS)

    def advance(self, stamp_ns: int) -> None:
        """Count the frame of a stamp, which is later than the one before."""
        if self._last_ns is not None:
            passed_ns = stamp_ns - self._last_ns
            self._intervals.append(passed_ns)
            self.interval_ns = float(np.median(self._intervals))
            self.frames += max(1, round(passed_ns / self.interval_ns))
        self._last_ns = stamp_ns


class LibraryTracker:
    """A tracker of the library, which knows boxes and scores only, with real time and a check of faces.

    Where the library continues a track although the face is clearly of another person, the row gets a new key.

    :param name: one of :data:`LIBRARY_TRACKERS`.
    :param threshold: of the face embedder: lowest cosine similarity of a match.
    :param camera_motion: method (``sparseOptFlow``, ``orb``, ``ecc``, ``sift``) or ``off``; BoT-SORT only.
    :raises ConfigError: unknown tracker, one without camera motion, or the library is missing.
    """

    def __init__(
        self, name: str, threshold: float, settings: TrackingSettings | None = None, camera_motion: str = "off"
    ):
        if name not in LIBRARY_TRACKERS:
            raise ConfigError(f"there is no tracker {name}; there are: {', '.join(LIBRARY_TRACKERS)}")
        self._moves = camera_motion != "off"
        if self._moves and name != "botsort":
            raise ConfigError(
                f"{name} takes no account of the camera's motion: choose botsort or own, or set "
                "tracking.camera_motion to off"
            )
        settings = settings or TrackingSettings()
        options: dict[str, object] = {"enable_cmc": self._moves} if name == "botsort" else {}
        if self._moves:
            options["cmc_method"] = camera_motion
        self._tracker = getattr(import_trackers(), LIBRARY_TRACKERS[name])(frame_rate=_NOMINAL_FPS, **options)
        self._veto = 1 - settings.veto_distance * (1 - threshold)
        self._gap_ns = settings.max_gap_ns
        self._clock = _FrameClock()
        self._next_key = 0
        # By the library's id: our current key, its faces, and when it was seen last.
        self._keys: dict[int, int] = {}
        self._appearances: dict[int, AppearanceMemory] = {}
        self._last_ns: dict[int, int] = {}

    def update(self, stamp_ns: int, observation: Observation) -> np.ndarray:
        """See :class:`Tracker`."""
        import supervision

        self._clock.advance(stamp_ns)
        if self._clock.interval_ns:
            frames = _LOST_FOR_S * SECOND_NS / self._clock.interval_ns
            # Half a frame more, so that rounding does not decide.
            self._tracker.maximum_time_without_update = (max(1.0, frames) + 0.5) / _NOMINAL_FPS
        detections = supervision.Detections(
            xyxy=observation.boxes.astype(float),
            confidence=observation.scores.astype(float),
            data={"row": np.arange(len(observation))},
        )
        frame = {"frame": observation.image} if self._moves and observation.image is not None else {}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tracked = self._tracker.update(detections, timestamp=self._clock.frames / _NOMINAL_FPS, **frame)
        keys = np.full(len(observation), -1, np.int64)
        for row, library_id in zip(tracked.data.get("row", ()), tracked.tracker_id):
            if library_id >= 0:
                keys[row] = self._key(int(library_id), stamp_ns, observation.embedding(int(row)))
        for library_id in [each for each, last_ns in self._last_ns.items() if stamp_ns - last_ns > 2 * self._gap_ns]:
            del self._last_ns[library_id], self._appearances[library_id], self._keys[library_id]
        return keys

    def began(self, key: int) -> None:
        """None: the library does not report tracks before it confirms them."""

    def _key(self, library_id: int, stamp_ns: int, face: np.ndarray | None) -> int:
        appearance = self._appearances.setdefault(library_id, AppearanceMemory())
        if library_id not in self._keys or face_similarities([appearance], [face])[0, 0] < self._veto:
            self._keys[library_id] = self._next_key
            self._next_key += 1
            appearance = self._appearances[library_id] = AppearanceMemory()
        appearance.add(face, None)
        self._last_ns[library_id] = stamp_ns
        return self._keys[library_id]


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


def import_trackers():
    """Import the library.

    :raises ConfigError: it is missing.
    """
    try:
        import trackers
    except ImportError as error:
        raise ConfigError(
            f"the tracker library is not here ({error}): pip install facetrack_ros[trackers] and then "
            "pip install --no-deps -r requirements/without_deps.txt, or set tracking.association to own"
        ) from error
    return trackers
