"""Frames of a recorded source, stamped and numbered: nothing dropped, the same each time."""

from collections.abc import Iterator

from facetrack_ros.core.frame import Frame
from facetrack_ros.errors import SourceError
from facetrack_ros.sources.source import FrameSource


def frames(source: FrameSource, camera_id: str, start_ns: int | None = None, jpeg_quality: int = 90) -> Iterator[Frame]:
    """Frames with strictly rising stamps, numbered from 0, each encoded at most once.

    A picture whose stamp is not after the one before is left out and counted in ``source.skipped``: a history is
    ordered by time, so it can hold no second frame at a stamp.

    :param start_ns: stamp of the first frame, nanoseconds since the epoch; None: the source's own stamps.
    :param jpeg_quality: 1..100, for pictures that do not come as JPEG.
    :raises SourceError: a live source, or no ``start_ns`` for a source that has no stamps of its own.
    """
    if source.live:
        raise SourceError(f"{source.name} is live: record it first, or use `facetrack run`")
    number = 0
    last_ns = None
    for picture in source:
        if start_ns is not None:
            stamp_ns = start_ns + picture.offset_ns
        elif picture.stamp_ns is not None:
            stamp_ns = picture.stamp_ns
        else:
            raise SourceError(f"{source.name} does not say when it was taken: give a start time")
        if last_ns is not None and stamp_ns <= last_ns:
            source.skipped += 1
            continue
        last_ns = stamp_ns
        yield Frame(camera_id, stamp_ns, number, picture.to_jpeg(jpeg_quality), picture.frame_id)
        number += 1
