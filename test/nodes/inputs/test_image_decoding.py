"""Image messages become JPEG: still images, raw ones, and video from its first key picture on."""

import array
import logging
from fractions import Fraction

import cv2
import numpy as np
import pytest
from odd_pictures import CLAIMS

from facetrack_ros.core.frame import encode_jpeg
from facetrack_ros.core.pictures.decoding import decode
from facetrack_ros.errors import FrameError

messages = pytest.importorskip("sensor_msgs.msg", reason="ROS is not here")
PICTURE = np.full((48, 64, 3), (40, 120, 200), np.uint8)
JPEG = encode_jpeg(PICTURE)


@pytest.fixture
def decoder():
    from facetrack_ros.nodes.inputs.image_decoding import ImageDecoder

    return ImageDecoder(logging.getLogger())


def compressed(data: bytes, format: str = "jpeg"):
    return messages.CompressedImage(format=format, data=array.array("B", data))


def packets(count: int, b_frames: int = 0) -> list[bytes]:
    """H.264 of greys, a key picture every ten."""
    import av

    encoder = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt, encoder.time_base = 64, 48, "yuv420p", Fraction(1, 30)
    encoder.options = {"x264-params": f"keyint=10:scenecut=0:bframes={b_frames}"}
    found = []
    for number in range(count):
        image = np.full((48, 64, 3), 5 * number, np.uint8)
        frame = av.VideoFrame.from_ndarray(image, format="bgr24").reformat(format="yuv420p")
        frame.pts = number
        found += encoder.encode(frame)
    return [bytes(packet) for packet in [*found, *encoder.encode(None)]]


def test_jpeg_and_png_are_untouched(decoder):
    png = cv2.imencode(".png", PICTURE)[1].tobytes()
    for data, format in ((JPEG, "jpeg"), (png, "png"), (JPEG, "rgb8; jpeg compressed bgr8")):
        message = compressed(data, format)
        assert decoder.jpegs("front", message, 90) == [(message, data)]


def test_a_jpeg_without_its_end_marker_is_completed(decoder):
    ((_, jpeg),) = decoder.jpegs("front", compressed(JPEG[:-2]), 90)
    assert jpeg == JPEG


@pytest.mark.parametrize(
    ("data", "format", "says"),
    [
        (b"", "jpeg", "without data"),
        (JPEG[: len(JPEG) // 2], "jpeg", "cut short"),
        (bytes(50), "16UC1; compressedDepth", "depth images"),
        (b"not an image at all", "jxl", "'jxl'"),
    ],
)
def test_what_is_no_picture_is_refused_with_what_it_is(decoder, data, format, says):
    with pytest.raises(FrameError, match=says):
        decoder.jpegs("front", compressed(data, format), 90)


@pytest.mark.parametrize("kind", CLAIMS)
def test_an_image_that_claims_too_much_is_refused_with_its_size(decoder, kind):
    with pytest.raises(FrameError, match=r"\d{5}x\d{5} pixels"):
        decoder.jpegs("front", compressed(CLAIMS[kind](20_000, 16_384), "jpeg"), 90)


def test_a_raw_image_of_too_many_pixels_is_refused(decoder):
    huge = messages.Image(width=20_000, height=20_000, step=20_000, encoding="mono8", data=array.array("B", b"0"))
    with pytest.raises(FrameError, match="20000x20000 pixels came, and at most 36 megapixels"):
        decoder.jpegs("front", huge, 90)


def test_each_camera_has_a_video_of_its_own_and_lost_packets_are_told_once(decoder):
    found = {"front": [], "rear": []}
    for number, packet in enumerate(packets(40)):
        for camera in found if number >= 3 else ("front",):
            found[camera] += decoder.jpegs(camera, compressed(packet, "h264"), 90)
    assert len(found["front"]) == 40
    assert len(found["rear"]) == 30
    assert decoder.lost("front") == {}
    assert decoder.lost("rear") == {"video packets before the first key picture": 7}
    assert decoder.lost("rear") == {}
    shades = [decode(jpeg).mean() for _, jpeg in found["front"]]
    assert shades == sorted(shades)


def test_pictures_that_wait_for_later_packets_come_with_their_own_message(decoder):
    sent = [compressed(packet, "h264") for packet in packets(40, b_frames=2)]
    found = [pair for message in sent for pair in decoder.jpegs("front", message, 90)]
    assert len(found) >= 36
    assert len({id(message) for message, _ in found}) == len(found)
    assert decoder.lost("front") == {}
