"""Every encoding of one scene gives one picture; what contradicts itself is told, never guessed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facetrack_ros.errors import FrameError
from facetrack_ros.sources.raw_image import ENCODINGS, bgr_of_raw

HEIGHT, WIDTH = 24, 32
# A mosaic's first two rows, as colours of BGR.
MOSAICS = {"rggb": ((2, 1), (1, 0)), "bggr": ((0, 1), (1, 2)), "gbrg": ((1, 0), (2, 1)), "grbg": ((1, 2), (0, 1))}
GREY = ("mono8", "mono16", "8UC1")
# Colours halved in resolution or woven into a mosaic are restored to within rounding on smooth pictures only.
LOSSY = {
    "yuv422",
    "uyvy",
    "yuv422_yuy2",
    "yuyv",
    "nv12",
    "nv21",
    *(f"bayer_{order}{bits}" for order in MOSAICS for bits in (8, 16)),
}


def scene() -> np.ndarray:
    """Smooth colours that tell blue, green and red, top, bottom, left and right apart."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    return np.stack([60 + 2 * columns, 140 - 2 * rows, 200 - columns - rows], axis=2).astype(np.uint8)


def luma_and_colours(bgr):
    """Brightness and the two colour differences of ITU-R BT.601 in video range, as YUV cameras send them."""
    blue, green, red = (bgr[:, :, channel].astype(float) for channel in range(3))
    luma = 16 + (65.481 * red + 128.553 * green + 24.966 * blue) / 255
    blueness = 128 + (-37.797 * red - 74.203 * green + 112 * blue) / 255
    redness = 128 + (112 * red - 93.786 * green - 18.214 * blue) / 255
    return luma, blueness, redness


def sent(bgr: np.ndarray, encoding: str, padding: int = 0, big_endian: bool = False):
    """What a driver sends of a picture, written down from the encodings' definitions: bytes and step."""
    samples = sent_samples(bgr, encoding.replace("16", "8"))
    if "16" in encoding:
        samples = (samples.astype(np.uint16) * 257).astype(">u2" if big_endian else "<u2")
    rows = np.ascontiguousarray(samples).view(np.uint8).reshape(len(samples), -1)
    rows = np.pad(rows, ((0, 0), (0, padding)), constant_values=77)
    return rows.tobytes(), rows.shape[1]


def sent_samples(bgr, encoding):
    opaque = np.full((*bgr.shape[:2], 1), 99, np.uint8)
    if encoding in ("bgr8", "8UC3"):
        return bgr
    if encoding == "rgb8":
        return bgr[:, :, ::-1]
    if encoding in ("bgra8", "8UC4"):
        return np.dstack([bgr, opaque])
    if encoding == "rgba8":
        return np.dstack([bgr[:, :, ::-1], opaque])
    if encoding in ("mono8", "8UC1"):
        return bgr[:, :, 1]
    if encoding.startswith("bayer_"):
        mosaic = np.empty(bgr.shape[:2], np.uint8)
        for row, colours in enumerate(MOSAICS[encoding[6:10]]):
            for column, colour in enumerate(colours):
                mosaic[row::2, column::2] = bgr[row::2, column::2, colour]
        return mosaic
    luma, blueness, redness = (np.rint(part).astype(np.uint8) for part in luma_and_colours(bgr))
    if encoding in ("nv12", "nv21"):
        first, second = (blueness, redness) if encoding == "nv12" else (redness, blueness)
        colour = np.stack([first[::2, ::2], second[::2, ::2]], axis=2).reshape(HEIGHT // 2, WIDTH)
        return np.vstack([luma, colour])
    woven = np.empty((*bgr.shape[:2], 2), np.uint8)
    own, shared = (1, 0) if encoding in ("yuv422", "uyvy") else (0, 1)
    woven[:, :, own] = luma
    woven[:, ::2, shared], woven[:, 1::2, shared] = blueness[:, ::2], redness[:, ::2]
    return woven


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("big_endian", [False, True])
@pytest.mark.parametrize("padding", [0, 6])
def test_every_encoding_gives_the_same_picture(encoding, padding, big_endian):
    data, step = sent(scene(), encoding, padding, big_endian)
    got = bgr_of_raw(data, HEIGHT, WIDTH, step, encoding, big_endian)
    assert got.shape == (HEIGHT, WIDTH, 3)
    assert got.dtype == np.uint8
    wanted = np.dstack([scene()[:, :, 1]] * 3) if encoding in GREY else scene()
    if encoding in LOSSY:
        inner = (slice(2, -2),) * 2  # at its edge a mosaic has nothing to go by
        assert np.abs(got[inner].astype(int) - wanted[inner]).max() <= 5
    else:
        np.testing.assert_array_equal(got, wanted)


@given(value=st.integers(0, 65535), big_endian=st.booleans())
@settings(deadline=None, max_examples=200)
def test_sixteen_bits_become_eight_by_255_over_65535_rounded(value, big_endian):
    data = value.to_bytes(2, "big" if big_endian else "little")
    assert bgr_of_raw(data, 1, 1, 2, "mono16", big_endian).ravel().tolist() == [round(value * 255 / 65535)] * 3


@given(
    encoding=st.sampled_from(ENCODINGS),
    height=st.integers(0, 9),
    width=st.integers(0, 9),
    step=st.integers(0, 60),
    size=st.integers(0, 600),
)
@settings(deadline=None, max_examples=500)
def test_whatever_the_sizes_say_there_is_a_picture_of_that_size_or_a_sentence(encoding, height, width, step, size):
    sentence = picture = None
    try:
        picture = bgr_of_raw(bytes(size), height, width, step, encoding)
    except FrameError as error:
        sentence = str(error)
    if sentence is not None:
        assert sentence[0].islower()
        assert "\n" not in sentence
    else:
        assert picture.shape == (height, width, 3)
        assert size >= height * step


@pytest.mark.parametrize(
    ("data", "height", "width", "step", "encoding", "told"),
    [
        (b"", 2, 2, 6, "bgr8", "without data"),
        (bytes(11), 2, 2, 6, "bgr8", "needs 12 bytes, but 11 came"),
        (bytes(99), 1, 3, 3, "bgr8", "rows of 9 bytes, but says 3"),
        (bytes(99), 0, 0, 0, "mono8", "0x0"),
        (bytes(99), 2, 3, 6, "yuv422", "even sizes"),
        (bytes(99), 2, 2, 4, "16UC1", "measurements"),
        (bytes(99), 2, 2, 4, "jpeg2000", "'jpeg2000' cannot be read"),
    ],
)
def test_what_is_wrong_is_said_with_what_to_do(data, height, width, step, encoding, told):
    with pytest.raises(FrameError, match=told):
        bgr_of_raw(data, height, width, step, encoding)
