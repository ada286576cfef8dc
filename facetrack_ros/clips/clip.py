"""What a clip holds."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Clip:
    """A part of a history.

    :param cameras: cameras of the frames.
    :param start_ns: first stamp.
    :param end_ns: last stamp, included.
    :param formats: of :data:`~facetrack_ros.clips.writer.FORMATS`.
    :param boxes: whether tracks are drawn into images and videos; the recording stays without.
    :param only: ids of persons and tracks: everyone else is erased from the frames, and left out of tracks, events and
        sightings; none: everyone is. None: nobody is.
    """

    cameras: tuple[str, ...]
    start_ns: int
    end_ns: int
    formats: tuple[str, ...] = ("mcap",)
    boxes: bool = False
    only: frozenset[str] | None = None
