"""A folder of pictures as the frames of one camera."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from facetrack_ros.core.jpeg import decode, is_jpeg, is_png, whole_jpeg
from facetrack_ros.errors import SourceError
from facetrack_ros.sources.source import FrameSource, Picture

DEFAULT_FPS = 10.0
_NAMED = 3
PICTURE_SUFFIXES = frozenset((".jpg", ".jpeg", ".png", ".bmp", ".pgm", ".ppm", ".tif", ".tiff", ".webp"))


class PictureFolderSource(FrameSource):
    """The pictures of a folder, sorted by name, at equal intervals. JPEG files are passed on unchanged.

    A damaged picture is skipped and counted; its time stays empty.

    :param fps: pictures a second.
    :raises SourceError: the folder cannot be read or has no pictures, or ``fps`` is not above zero.
    """

    def __init__(self, path: Path, fps: float = DEFAULT_FPS):
        super().__init__(str(path))
        if not 0 < fps < float("inf"):
            raise SourceError(f"{fps} pictures a second cannot be: give a number above zero")
        self._fps, self._folder = fps, path
        self._paths = pictures_in(path)
        if not self._paths:
            kinds = ", ".join(sorted(PICTURE_SUFFIXES))
            raise SourceError(f"{path} holds no pictures: give a folder with {kinds} files")

    def _read_pictures(self) -> Iterator[Picture]:
        """The readable pictures."""
        for row, path in enumerate(self._paths):
            if self._closed:
                return
            picture = _read(path, round(row * 1e9 / self._fps))
            if picture is None:
                self.unused.add("pictures that are damaged")
            else:
                yield picture
        unnamed = unnamed_pictures(self._folder)
        if unnamed:
            names = ", ".join(unnamed[:_NAMED]) + (" …" if len(unnamed) > _NAMED else "")
            self.unused.add(f"pictures whose names do not end as those of pictures do ({names})", len(unnamed))


def pictures_in(folder: Path) -> list[Path]:
    """The picture files of a folder, sorted by name.

    :raises SourceError: the folder cannot be read.
    """
    try:
        files = (path for path in folder.iterdir() if not path.name.startswith(".") and path.is_file())
        return sorted(path for path in files if path.suffix.lower() in PICTURE_SUFFIXES)
    except OSError as error:
        raise SourceError(f"{folder} cannot be read as a folder: check the path and its permissions") from error


def unnamed_pictures(folder: Path) -> list[str]:
    """Names of the files in a folder that are pictures by their first bytes, but not by their names."""
    found = []
    for path in sorted(folder.iterdir()):
        with suppress(OSError):
            if path.suffix.lower() not in PICTURE_SUFFIXES and not path.name.startswith(".") and path.is_file():
                with path.open("rb") as file:
                    head = file.read(16)
                found += [path.name] if is_jpeg(head) or is_png(head) else []
    return found


def _read(path: Path, offset_ns: int) -> Picture | None:
    try:
        data = path.read_bytes()
    except OSError:
        return None
    if is_jpeg(data):
        whole = whole_jpeg(data)
        return Picture(offset_ns, jpeg=whole) if whole is not None else None
    image = decode(data)
    return None if image is None else Picture(offset_ns, image=image)
