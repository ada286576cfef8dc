"""Pictures of the H.264 streams in one segment."""

import numpy as np

from facetrack_ros.core.h264 import H264Decoder, is_key_packet
from facetrack_ros.core.sealed_files.record_file import StoredFile
from facetrack_ros.history.mcap.message_table import MessageTable
from facetrack_ros.history.mcap.reader import read_message
from facetrack_ros.history.messages.video import read_video


class VideoDecoder:
    """Decodes rows of a segment, each from the key picture before it, or onwards from the row decoded last.

    :param file: the segment, open.
    """

    def __init__(self, file: StoredFile, table: MessageTable) -> None:
        self._file, self._table = file, table
        self._decoder: H264Decoder | None = None
        self._channel = -1
        self._position = -1

    def picture(self, row: int) -> tuple[int, str, np.ndarray]:
        """Sequence number, frame id and image, ``(height, width, 3)`` uint8 BGR, of a row.

        :raises ValueError: the message is damaged, or one that it depends on is.
        :raises OSError: the file cannot be read.
        """
        channel = int(self._table.channel_numbers[row])
        stream = np.flatnonzero(self._table.channel_numbers == channel)  # in order of encoding, whatever the stamps
        wanted = int(np.searchsorted(stream, row))
        resume = self._decoder is not None and channel == self._channel and self._position < wanted
        decoder, self._decoder = self._decoder if resume else None, None  # kept only if everything decodes
        packets, position = [self._read(stream[wanted])], wanted  # the wanted one, then those before it, backwards
        while not is_key_packet(packets[-1][2]):
            position -= 1
            if decoder is not None and position == self._position:
                break
            if position < 0:
                raise ValueError("no key picture before it")
            packets.append(self._read(stream[position]))
        else:
            decoder = H264Decoder()
        if not all(decoder.skip(packet) for _, _, packet in reversed(packets[1:])):
            raise ValueError("a picture before it does not decode")
        sequence, frame_id, packet = packets[0]
        image = decoder.decode(packet)
        if image is None:
            raise ValueError("it does not decode")
        self._decoder, self._channel, self._position = decoder, channel, wanted
        return sequence, frame_id, image

    def _read(self, row: int) -> tuple[int, str, bytes]:
        _, sequence, _, content = read_message(self._file, self._table, int(row))
        return sequence, *read_video(content)
