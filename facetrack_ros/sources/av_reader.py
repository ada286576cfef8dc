"""Video containers read with PyAV, as video files and addresses share it."""

import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from facetrack_ros.core.jpeg import jpeg_size, whole_jpeg
from facetrack_ros.core.orientation import UPRIGHT, orientation_of_frame, turn_of, upright
from facetrack_ros.core.pictures.decoding import check_picture
from facetrack_ros.core.pictures.ffmpeg import FILM_FORMATS, open_input
from facetrack_ros.core.pictures.jpeg_orientation import exif_orientation, turned_jpeg
from facetrack_ros.errors import FrameError
from facetrack_ros.sources.film_account import FilmAccount
from facetrack_ros.sources.film_header import check_film
from facetrack_ros.sources.unused_frames import UnusedFrames

#: Codecs that FFmpeg applies to files that are not videos: any text passes for ANSI art.
_TEXT_CODECS = ("ansi", "bintext", "xbin", "idf")

#: Seconds for opening a film in a file, and for each of its packets: FFmpeg looks for a mark up to the end of a file,
#: which may have a hole of a terabyte. Chosen by hand.
TIMEOUTS_S = (20.0, 60.0)


class NoVideoError(Exception):
    """A container without a video stream."""


def open_container(url: str, **options):
    """An input container of PyAV and its video stream.

    :param options: of :func:`.open_input`.
    :raises NoVideoError: the container has no video stream.
    :raises av.FFmpegError: it cannot be opened.
    """
    container = open_input(url, **options)
    for stream in container.streams.video:
        if stream.codec_context is not None and stream.codec_context.name not in _TEXT_CODECS and not _is_cover(stream):
            return container, stream
    container.close()
    raise NoVideoError


def open_film(path: Path):
    """The container of a film in a file, and its video stream.

    :raises NoVideoError: it has no video stream.
    :raises SourceError: its index claims more than it can hold.
    :raises OSError: it cannot be read, or is no regular file.
    :raises av.FFmpegError: it is no film that can be read.
    """
    check_film(path)
    # Without the prefix FFmpeg would take a colon in the name for a protocol.
    return open_container(f"file:{path}", formats=FILM_FORMATS, timeout=TIMEOUTS_S)


def _is_cover(stream) -> bool:
    """Whether a video stream is only a cover picture."""
    # PyAV gives the flags as an enum or a number, depending on its version.
    disposition = getattr(stream, "disposition", 0)
    return bool(int(getattr(disposition, "value", disposition)) & 0x0400)


class AvReader:
    """Reads the pictures of one video stream, upright: JPEG bytes if it is motion JPEG, else pixels.

    Reading and closing exclude each other: FFmpeg crashes when a container is closed while a thread reads it.

    :ivar unused: the frames that gave no picture, by reason; whole after the last one.
    :ivar interval_ns: time between pictures at the container's nominal rate.
    """

    def __init__(self, container, stream):
        self._container = container
        self._packets = container.demux(stream)
        self._lock = threading.Lock()
        self._closed = False
        self._orientation: int | None = None
        self._rotation = 0
        self._reformatter = None
        self._is_motion_jpeg = stream.codec_context.name == "mjpeg"
        self.unused = UnusedFrames()
        self._account = FilmAccount(container, stream)
        self._height = stream.codec_context.height
        self.interval_ns = round(1e9 / float(stream.average_rate or 25))

    def __iter__(self) -> Iterator[tuple[int | None, bytes | None, np.ndarray | None]]:
        """Presentation time in nanoseconds (None if unknown), JPEG bytes, pixels: in order of presentation.

        :raises av.FFmpegError: the container cannot be read further.
        """
        while True:
            with self._lock:
                pictures = None if self._closed else self._next()
            if pictures is None:
                return
            yield from pictures

    def close(self) -> None:
        """Close the container; waits for a running read."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._container.close()

    def _next(self) -> list | None:
        """Pictures of the next packet, None at the end."""
        packet = next(self._packets, None)
        if packet is None:
            self._account.finish(self.unused)
            return None
        self._account.add_packet(packet, packet.size)
        pictures = self._jpeg(packet) if self._is_motion_jpeg else self._shown(packet)
        self._account.add_frames(len(pictures))
        return pictures

    def _shown(self, packet) -> list:
        whole = [frame for frame in self._decoded(packet) if not frame.is_corrupt]
        return [(_nanoseconds(frame), None, self._pixels(frame)) for frame in whole]

    def _decoded(self, packet) -> list:
        import av

        try:
            return packet.decode()
        except av.error.FFmpegError:
            return []

    def _pixels(self, frame) -> np.ndarray:
        """Pixels of a frame, upright."""
        if self._reformatter is None:
            from av.video.reformatter import VideoReformatter

            # One converter serves all frames: a frame's own would keep its threads until Python collects garbage.
            self._reformatter = VideoReformatter()
        image = self._reformatter.reformat(frame, format="bgr24").to_ndarray()
        return upright(image, self._orientation_of(frame))

    def _orientation_of(self, frame) -> int:
        """As the container or the stream states; read again where it turns in mid-stream (PyAV 14 tells)."""
        rotation = getattr(frame, "rotation", 0)
        if self._orientation is None or rotation != self._rotation:
            self._orientation, self._rotation = orientation_of_frame(frame), rotation
        return self._orientation

    def _jpeg(self, packet) -> list:
        """The picture as it is in the file; the container's orientation becomes one of EXIF, where that has none."""
        data = bytes(packet)
        size = jpeg_size(data)
        if size is None:  # damaged, or the flush at the end
            return []
        if 4 * size[1] < 3 * self._height:
            return self._shown(packet)  # two fields, each a JPEG of half the height
        try:
            check_picture(data)
        except FrameError:  # it counts as one that cannot be decoded
            return []
        whole = whole_jpeg(data)
        if whole is None:
            return []
        data = whole
        if exif_orientation(data) == UPRIGHT:
            if self._orientation is None:
                self._orientation = next(map(orientation_of_frame, self._decoded(packet)), UPRIGHT)
            if self._orientation != UPRIGHT:
                data = turned_jpeg(data, *turn_of(self._orientation))
        return [(_nanoseconds(packet), data, None)]


def _nanoseconds(timed) -> int | None:
    """Time of a packet or frame, exact: ``pts`` and its time base are integers, a float of seconds would not be."""
    if timed.pts is None or timed.time_base is None:
        return None
    return timed.pts * timed.time_base.numerator * 1_000_000_000 // timed.time_base.denominator
