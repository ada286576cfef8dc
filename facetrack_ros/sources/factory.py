"""Opens the source that a SOURCE text of the command line names."""

import re
from pathlib import Path

from facetrack_ros.bounded_file import open_regular
from facetrack_ros.core.masking import mask_address
from facetrack_ros.core.names import existing_path
from facetrack_ros.core.pictures.decoding import PICTURE_SUFFIXES, has_several_pictures
from facetrack_ros.core.pictures.picture_limits import FRAME
from facetrack_ros.errors import SourceError
from facetrack_ros.sources.address import AddressSource
from facetrack_ros.sources.bag import BagSource
from facetrack_ros.sources.device import DeviceSource
from facetrack_ros.sources.picture_folder import DEFAULT_FPS, PictureFolderSource
from facetrack_ros.sources.source import FrameSource
from facetrack_ros.sources.source_reference import resolve_source
from facetrack_ros.sources.video_file import VideoFileSource

_DEVICE = re.compile(r"(?:/dev/video)?([0-9]{1,3})")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_ADDRESSES = ("rtsp", "rtsps", "http", "https")
_CHOICES = (
    "a device index (0), an address (rtsp://, rtsps://, http://, https://), a video file, a folder of pictures, "
    "or bag:PATH:TOPIC"
)


def open_source(text: str, fps: float = DEFAULT_FPS) -> FrameSource:
    """Open a device index, an address, a video file, a folder of pictures or ``bag:PATH:TOPIC``.

    :param text: that, or a reference to it, see :func:`.resolve_source`.
    :param fps: pictures a second of a folder, which has no times of its own.
    :raises SourceError: nothing can be read there; the message says what to do.
    """
    text = resolve_source(text)
    if not text:
        raise SourceError(f"the source is empty: give {_CHOICES}")
    device = _DEVICE.fullmatch(text)
    if device:
        return DeviceSource(int(device[1]))
    if text.startswith("bag:"):
        return BagSource(*bag_path_and_topic(text))
    scheme = _SCHEME.match(text)
    if scheme is None:
        return _open_path(text, fps)
    if scheme[1].lower() not in _ADDRESSES:
        raise SourceError(f"{scheme[1]}:// is no source that can be opened: give {_CHOICES}")
    return AddressSource(text)


def is_live(text: str) -> bool:
    """Whether a SOURCE text names a device or an address.

    :raises SourceError: what it refers to cannot be read.
    """
    text = resolve_source(text)
    return bool(_DEVICE.fullmatch(text) or _SCHEME.match(text))


def _open_path(text: str, fps: float) -> FrameSource:
    path = Path(text).expanduser()
    suffix = path.suffix.lower()
    if not path.exists():
        raise SourceError(f"{mask_address(text)} does not exist: check the path, or give {_CHOICES}")
    if (path / "metadata.yaml").exists() or (suffix in (".mcap", ".db3") and not path.is_dir()):
        raise SourceError(f"{text} is a bag: give it as bag:{text}:TOPIC")
    if path.is_dir():
        return PictureFolderSource(path, fps)
    if suffix in PICTURE_SUFFIXES and not _has_several_pictures(path):
        advice = "give a video file or the folder of pictures it belongs to"
        raise SourceError(f"{text} is one picture, and tracking needs several: {advice}")
    return VideoFileSource(path)


def _has_several_pictures(path: Path) -> bool:
    try:
        with open_regular(path) as file:
            return has_several_pictures(file.read(FRAME.max_bytes))
    except OSError as error:
        raise SourceError(f"{path} cannot be read ({error.strerror or error}): check what it is") from error


def bag_path_and_topic(text: str) -> tuple[Path, str]:
    """Path and topic of ``bag:PATH:TOPIC`` or ``bag:PATH``; without a topic that is empty.

    A path may contain colons: the last one separates a topic only if the whole is not an existing path.
    """
    rest = text.removeprefix("bag:")
    path, colon, topic = rest.rpartition(":")
    if not colon or Path(rest).expanduser().exists():
        path, topic = rest, ""
    return existing_path(path), topic if not topic or topic.startswith("/") else f"/{topic}"
