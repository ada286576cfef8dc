"""Containers and packets, read quietly with PyAV: the part that video files and addresses share."""

import threading
from collections.abc import Iterator

import numpy as np

from facetrack_ros.core.jpeg import is_whole_jpeg

# FFmpeg shows these as if they were films: any text file passes for ANSI art.
_NO_FILM = ("ansi", "bintext", "xbin", "idf")


class NoFilm(Exception):
    """What was opened holds no film."""


def open_container(url: str, **options):
    """An input container of PyAV with a film in it.

    :param options: go to ``av.open``.
    :returns: the container and its video stream.
    :raises NoFilm: opened, but it holds no film.
    :raises av.FFmpegError: cannot be opened.
    """
    import av

    av.logging.set_level(av.logging.PANIC)
    container = av.open(url, **options)
    for stream in container.streams.video:
        # A cover picture is a video stream by name only.
        if stream.codec_context is not None and stream.codec_context.name not in _NO_FILM and not _is_cover(stream):
            return container, stream
    container.close()
    raise NoFilm


def _is_cover(stream) -> bool:
    # The flag's type is an enum or a number, by PyAV's version.
    disposition = getattr(stream, "disposition", 0)
    return bool(int(getattr(disposition, "value", disposition)) & 0x0400)


class PictureReader:
    """Packets of one video stream to JPEG bytes, where it is motion JPEG, or else to pixels.

    Reading and closing exclude one another: FFmpeg crashes when a container is closed under a reading thread.

    :ivar skipped: pictures that were damaged.
    :ivar spacing_ns: nanoseconds from picture to picture by the container's nominal rate.
    """

    def __init__(self, container, stream):
        self._container = container
        self._stream = stream
        self._packets = container.demux(stream)
        self._lock = threading.Lock()
        self._closed = False
        self._turns: int | None = None
        self._reformatter = None
        self._is_motion_jpeg = stream.codec_context.name == "mjpeg"
        self.skipped = 0
        self.spacing_ns = round(1e9 / float(stream.average_rate or 25))

    def __iter__(self) -> Iterator[tuple[int | None, bytes | None, np.ndarray | None]]:
        """Presentation time in nanoseconds (None where unknown), JPEG bytes, pixels: in order of presentation.

        :raises av.FFmpegError: reading failed for good, other than by the end.
        """
        while True:
            with self._lock:
                if self._closed:
                    return
                found = self._next()
            if found is None:
                return
            yield from found

    def close(self) -> None:
        """End; waits for a read that is under way."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._container.close()

    def _next(self) -> list | None:
        """Pictures of the next packet, None at the end."""
        packet = next(self._packets, None)
        if packet is None:
            return None
        if self._is_motion_jpeg:
            return self._pass_on(packet)
        import av

        try:
            frames = packet.decode()
        except av.error.FFmpegError:
            self.skipped += 1
            return []
        pictures = []
        for frame in frames:
            if frame.is_corrupt:
                self.skipped += 1
            else:
                pictures.append((_nanoseconds(frame), None, self._upright(frame)))
        return pictures

    def _upright(self, frame) -> np.ndarray:
        """Pixels of a frame, turned as its camera says: telephones write films lying down."""
        if self._reformatter is None:
            from av.video.reformatter import VideoReformatter

            # A frame that was asked for its side data refers to itself from then on, and stays with its pixels, and with the threads
            # of a converter of its own, until Python collects garbage. So only the first is asked, and one converter does for all.
            self._reformatter, self._turns = VideoReformatter(), _quarter_turns(frame)
        image = self._reformatter.reformat(frame, format="bgr24").to_ndarray()
        return np.ascontiguousarray(np.rot90(image, self._turns)) if self._turns else image

    def _pass_on(self, packet) -> list:
        data = bytes(packet)
        if not data:
            return []  # the flush at the end
        if not is_whole_jpeg(data):
            self.skipped += 1
            return []
        return [(_nanoseconds(packet), data, None)]


def _nanoseconds(timed) -> int | None:
    """Exact: ``pts`` and its time base are whole numbers, a float of seconds is not."""
    if timed.pts is None or timed.time_base is None:
        return None
    return timed.pts * timed.time_base.numerator * 1_000_000_000 // timed.time_base.denominator


def _quarter_turns(frame) -> int:
    """Quarter turns counterclockwise that set the picture upright, from the display matrix (nine int32)."""
    from av.sidedata.sidedata import Type

    data = frame.side_data.get(Type.DISPLAYMATRIX)
    if data is None:
        return 0
    cosine, sine = np.frombuffer(bytes(data), np.int32)[:2]
    return round(-np.degrees(np.arctan2(sine, cosine)) / 90) % 4
