"""Synchronisation of the persons and faces of a frame, which come from two stages."""

from collections import OrderedDict

from facetrack_ros.core.detections import Detections
from facetrack_ros.core.face import Face
from facetrack_ros.core.frame import Frame

Synchronized = tuple[Frame, Detections | None, tuple[Face, ...]]


class DetectionFaceSynchronizer:
    """Pairs the detections of one camera's frames with their faces, in the order of the detections.

    The embedder skips frames: such a frame is released without faces when faces of a later frame arrive, or when it is
    older than the patience. Frames that the detector skipped keep their place and are released without detections.

    :param patience_ns: how far behind the newest detections a frame waits for its faces, nanoseconds.
    """

    def __init__(self, patience_ns: int = 1_000_000_000):
        self._patience_ns = patience_ns
        self._waiting: OrderedDict[int, tuple[Frame, Detections | None]] = OrderedDict()

    def add_detections(self, frame: Frame, detections: Detections | None) -> list[Synchronized]:
        """Add a frame's persons, None where the detector skipped it; return the released frames, oldest first."""
        released: list[Synchronized] = []
        if self._waiting and frame.stamp_ns <= next(reversed(self._waiting)):
            released = self.flush()  # time jumped back: a bag that loops
        while self._waiting and next(iter(self._waiting)) < frame.stamp_ns - self._patience_ns:
            released.append(self._release())
        self._waiting[frame.stamp_ns] = (frame, detections)
        return released + self._release_skipped()

    def add_faces(self, frame: Frame, faces: tuple[Face, ...]) -> list[Synchronized]:
        """Add a frame's faces; return the frames before it without faces, then it. Empty after its release."""
        released: list[Synchronized] = []
        if frame.stamp_ns in self._waiting:
            while next(iter(self._waiting)) != frame.stamp_ns:
                released.append(self._release())
            released += [self._release(faces), *self._release_skipped()]
        return released

    def flush(self) -> list[Synchronized]:
        """Release all waiting frames, without faces, oldest first."""
        return [self._release() for _ in range(len(self._waiting))]

    def _release(self, faces: tuple[Face, ...] = ()) -> Synchronized:
        _, (frame, detections) = self._waiting.popitem(last=False)
        return frame, detections, faces

    def _release_skipped(self) -> list[Synchronized]:
        """Release the oldest frames as far as the detector skipped them."""
        released = []
        while self._waiting and next(iter(self._waiting.values()))[1] is None:
            released.append(self._release())
        return released
