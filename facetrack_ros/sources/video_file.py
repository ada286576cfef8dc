"""A video file, with the true times of its frames."""

from collections.abc import Iterator
from pathlib import Path

from facetrack_ros.errors import SourceError
from facetrack_ros.sources.av_reader import AvReader, NoVideoError, open_film
from facetrack_ros.sources.source import FrameSource, Picture


class VideoFileSource(FrameSource):
    """An mp4, avi, mkv, gif or another file that FFmpeg reads. Motion JPEG is passed on without re-encoding.

    A file that is cut short gives the pictures before the cut.

    :raises SourceError: the file is not a video, or cannot be read.
    """

    def __init__(self, path: Path):
        super().__init__(str(path))
        self._path = path
        self._open().close()

    def _open(self) -> AvReader:
        import av

        try:
            if self._path.stat().st_size == 0:
                raise SourceError(f"{self.name} is empty: give a video file that holds frames")
            return AvReader(*open_film(self._path))
        except NoVideoError as error:
            raise SourceError(f"{self.name} is no video: give an mp4, avi, mkv or gif file") from error
        except PermissionError as error:
            raise SourceError(f"{self.name} may not be read: check its permissions") from error
        except (av.error.FFmpegError, OSError) as error:
            advice = "give an mp4, avi, mkv or gif file, complete from its start"
            raise SourceError(f"{self.name} is no video that can be read, or it is damaged: {advice}") from error
        except UnicodeError as error:
            raise SourceError(f"{self.name!r} has a name that is no UTF-8 text: rename it") from error

    def _read_pictures(self) -> Iterator[Picture]:
        """The pictures up to the end, or to where the file is cut short."""
        import av

        reader = self._open()
        first_ns = last_ns = None
        try:
            for time_ns, jpeg, image in reader:
                if time_ns is None:  # some old containers have no times: use the nominal rate
                    time_ns = 0 if last_ns is None else last_ns + reader.interval_ns
                first_ns = time_ns if first_ns is None else first_ns
                last_ns = time_ns
                yield Picture(offset_ns=time_ns - first_ns, jpeg=jpeg, image=image)
                if self._closed:
                    return
        except (av.error.FFmpegError, OSError):
            self.unused.add_unknown("the file is cut short or damaged there")
        finally:
            self.unused.update(reader.unused)
            reader.close()
