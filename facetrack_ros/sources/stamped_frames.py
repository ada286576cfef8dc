"""The frames of a recorded source, stamped and numbered; nothing is dropped, and each run gives the same."""

from collections.abc import Iterator

from facetrack_ros.core.frame import Frame
from facetrack_ros.errors import SourceError
from facetrack_ros.sources.source import FrameSource


def stamped_frames(
    source: FrameSource, camera_id: str, start_ns: int | None = None, jpeg_quality: int = 90
) -> Iterator[Frame]:
    """Frames with strictly rising stamps, numbered from 0, each encoded at most once.

    A picture not later than the one before is left out and counted in ``source.unused``: a history cannot hold two
    frames of one stamp.

    :param start_ns: stamp of the first frame, nanoseconds since the epoch; None: the source's own stamps.
    :param jpeg_quality: 1..100, for pictures that are not JPEG.
    :raises SourceError: the source is live, or has no stamps of its own and ``start_ns`` is None.
    """
    if source.live:
        raise SourceError(f"{source.name} is live: record it first, or use `facetrack run`")
    number = 0
    last_ns = None
    for picture in source:
        stamp_ns = picture.stamp_ns if start_ns is None else start_ns + (picture.offset_ns or 0)
        if stamp_ns is None:
            raise SourceError(f"{source.name} does not say when it was taken: give a start time")
        if last_ns is not None and stamp_ns <= last_ns:
            source.unused.add("frames whose stamp is not later than that of the frame before")
            continue
        last_ns = stamp_ns
        yield Frame(camera_id, stamp_ns, number, picture.to_jpeg(jpeg_quality), picture.frame_id)
        number += 1
