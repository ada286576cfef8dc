"""A folder of pictures as the frames of one camera."""

import errno
import mimetypes
from collections.abc import Iterator
from pathlib import Path

from facetrack_ros.bounded_file import open_regular, read_bounded
from facetrack_ros.core.jpeg import is_jpeg, is_png, whole_jpeg
from facetrack_ros.core.names import natural_key
from facetrack_ros.core.pictures.decoding import PICTURE_SUFFIXES, check_picture, decode_picture, has_several_pictures
from facetrack_ros.core.pictures.picture_limits import FRAME
from facetrack_ros.errors import FrameError, SourceError
from facetrack_ros.sources.source import FrameSource, Picture

DEFAULT_FPS = 10.0
_NAMED = 3
#: Raw photographs, which Python does not know as pictures.
_RAW_SUFFIXES = frozenset((".dng", ".cr2", ".cr3", ".nef", ".arw", ".raf", ".orf", ".rw2"))


class PictureFolderSource(FrameSource):
    """The pictures of a folder at equal intervals, sorted by name as people count: 1, 2, 10.

    JPEG files are passed on unchanged. A picture that cannot be used is counted; its time stays empty. Films and
    pictures of other kinds count as unused, too; other files and folders are named in the notes.

    :param fps: pictures a second.
    :raises SourceError: the folder cannot be read or has no pictures, or ``fps`` is not above zero.
    """

    def __init__(self, path: Path, fps: float = DEFAULT_FPS):
        super().__init__(str(path))
        if not 0 < fps < float("inf"):
            raise SourceError(f"{fps} pictures a second cannot be: give a number above zero")
        self._fps = fps
        self._folder = path
        self._paths = pictures_in(path)
        if not self._paths:
            kinds = ", ".join(sorted(PICTURE_SUFFIXES))
            raise SourceError(f"{path} holds no pictures: give a folder with {kinds} files")

    def _read_pictures(self) -> Iterator[Picture]:
        """The readable pictures."""
        self._count_others()
        for row, path in enumerate(self._paths):
            if self._closed:
                return
            try:
                yield _read(path, round(row * 1e9 / self._fps))
            except FrameError as error:
                self.unused.add(str(error))

    def _count_others(self) -> None:
        """Count films and other pictures as unused; note the rest."""
        used = set(self._paths)
        left_out = []
        for path in _visible(self._folder):
            if path in used:
                continue
            reason = _reason_of_other(path)
            if reason:
                self.unused.add(reason)
            else:
                left_out.append(path.name)
        if left_out:
            more = f" and {len(left_out) - _NAMED} more" if len(left_out) > _NAMED else ""
            self._note(f"no pictures, and left out: {', '.join(left_out[:_NAMED])}{more}")


def pictures_in(folder: Path) -> list[Path]:
    """The picture files of a folder, sorted by name as people count.

    :raises SourceError: the folder cannot be read.
    """
    return [path for path in _visible(folder) if path.suffix.lower() in PICTURE_SUFFIXES and path.is_file()]


def _visible(folder: Path) -> list[Path]:
    try:
        return sorted((path for path in folder.iterdir() if not path.name.startswith(".")), key=natural_key)
    except OSError as error:
        raise SourceError(f"{folder} cannot be read as a folder: check the path and its permissions") from error


def _reason_of_other(path: Path) -> str:
    """Why a film or a picture is not used that is none by its suffix; empty for all other files."""
    if not path.is_file():
        return ""
    try:
        with open_regular(path) as file:
            head = file.read(16)
    except OSError:
        return ""
    if is_jpeg(head) or is_png(head):
        return "pictures whose names do not end as those of pictures do: rename them"
    kind = mimetypes.guess_type(path.name)[0] or ""
    if kind.startswith(("image/", "video/")) or path.suffix.lower() in _RAW_SUFFIXES:
        return f"{path.suffix} files among the pictures: give films by themselves, convert pictures"
    return ""


def _read(path: Path, offset_ns: int) -> Picture:
    """:raises FrameError: the file holds no picture that can be used."""
    try:
        data = read_bounded(path, FRAME.max_bytes)
    except OSError as error:
        if error.errno == errno.EFBIG:
            raise FrameError(f"files of more than {FRAME.max_bytes / 1e6:.0f} MB: make them smaller") from None
        raise FrameError("files that may not be read: check their permissions") from None
    if not data:
        raise FrameError("empty files")
    check_picture(data)
    if is_jpeg(data):
        jpeg = whole_jpeg(data)
        if jpeg is None:
            raise FrameError("JPEG images that are cut short or damaged")
        return Picture(offset_ns, jpeg=jpeg)
    if has_several_pictures(data):
        raise FrameError(f"{path.suffix} files of several pictures: give each as a film by itself")
    return Picture(offset_ns, image=decode_picture(data))
