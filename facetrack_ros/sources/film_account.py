"""Account of a film's frames: how many its container holds or states, and how many were decoded."""

import os
from typing import Any

import numpy as np

from facetrack_ros.sources.unused_frames import UnusedFrames

#: Containers that state how long they are; others are measured by what is there. Names as FFmpeg's demuxers have them.
_STATE_DURATION = ("mov", "matroska", "avi", "asf", "flv")
_MICROSECOND_NS = 1000
# Packets from a corrupt one to the gap it tells of, chosen by hand.
_NEAR = 4
# Of transport streams: bytes a packet and where its first byte is, plain and with a time code; and that byte.
_TS_PACKETS = ((188, 0), (192, 4))
_TS_SYNC = 0x47
# Packets that are looked at together.
_TS_PIECE = 1_000_000


class FilmAccount:
    """Counts the packets and frames of one video stream.

    :param container: of PyAV, as ``stream``.
    """

    def __init__(self, container: Any, stream: Any) -> None:
        self._codec = stream.codec_context.name
        self._format = container.format.name.partition(",")[0]
        self._url = container.name
        self._stated_end_ns = _stated_end_ns(container, stream) if self._format in _STATE_DURATION else None
        self._interval_ns = round(1e9 / float(stream.average_rate or 25))
        self._packets = self._frames = self._end_ns = 0
        self._last_ns: int | None = None
        self._gaps = False
        self._suspicious = 0

    def add_packet(self, packet: Any, data_bytes: int) -> None:
        """Count a packet of the stream."""
        if not data_bytes or packet.is_discard or not _is_picture(self._codec, packet):
            return
        self._packets += 1
        if packet.pts is not None and packet.time_base is not None:
            duration = packet.duration * packet.time_base if packet.duration else 0
            end_ns = round((packet.pts * packet.time_base + duration) * 1_000_000_000)
            self._end_ns = max(self._end_ns, end_ns if duration else end_ns + self._interval_ns)
        if packet.dts is not None and packet.time_base is not None:
            self._note_gap(round(packet.dts * packet.time_base * 1_000_000_000), packet.is_corrupt)

    def _note_gap(self, time_ns: int, is_corrupt: bool) -> None:
        """Note where packets were lost: FFmpeg calls one near there corrupt, and time leaps.

        Between two recordings, one after the other, time goes back.
        """
        self._suspicious = _NEAR if is_corrupt else max(0, self._suspicious - 1)
        if self._suspicious and self._last_ns is not None and time_ns - self._last_ns > 1.5 * self._interval_ns:
            self._gaps = True
        self._last_ns = time_ns

    def add_frames(self, count: int) -> None:
        """Count frames that were decoded."""
        self._frames += count

    def finish(self, unused: UnusedFrames) -> None:
        """Count what is missing at the end of the film."""
        unused.add("frames that are damaged or cannot be decoded", self._packets - self._frames)
        if not self._packets:
            unused.add_unknown("the file holds no frame that could be found, or it is damaged")
        elif self._stated_end_ns is not None and self._stated_end_ns - self._end_ns > 0.75 * self._interval_ns:
            seconds = f"{self._end_ns / 1e9:.1f} s of {self._stated_end_ns / 1e9:.1f} s are there"
            unused.add_unknown(f"the file is cut short or damaged: {seconds}")
        elif self._gaps or (self._format == "mpegts" and _is_damaged_ts(self._url)):
            unused.add_unknown("the stream is damaged, or parts of it are missing")


def _is_damaged_ts(url: str) -> bool:
    """Whether packets of a transport stream do not begin as they have to, or the last one is not whole."""
    path = url.removeprefix("file:")
    if path == url or not os.path.getsize(path):  # an address
        return False
    data = np.memmap(path, np.uint8, "r")
    for packet_bytes, offset in _TS_PACKETS:
        if len(data) > offset and data[offset] == _TS_SYNC:
            pieces = range(offset, len(data), _TS_PIECE * packet_bytes)
            marks = (data[start : start + _TS_PIECE * packet_bytes : packet_bytes] for start in pieces)
            return bool(len(data) % packet_bytes) or any((piece != _TS_SYNC).any() for piece in marks)
    return True


def _stated_end_ns(container: Any, stream: Any) -> int | None:
    """Where the stream ends by the container's header, nanoseconds; None if it does not say it of this stream."""
    start_ns = 0
    if stream.start_time is not None and stream.time_base is not None:
        start_ns = round(stream.start_time * stream.time_base * 1_000_000_000)
    if stream.duration and stream.time_base is not None:
        return start_ns + round(stream.duration * stream.time_base * 1_000_000_000)
    if container.duration and len(container.streams) == 1:
        return start_ns + container.duration * _MICROSECOND_NS
    return None


def _is_picture(codec: str, packet: Any) -> bool:
    """Whether a packet is a picture to be shown."""
    if codec == "vp8":
        return bool(bytes(packet)[0] & 0x10)  # else it is only referred to (RFC 6386, 9.1)
    # A placeholder of MPEG-4 in AVI, whose picture came in the packet before.
    return codec != "mpeg4" or packet.size > 8
