"""Pictures of the H.264 streams in one segment."""

import numpy as np

from facetrack_ros.history.frames.h264 import H264Decoder, is_key_packet
from facetrack_ros.history.mcap.message_table import SegmentTable
from facetrack_ros.history.mcap.reader import read_message
from facetrack_ros.history.messages.video import read_video


class StoredVideo:
    """Decodes rows of a segment: from the key picture before each, or onwards from the row decoded last.

    :param file: descriptor of the segment.
    """

    def __init__(self, file: int, table: SegmentTable) -> None:
        self._file, self._table = file, table
        self._decoder: H264Decoder | None = None
        self._channel = -1
        self._at = -1

    def picture(self, row: int) -> tuple[int, str, np.ndarray]:
        """Sequence number, frame id and picture ``(height, width, 3)`` uint8 BGR of a row.

        :raises ValueError: it is damaged, or one of those it is made from is.
        :raises OSError: it cannot be read.
        """
        channel = int(self._table.channels_of[row])
        stream = np.flatnonzero(self._table.channels_of == channel)  # as they were encoded, whatever their stamps
        wanted = int(np.searchsorted(stream, row))
        going = self._decoder is not None and channel == self._channel and self._at < wanted
        decoder, self._decoder = self._decoder, None  # gone, unless all goes well
        packets, at = [], wanted
        while True:
            _, sequence, _, content = read_message(self._file, self._table, int(stream[at]))
            _, frame_id, packet = read_video(content)
            packets.append((sequence, frame_id, packet))
            if is_key_packet(packet):
                decoder = H264Decoder()
                break
            at -= 1
            if going and at == self._at:
                break
            if at < 0:
                raise ValueError("no key picture before it")
        for _, _, packet in reversed(packets[1:]):
            if not decoder.skip(packet):
                raise ValueError("a picture before it does not decode")
        sequence, frame_id, packet = packets[0]
        image = decoder.decode(packet)
        if image is None:
            raise ValueError("it does not decode")
        self._decoder, self._channel, self._at = decoder, channel, wanted
        return sequence, frame_id, image
