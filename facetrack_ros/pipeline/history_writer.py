"""Storage of what the frame loop delivers, offline."""

from collections.abc import Callable

from facetrack_ros.core.event import PersonEvent
from facetrack_ros.core.frame import Frame
from facetrack_ros.core.track import Track
from facetrack_ros.errors import StoreError
from facetrack_ros.history.robot_history import RobotHistory
from facetrack_ros.history.sightings.thumbnail import Thumbnails
from facetrack_ros.vision.frame_analysis import FrameAnalysis


class HistoryWriter:
    """Stores the frames, tracks and events of recordings; a :class:`HistoryInput`.

    :param log_events: whether events are stored.
    :param format_time: formats a stamp for messages.
    :param continued: whether a camera's recording was used in part before, so that its time may be covered already.
    :ivar images: image or thumbnails of the frame being delivered.
    :ivar events: number of events so far.
    """

    def __init__(
        self,
        history: RobotHistory,
        log_events: bool,
        format_time: Callable[[int], str] = str,
        continued: Callable[[str], bool] = lambda camera_id: False,
    ):
        self.images: Frame | Thumbnails | None = None
        self.events = 0
        self._history, self._log_events, self._format_time = history, log_events, format_time
        self._continued = continued
        self._cameras: set[str] = set()

    def add_frame(self, frame: Frame) -> None:
        """Store a frame.

        :raises StoreError: the history already covers the time of the camera's first frame.
        """
        if frame.camera_id not in self._cameras:
            self._cameras.add(frame.camera_id)
            covered = self._history.sightings.has_data(frame.camera_id, frame.stamp_ns, frame.stamp_ns + 1)
            if covered and not self._continued(frame.camera_id):
                raise StoreError(
                    f"{self._history.robot_id}/{frame.camera_id} already has a history at "
                    f"{self._format_time(frame.stamp_ns)} UTC: choose another --start or another --data"
                )
        self._history.add_frame(frame)

    def add_analysis(self, frame: Frame, analysis: FrameAnalysis) -> None:
        """Note a frame that was searched for faces."""
        if analysis.with_faces:
            self._history.add_analysed(frame.camera_id, frame.stamp_ns)

    def add_tracks(self, frame: Frame, tracks: tuple[Track, ...]) -> None:
        """Store a frame's tracks and faces."""
        self._history.add_tracks(frame.camera_id, frame.stamp_ns, frame.number, tracks, self.images)

    def add_events(self, events: tuple[PersonEvent, ...]) -> None:
        """Count the events, and store them if the settings say so."""
        self.events += len(events)
        if events and self._log_events:
            self._history.add_event(*events)
