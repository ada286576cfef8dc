"""Pictures as H.264, one packet each."""

import cv2
import numpy as np
import pytest

from facetrack_ros.core.h264 import H264Decoder, H264Encoder, is_key_packet
from facetrack_ros.errors import FrameError


def picture(i):
    image = np.full((64, 64, 3), 40 + 20 * i, np.uint8)
    image[16:32, 8 * i : 8 * i + 16] = 230
    return image


def test_each_packet_is_one_picture_and_gives_it_at_once():
    encoder, decoder = H264Encoder((64, 64)), H264Decoder()
    for i in range(6):
        assert cv2.PSNR(decoder.decode(encoder.encode(picture(i), False)), picture(i)) > 30


def test_what_is_skipped_is_there_for_those_after():
    encoder, decoder = H264Encoder((64, 64)), H264Decoder()
    packets = [encoder.encode(picture(i), False) for i in range(5)]
    assert all(decoder.skip(packet) for packet in packets[:4])
    assert cv2.PSNR(decoder.decode(packets[4]), picture(4)) > 30


def test_key_packets_are_told_from_others_and_a_decoder_makes_nothing_of_what_it_cannot():
    encoder, decoder = H264Encoder((64, 64)), H264Decoder()
    packets = [encoder.encode(picture(i), i == 2) for i in range(4)]
    assert [is_key_packet(packet) for packet in packets] == [True, False, True, False]
    assert not is_key_packet(b"")
    assert not is_key_packet(b"\0\0\1")
    assert decoder.decode(packets[1]) is None
    assert decoder.decode(b"no packet") is None
    assert decoder.decode(packets[2]).shape == (64, 64, 3)


def test_a_size_h264_cannot_hold_is_refused_with_what_to_do():
    with pytest.raises(FrameError, match=r"frame_history\.compression"):
        H264Encoder((63, 64))
