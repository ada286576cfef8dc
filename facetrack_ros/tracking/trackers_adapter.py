"""Trackers of the ``trackers`` library (Roboflow, Apache-2.0) behind our protocol."""

import warnings

import numpy as np

from facetrack_ros.errors import ConfigError
from facetrack_ros.tracking.appearance_memory import AppearanceMemory, face_similarities
from facetrack_ros.tracking.observation import Observation
from facetrack_ros.tracking.settings import SECOND_NS, TrackingSettings

#: Names of the settings, and of the library's classes.
LIBRARY_TRACKERS = {
    "bytetrack": "ByteTrackTracker",
    "ocsort": "OCSORTTracker",
    "botsort": "BoTSORTTracker",
    "cbiou": "CBIoUTracker",
}
# The library counts motion in frames of a nominal rate; stamps tell it how many have passed.
_NOMINAL_FPS = 25.0


class LibraryTracker:
    """A tracker of the library, told true time, and kept from joining clearly different faces.

    How long it looks for somebody lost is left at the library's own second, which its figures were chosen for.

    The library knows boxes and scores only. Where it goes on with a track although the face is clearly another
    person's, the row gets a key of its own from then on.

    :param name: one of :data:`LIBRARY_TRACKERS`.
    :param threshold: of the face embedder: lowest cosine similarity of a match.
    :param camera_motion: how the camera's motion is measured (``sparseOptFlow``, ``orb``, ``ecc``, ``sift``), or ``off``;
        BoT-SORT only.
    :raises ConfigError: no such tracker, one that knows no camera motion, or the library is not here.
    """

    def __init__(
        self, name: str, threshold: float, settings: TrackingSettings | None = None, camera_motion: str = "off"
    ):
        if name not in LIBRARY_TRACKERS:
            raise ConfigError(f"there is no tracker {name}; there are: {', '.join(LIBRARY_TRACKERS)}")
        if camera_motion != "off" and name != "botsort":
            raise ConfigError(
                f"{name} takes no account of the camera's motion: choose botsort or own, or set "
                "tracking.camera_motion to off"
            )
        settings = settings or TrackingSettings()
        trackers = import_trackers()
        options = {} if name != "botsort" else {"enable_cmc": camera_motion != "off"}
        if camera_motion != "off":
            options["cmc_method"] = camera_motion
        self._tracker = getattr(trackers, LIBRARY_TRACKERS[name])(frame_rate=_NOMINAL_FPS, **options)
        self._moves = camera_motion != "off"
        self._veto = 1 - settings.veto_distance * (1 - threshold)
        self._gap_ns = settings.max_gap_ns
        self._first_ns: int | None = None
        self._next_key = 0
        # Which key of ours the library's id stands for now, how that key looked, and when it was seen last.
        self._keys: dict[int, int] = {}
        self._looks: dict[int, AppearanceMemory] = {}
        self._last_ns: dict[int, int] = {}

    def update(self, stamp_ns: int, observation: Observation) -> np.ndarray:
        """See :class:`Tracker`."""
        import supervision

        if self._first_ns is None:
            self._first_ns = stamp_ns
        given = supervision.Detections(
            xyxy=observation.boxes.astype(float),
            confidence=observation.scores.astype(float),
            data={"row": np.arange(len(observation))},
        )
        frame = {"frame": observation.image} if self._moves and observation.image is not None else {}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # Seconds since the first frame: since the epoch they would be rounded to a quarter of a microsecond.
            found = self._tracker.update(given, timestamp=(stamp_ns - self._first_ns) / SECOND_NS, **frame)
        keys = np.full(len(observation), -1, np.int64)
        for row, library_id in zip(found.data.get("row", ()), found.tracker_id):
            if library_id >= 0:
                keys[row] = self._key(int(library_id), stamp_ns, observation.embedding(int(row)))
        for library_id in [each for each, last_ns in self._last_ns.items() if stamp_ns - last_ns > 2 * self._gap_ns]:
            del self._last_ns[library_id], self._looks[library_id], self._keys[library_id]
        return keys

    def began(self, key: int) -> None:
        """Not known: the library does not tell of tracks it does not believe yet."""

    def _key(self, library_id: int, stamp_ns: int, face: np.ndarray | None) -> int:
        looks = self._looks.setdefault(library_id, AppearanceMemory())
        if library_id not in self._keys or face_similarities([looks], [face])[0, 0] < self._veto:
            self._keys[library_id] = self._next_key
            self._next_key += 1
            looks = self._looks[library_id] = AppearanceMemory()
        looks.take(face, None)
        self._last_ns[library_id] = stamp_ns
        return self._keys[library_id]


def import_trackers():
    """The library.

    :raises ConfigError: it is not here.
    """
    try:
        import trackers
    except ImportError as error:
        raise ConfigError(
            f"the tracker library is not here ({error}): pip install facetrack_ros[trackers] and then "
            "pip install --no-deps -r requirements/without_deps.txt, or set tracking.association to own"
        ) from error
    return trackers
