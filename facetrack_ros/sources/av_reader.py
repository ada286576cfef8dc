"""Video containers read with PyAV, as video files and addresses share it."""

import threading
from collections.abc import Iterator

import numpy as np

from facetrack_ros.core.jpeg import is_whole_jpeg

#: Codecs that FFmpeg applies to files that are not videos: any text passes for ANSI art.
_TEXT_CODECS = ("ansi", "bintext", "xbin", "idf")


class NoVideoError(Exception):
    """A container without a video stream."""


def open_container(url: str, **options):
    """An input container of PyAV and its video stream.

    :param options: of ``av.open``.
    :raises NoVideoError: the container has no video stream.
    :raises av.FFmpegError: it cannot be opened.
    """
    import av

    av.logging.set_level(av.logging.PANIC)
    container = av.open(url, **options)
    for stream in container.streams.video:
        if stream.codec_context is not None and stream.codec_context.name not in _TEXT_CODECS and not _is_cover(stream):
            return container, stream
    container.close()
    raise NoVideoError


def _is_cover(stream) -> bool:
    """Whether a video stream is only a cover picture."""
    # PyAV gives the flags as an enum or a number, depending on its version.
    disposition = getattr(stream, "disposition", 0)
    return bool(int(getattr(disposition, "value", disposition)) & 0x0400)


class AvReader:
    """Reads the pictures of one video stream: JPEG bytes if it is motion JPEG, else pixels.

    Reading and closing exclude each other: FFmpeg crashes when a container is closed while a thread reads it.

    :ivar skipped: number of damaged pictures.
    :ivar interval_ns: time between pictures at the container's nominal rate.
    """

    def __init__(self, container, stream):
        self._container = container
        self._packets = container.demux(stream)
        self._lock = threading.Lock()
        self._closed = False
        self._quarter_turns: int | None = None
        self._reformatter = None
        self._is_motion_jpeg = stream.codec_context.name == "mjpeg"
        self.skipped = 0
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
            return None
        if self._is_motion_jpeg:
            return self._jpeg(packet)
        import av

        try:
            frames = packet.decode()
        except av.error.FFmpegError:
            self.skipped += 1
            return []
        whole = [frame for frame in frames if not frame.is_corrupt]
        self.skipped += len(frames) - len(whole)
        return [(_nanoseconds(frame), None, self._upright(frame)) for frame in whole]

    def _upright(self, frame) -> np.ndarray:
        """Pixels of a frame, turned as the display matrix says: telephones store videos lying on their side."""
        if self._reformatter is None:
            from av.video.reformatter import VideoReformatter

            # Only the first frame is asked for its side data: such a frame refers to itself from then on, and keeps
            # its pixels and the threads of its converter until Python collects garbage. One converter serves all
            # frames.
            self._reformatter, self._quarter_turns = VideoReformatter(), _quarter_turns(frame)
        image = self._reformatter.reformat(frame, format="bgr24").to_ndarray()
        return np.ascontiguousarray(np.rot90(image, self._quarter_turns)) if self._quarter_turns else image

    def _jpeg(self, packet) -> list:
        data = bytes(packet)
        if not data:
            return []  # the flush at the end
        if not is_whole_jpeg(data):
            self.skipped += 1
            return []
        return [(_nanoseconds(packet), data, None)]


def _nanoseconds(timed) -> int | None:
    """Time of a packet or frame, exact: ``pts`` and its time base are integers, a float of seconds would not be."""
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
