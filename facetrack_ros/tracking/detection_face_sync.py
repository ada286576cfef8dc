"""Persons and faces of one frame, brought together again."""

from collections import OrderedDict

from facetrack_ros.core.detections import Detections
from facetrack_ros.core.face import Face
from facetrack_ros.core.frame import Frame

Joined = tuple[Frame, Detections | None, tuple[Face, ...]]


class DetectionFaceSynchronizer:
    """Pairs the detections of one camera's frames with their faces, in the order the detections came.

    The detector sees every frame, the embedder not all of them: frames passed over by the embedder go on without
    faces as soon as faces of a later frame arrive, or when newer frames show that none will. Frames that the detector passed
    over too keep their place among the others; they come out without detections.

    :param patience_ns: how far behind the newest detections a frame may wait for its faces, nanoseconds.
    """

    def __init__(self, patience_ns: int = 1_000_000_000):
        self._patience_ns = patience_ns
        self._waiting: OrderedDict[int, tuple[Frame, Detections | None]] = OrderedDict()

    def add_detections(self, frame: Frame, detections: Detections | None) -> list[Joined]:
        """Take a frame's persons; returns the frames that wait no longer, oldest first."""
        joined = []
        if self._waiting and frame.stamp_ns <= next(reversed(self._waiting)):
            joined = self.flush()  # time went back: a bag that loops
        while self._waiting and next(iter(self._waiting)) < frame.stamp_ns - self._patience_ns:
            joined.append((*self._waiting.popitem(last=False)[1], ()))
        self._waiting[frame.stamp_ns] = (frame, detections)
        return joined + self._passed_over()

    def add_skipped(self, frame: Frame) -> list[Joined]:
        """Take a frame that the detector passed over; returns what waits no longer, oldest first: at once, where nothing does."""
        return self.add_detections(frame, None)

    def add_faces(self, frame: Frame, faces: tuple[Face, ...]) -> list[Joined]:
        """Take a frame's faces; returns the frames passed over before it, then it. Nothing where it waits no more."""
        if frame.stamp_ns not in self._waiting:
            return []
        joined = []
        while True:
            stamp_ns, (waiting, detections) = self._waiting.popitem(last=False)
            if stamp_ns == frame.stamp_ns:
                return [*joined, (waiting, detections, faces), *self._passed_over()]
            joined.append((waiting, detections, ()))

    def _passed_over(self) -> list[Joined]:
        """Those that no longer wait for a frame before them."""
        joined = []
        while self._waiting and next(iter(self._waiting.values()))[1] is None:
            joined.append((*self._waiting.popitem(last=False)[1], ()))
        return joined

    def flush(self) -> list[Joined]:
        """All that still waits, without faces, oldest first."""
        joined = [(frame, detections, ()) for frame, detections in self._waiting.values()]
        self._waiting.clear()
        return joined
