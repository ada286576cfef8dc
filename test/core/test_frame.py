"""A frame is decoded once, whoever asks, and frames side by side."""

import threading
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest

from facetrack_ros.core.frame import Frame, encode_jpeg

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


def test_a_frame_that_two_threads_ask_for_is_decoded_once(monkeypatch):
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
    with pytest.raises(ValueError):
        first[0, 0] = 1
