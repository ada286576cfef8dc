"""Start times of recordings: given, or as far as their files contain them."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from facetrack_ros.errors import SourceError
from facetrack_ros.sources.av_reader import NoVideoError, open_film
from facetrack_ros.sources.factory import bag_path_and_topic
from facetrack_ros.sources.picture_folder import pictures_in
from facetrack_ros.sources.source import FrameSource
from facetrack_ros.sources.stamped_frames import rising_pictures

_SECOND_NS = 1_000_000_000
_DAY_NS = 86_400 * _SECOND_NS
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_OFFSET = re.compile(r"([+-][0-9]{2})([0-9]{2})$")
_APPLE_START = "com.apple.quicktime.creationdate"
# Android writes the time when it closes the file (MPEG4Writer of its media framework), under these names.
_ANDROID_TAG, _ANDROID_HANDLER = "com.android.", "VideoHandle"


@dataclass(frozen=True)
class RecordingStart:
    """When a recording begins.

    :param stamp_ns: of its first frame, nanoseconds since the epoch; None: it has stamps of its own.
    :param assumption: a phrase on what that rests on; empty: on what the user said, or on stamps.
    """

    stamp_ns: int | None
    assumption: str = ""

    @property
    def note(self) -> str:
        """A sentence for the user; empty where nothing was assumed."""
        return f"its start is {self.assumption}; if that is wrong, give --start or --end" if self.assumption else ""


@dataclass(frozen=True)
class GivenTimes:
    """Times that a user gives: of the first or of the last frame, by camera; those of "" hold for all cameras.

    :raises SourceError: a camera has both.
    """

    starts: Mapping[str, int]
    ends: Mapping[str, int]

    def start_of(self, camera: str) -> int | None:
        """Time of the camera's first frame."""
        return self.starts.get(camera, self.starts.get("") if camera not in self.ends else None)

    def end_of(self, camera: str) -> int | None:
        """Time of the camera's last frame."""
        return self.ends.get(camera, self.ends.get("") if camera not in self.starts else None)

    def check(self, cameras: Iterable[str]) -> None:
        """Check that the times fit the cameras.

        :raises SourceError: a camera has a start and an end, or a time names a camera that is not there.
        """
        names = list(cameras)
        for camera in names:
            if self.start_of(camera) is not None and self.end_of(camera) is not None:
                raise SourceError(f"camera {camera}: give --start or --end, not both")
        for camera in {*self.starts, *self.ends} - {*names, ""}:
            raise SourceError(f"there is no camera {camera} to give a time for; there are {', '.join(names)}")


def default_start(path: str | Path) -> RecordingStart:
    """Start of a recording as its file states it.

    The container's creation time if it has one: its begin, but of Android's files the end. Else the file's modification
    time, taken as the end; for a folder of pictures, the modification time of the first.

    :raises SourceError: there is no such file or folder.
    """
    path = Path(path).expanduser()
    try:
        if path.is_dir():
            first = next(iter(pictures_in(path)), path)
            return RecordingStart(first.stat().st_mtime_ns, "the modification time of its first picture")
        modified_ns = path.stat().st_mtime_ns
    except OSError as error:
        raise SourceError(f"{path} cannot be read: check the path and its permissions") from error
    stated, duration_ns = _container_start(path)
    if stated is not None:
        return stated
    if duration_ns is None:
        return RecordingStart(modified_ns, "the file's modification time, as its length is unknown")
    return RecordingStart(modified_ns - duration_ns, "the file's modification time, taken as the end, less its length")


