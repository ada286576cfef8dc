"""A frame is decoded once, and different frames in parallel; bytes that are no image are errors."""

import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from facetrack_ros.core.frame import Frame, encode_jpeg
from facetrack_ros.errors import FrameError

DEADLINE_S = 10.0
JPEG = encode_jpeg(np.zeros((8, 8, 3), np.uint8))


def test_two_threads_decode_two_frames_at_the_same_time(monkeypatch):
    both, decode = threading.Barrier(2), cv2.imdecode

    def meeting(*arguments):
        both.wait(DEADLINE_S)  # breaks where the other is not let in
        return decode(*arguments)

    monkeypatch.setattr(cv2, "imdecode", meeting)
    with ThreadPoolExecutor(2) as threads:
        images = list(threads.map(lambda number: Frame("front", number, number, JPEG).image, range(2)))
    assert [image.shape for image in images] == [(8, 8, 3)] * 2


def test_concurrent_access_decodes_a_frame_once(monkeypatch):
    frame, asked, count, decode = Frame("front", 0, 0, JPEG), threading.Event(), [], cv2.imdecode

    def slow(*arguments):
        count.append(1)
        assert asked.wait(DEADLINE_S)
        return decode(*arguments)

    def ask(last):
        if last:
            asked.set()
        return frame.image

    monkeypatch.setattr(cv2, "imdecode", slow)
    with ThreadPoolExecutor(2) as threads:
        first, second = threads.map(ask, (False, True))
    assert first is second
    assert len(count) == 1
    assert frame.decoded
    with pytest.raises(ValueError, match="read-only"):
        first[0, 0] = 1


@pytest.mark.parametrize("encode", [".png", ".jpg", ".bmp"])
@given(share=st.floats(0, 0.999))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_truncated_file_is_decoded_or_rejected(astronaut, encode, share):
    data = cv2.imencode(encode, astronaut[::2, ::2])[1].tobytes()
    with contextlib.suppress(FrameError):
        image = Frame("front", 0, 7, data[: int(share * len(data))]).image
        assert image.shape == (256, 256, 3)
        assert image.dtype == np.uint8


@given(data=st.binary(max_size=300))
@settings(max_examples=300, deadline=None)
def test_any_bytes_are_decoded_or_rejected(data):
    with contextlib.suppress(FrameError):
        assert Frame("front", 0, 0, data).image.ndim == 3


def test_the_error_of_an_unreadable_frame_names_it():
    with pytest.raises(FrameError, match="frame 7 of camera front"):
        _ = Frame("front", 0, 7, b"no image").image


def test_encoding_an_array_that_is_no_image_is_an_error():
    for odd in (np.zeros((3, 4, 7), np.uint8), np.zeros((0, 4, 3), np.uint8), np.zeros((70_000, 1, 3), np.uint8)):
        with pytest.raises(FrameError, match="cannot encode"):
            encode_jpeg(odd)
