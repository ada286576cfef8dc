"""The frames of a recorded source, stamped and numbered; nothing is dropped, and each run gives the same."""

from collections.abc import Iterator

from facetrack_ros.core.frame import Frame
from facetrack_ros.errors import FrameError, SourceError
from facetrack_ros.sources.rising_times import RisingTimes
from facetrack_ros.sources.source import FrameSource, Picture


def rising_pictures(source: FrameSource) -> Iterator[tuple[int, Picture]]:
    """The pictures of a recorded source with strictly rising times: its own stamps, or offsets where it has none.

    What was corrected is in ``source.notes`` afterwards, at the end.
    """
    times: RisingTimes[Picture] = RisingTimes()
    try:
        yield from times((_time_ns(picture), picture) for picture in source)
    finally:
        source.notes.extend(times.notes)


def _time_ns(picture: Picture) -> int:
    return (picture.offset_ns or 0) if picture.stamp_ns is None else picture.stamp_ns


def stamped_frames(
    source: FrameSource, camera_id: str, start_ns: int | None = None, jpeg_quality: int = 90
) -> Iterator[Frame]:
    """Frames with strictly rising stamps, numbered from 0, each encoded at most once.

    :param start_ns: stamp of the first frame, nanoseconds since the epoch; None: the source's own stamps.
    :param jpeg_quality: 1..100, for pictures that are not JPEG.
    :raises SourceError: the source is live, or has no stamps of its own and ``start_ns`` is None.
    """
    if source.live:
        raise SourceError(f"{source.name} is live: record it first, or use `facetrack run`")
    shift_ns = 0
    for number, (time_ns, picture) in enumerate(rising_pictures(source)):
        if start_ns is None and picture.stamp_ns is None:
            raise SourceError(f"{source.name} does not say when it was taken: give a start time")
        if start_ns is not None and number == 0:
            shift_ns = start_ns - time_ns
        try:
            jpeg = picture.to_jpeg(jpeg_quality)
        except FrameError as error:
            source.unused.add(str(error))
        else:
            yield Frame(camera_id, time_ns + shift_ns, number, jpeg, picture.frame_id)
