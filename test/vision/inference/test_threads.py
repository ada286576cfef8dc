"""Threads share models without changing the results of each other."""

import threading

import cv2
import numpy as np
import pytest

from facetrack_ros.demo.staging import PORTRAITS, load_portrait
from facetrack_ros.vision.factory import build_pipeline
from facetrack_ros.vision.settings import VisionSettings


@pytest.fixture(params=["centerface", "yunet_n_640_640"])
def pipeline(request, monkeypatch):
    if request.param != "centerface":
        monkeypatch.setenv("FACETRACK_MODELS", str(request.getfixturevalue("models")))
    return build_pipeline(VisionSettings(person_model="faces", face_model=request.param))


def test_concurrent_detection_equals_sequential_detection(pipeline):
    busy = cv2.resize(load_portrait(PORTRAITS[0]), (640, 640))
    empty = np.full((200, 200, 3), 200, np.uint8)
    alone = [pipeline.detect([picture])[0].boxes for picture in (busy, empty)]
    assert len(alone[0]) == 1
    assert len(alone[1]) == 0
    wrong = []

    def look(picture, expected):
        for _ in range(15):
            boxes = pipeline.detect([picture])[0].boxes
            if boxes.shape != expected.shape or not np.array_equal(boxes, expected):
                wrong.append(boxes)

    threads = [threading.Thread(target=look, args=pair) for pair in zip((busy, empty, busy, empty), alone * 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
