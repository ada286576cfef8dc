"""Time windows around alerts, in which frames are stored."""

from facetrack_ros.history.sightings.coverage import merge_spans

#: Windows kept a camera, chosen by hand; frames of older ones have left the memory.
_MAX_WINDOWS = 64
_ALL = ""


class AlertWindows:
    """The windows of each camera. Not thread-safe: the owner locks."""

    def __init__(self) -> None:
        self._spans: dict[str, tuple[tuple[int, int], ...]] = {}

    def covers(self, camera_id: str, stamp_ns: int) -> bool:
        """Whether a frame of that stamp is to be stored."""
        return any(
            start <= stamp_ns <= end for camera in (camera_id, _ALL) for start, end in self._spans.get(camera, ())
        )

    def open(self, camera_id: str, start_ns: int, end_ns: int) -> None:
        """Add a window of a camera; of every camera if ``camera_id`` is empty."""
        spans = [*self._spans.get(camera_id, ()), (start_ns, end_ns)]
        self._spans[camera_id] = merge_spans(spans[-_MAX_WINDOWS:])