def start_times(
    cameras: Mapping[str, str], sources: Mapping[str, FrameSource], given: GivenTimes
) -> dict[str, RecordingStart]:
    """Start of each camera's recording.

    Cameras of one bag keep the time between them: the earliest starts, or the latest ends, at the time given for them.

    :param cameras: SOURCE text by camera.
    :param sources: the opened sources by camera.
    :raises SourceError: a file cannot be read, or the given times do not fit.
    """
    given.check(cameras)
    bags = {
        camera: str(bag_path_and_topic(text)[0].resolve())
        for camera, text in cameras.items()
        if text.startswith("bag:")
    }
    spans = _Spans(sources)
    starts = {}
    for camera, text in cameras.items():
        start_ns, end_ns = given.start_of(camera), given.end_of(camera)
        together = [other for other in bags if camera in bags and bags[other] == bags[camera]] or [camera]
        if end_ns is not None:
            alike = [other for other in together if given.end_of(other) == end_ns]
            starts[camera] = RecordingStart(end_ns - spans.before_end_ns(camera, alike))
        elif start_ns is None:
            starts[camera] = RecordingStart(None) if camera in bags else default_start(text)
        else:
            alike = [other for other in together if given.start_of(other) == start_ns]
            after_ns = spans.after_start_ns(camera, alike) if camera in bags else 0
            starts[camera] = RecordingStart(start_ns + after_ns)
    return starts


class _Spans:
    """Times of the first and last pictures of sources, each read at most once."""

    def __init__(self, sources: Mapping[str, FrameSource]) -> None:
        self._sources = sources
        self._firsts: dict[str, int] = {}
        self._lasts: dict[str, int] = {}

    def after_start_ns(self, camera: str, cameras: Iterable[str]) -> int:
        """Time from the first picture of all cameras to the first of this one."""
        return self._first(camera) - min(self._first(other) for other in cameras)

    def before_end_ns(self, camera: str, cameras: Iterable[str]) -> int:
        """Time from the first picture of this camera to the last of all cameras."""
        for other in cameras:
            if other not in self._lasts:
                times = [time_ns for time_ns, _ in rising_pictures(self._sources[other])] or [0]
                self._firsts[other], self._lasts[other] = times[0], times[-1]
        return max(self._lasts[other] for other in cameras) - self._firsts[camera]

    def _first(self, camera: str) -> int:
        if camera not in self._firsts:
            self._firsts[camera] = next((time_ns for time_ns, _ in rising_pictures(self._sources[camera])), 0)
        return self._firsts[camera]


def _container_start(path: Path) -> tuple[RecordingStart | None, int | None]:
    """The start that a container states, and its length in nanoseconds; None each where it states none."""
    import av

    try:
        container, stream = open_film(path)
    except (NoVideoError, SourceError, av.error.FFmpegError, OSError, UnicodeError):
        return None, None
    with container:
        tags = {**stream.metadata, **container.metadata}
        duration_ns = container.duration * 1000 if container.duration and container.duration > 0 else None
        handler = stream.metadata.get("handler_name")
    begun_ns, created_ns = _stamp_ns(tags.get(_APPLE_START)), _stamp_ns(tags.get("creation_time"))
    if begun_ns is not None:
        return RecordingStart(begun_ns, f"its {_APPLE_START}, which is the begin"), duration_ns
    if created_ns is None:
        return None, duration_ns
    if handler == _ANDROID_HANDLER or any(tag.startswith(_ANDROID_TAG) for tag in tags):
        assumption = "its creation_time, which Android writes at the end, less its length"
        return RecordingStart(created_ns - (duration_ns or 0), assumption), duration_ns
    return RecordingStart(created_ns, "its creation_time, taken as the begin"), duration_ns


def _stamp_ns(text: str | None) -> int | None:
    """ISO 8601 as nanoseconds since the epoch; None where it is none, or the one of a camera without a clock."""
    try:
        # Python 3.10 reads neither the Z nor an offset without a colon.
        moment = datetime.fromisoformat(_OFFSET.sub(r"\1:\2", text.replace("Z", "+00:00"))) if text else None
    except ValueError:
        return None
    if moment is None:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    elapsed = moment - _EPOCH
    stamp_ns = (elapsed.days * 86_400 + elapsed.seconds) * _SECOND_NS + elapsed.microseconds * 1000
    return stamp_ns if stamp_ns > _DAY_NS else None  # cameras without a clock write the start of 1904 or of 1970
