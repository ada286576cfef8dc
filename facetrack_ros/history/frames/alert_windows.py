"""The stretches of time around alerts, in which frames are kept."""

from facetrack_ros.history.sightings.coverage import merge_spans

_KEPT = 64
_ALL = ""


class AlertWindows:
    """Per camera, the spans that frames are wanted of. Not thread-safe: its owner holds the lock."""

    def __init__(self) -> None:
        self._spans: dict[str, tuple[tuple[int, int], ...]] = {}

    def covers(self, camera_id: str, stamp_ns: int) -> bool:
        """Whether frames of that stamp are wanted."""
        return any(
            start <= stamp_ns <= end for camera in (camera_id, _ALL) for start, end in self._spans.get(camera, ())
        )

    def open(self, camera_id: str, start_ns: int, end_ns: int) -> None:
        """Want a camera's frames between two stamps; of every camera where ``camera_id`` is empty."""
        spans = [*self._spans.get(camera_id, ()), (start_ns, end_ns)][
            -_KEPT:
        ]  # old ones have no frames in memory any more
        self._spans[camera_id] = merge_spans(spans)
