"""Start times of recordings, as far as their files contain them."""

from datetime import datetime, timezone
from pathlib import Path

from facetrack_ros.errors import SourceError
from facetrack_ros.sources.av_reader import NoVideoError, open_container
from facetrack_ros.sources.factory import bag_path_and_topic
from facetrack_ros.sources.picture_folder import pictures_in
from facetrack_ros.sources.source import FrameSource
from facetrack_ros.sources.stamped_frames import rising_pictures

_SECOND_NS = 1_000_000_000
_DAY_NS = 86_400 * _SECOND_NS
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def default_start_ns(path: str | Path) -> int:
    """Start of a recording, nanoseconds since the epoch.

    The container's ``creation_time`` if it has one, else the file's modification time; for a folder of pictures, the
    modification time of the first.

    :raises SourceError: there is no such file or folder.
    """
    path = Path(path).expanduser()
    try:
        if path.is_dir():
            return next(iter(pictures_in(path)), path).stat().st_mtime_ns
        modified_ns = path.stat().st_mtime_ns
    except OSError as error:
        raise SourceError(f"{path} cannot be read: check the path and its permissions") from error
    return _creation_time_ns(path) or modified_ns


def start_times(
    cameras: dict[str, str], sources: dict[str, FrameSource], start_ns: int | None = None
) -> dict[str, int | None]:
    """Stamp of each camera's first picture; None for a bag, which has stamps of its own.

    With ``start_ns`` the cameras of one bag keep the time between them: the earliest starts at ``start_ns``.

    :param cameras: SOURCE text by camera.
    :param sources: the opened sources by camera.
    :param start_ns: nanoseconds since the epoch; None: when each was recorded.
    :raises SourceError: a file cannot be read.
    """
    bags = {
        camera: bag_path_and_topic(text)[0].resolve() for camera, text in cameras.items() if text.startswith("bag:")
    }
    if start_ns is None:
        return {camera: None if camera in bags else default_start_ns(text) for camera, text in cameras.items()}
    starts: dict[str, int | None] = dict.fromkeys(cameras, start_ns)
    first_stamps: dict[str, int] = {}
    for camera in bags:
        first = next((time_ns for time_ns, _ in rising_pictures(sources[camera])), None)
        if first is not None:
            first_stamps[camera] = first
    for camera, first in first_stamps.items():
        earliest = min(stamp for other, stamp in first_stamps.items() if bags[other] == bags[camera])
        starts[camera] = start_ns + first - earliest
    return starts


def _creation_time_ns(path: Path) -> int | None:
    import av

    try:
        container, stream = open_container(f"file:{path}")
    except (NoVideoError, av.error.FFmpegError, OSError):
        return None
    with container:
        text = container.metadata.get("creation_time") or stream.metadata.get("creation_time")
    try:
        # Python 3.10 does not read the Z.
        moment = datetime.fromisoformat(text.replace("Z", "+00:00")) if text else None
    except ValueError:
        return None
    if moment is None:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    elapsed = moment - _EPOCH
    stamp_ns = (elapsed.days * 86_400 + elapsed.seconds) * _SECOND_NS + elapsed.microseconds * 1000
    return stamp_ns if stamp_ns > _DAY_NS else None  # cameras without a clock write the start of 1904 or of 1970
