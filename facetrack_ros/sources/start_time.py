"""When a recording began, as far as its file tells."""

from datetime import datetime, timezone
from pathlib import Path

from facetrack_ros.errors import SourceError
from facetrack_ros.sources.av_reader import NoFilm, open_container
from facetrack_ros.sources.factory import bag_path_and_topic
from facetrack_ros.sources.picture_folder import pictures_in
from facetrack_ros.sources.source import FrameSource


def default_start_ns(path: str | Path) -> int:
    """Nanoseconds since the epoch at which a recording began.

    The container's ``creation_time`` where there is one, else the file's modification time; of a folder of
    pictures, the modification time of the first.

    :raises SourceError: there is no such file or folder.
    """
    path = Path(path).expanduser()
    try:
        if path.is_dir():
            path = next(iter(pictures_in(path)), path)
            return path.stat().st_mtime_ns
        modified_ns = path.stat().st_mtime_ns
    except OSError as error:
        raise SourceError(f"{path} cannot be read: check the path and its permissions") from error
    return _creation_time_ns(path) or modified_ns


def start_times(
    cameras: dict[str, str], sources: dict[str, FrameSource], start_ns: int | None = None
) -> dict[str, int | None]:
    """The stamp of each camera's first picture; None for one that has stamps of its own, a bag's.

    Cameras of one bag stay as far from each other in time as they were recorded: the earliest begins at ``start_ns``.

    :param cameras: SOURCE by camera; ``sources``: those, opened.
    :param start_ns: nanoseconds since the epoch; None: when each was recorded.
    :raises SourceError: a file cannot be read.
    """
    bags = {
        camera: bag_path_and_topic(text)[0].resolve() for camera, text in cameras.items() if text.startswith("bag:")
    }
    if start_ns is None:
        return {camera: None if camera in bags else default_start_ns(text) for camera, text in cameras.items()}
    firsts = {camera: next((picture.stamp_ns for picture in sources[camera]), None) for camera in bags}
    starts = dict.fromkeys(cameras, start_ns)
    for camera, bag in bags.items():
        beside = [firsts[other] for other in bags if bags[other] == bag and firsts[other] is not None]
        if firsts[camera] is not None:
            starts[camera] += firsts[camera] - min(beside)
    return starts


def _creation_time_ns(path: Path) -> int | None:
    import av

    try:
        container, stream = open_container(f"file:{path}")
    except (NoFilm, av.error.FFmpegError, OSError):
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
    since_epoch = moment - datetime(1970, 1, 1, tzinfo=timezone.utc)
    stamp_ns = (since_epoch.days * 86400 + since_epoch.seconds) * 1_000_000_000 + since_epoch.microseconds * 1000
    # Cameras without a clock write the beginning of 1904 or of 1970.
    return stamp_ns if stamp_ns > 86400 * 1_000_000_000 else None
