"""YuNet's network on onnxruntime finds what OpenCV's FaceDetectorYN finds."""

from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest

from facetrack_ros.vision.faces.yunet_network import YunetNetwork

CLIPS = ("face-demographics-walking-and-pause.gif", "head-pose-face-detection-female-and-male.gif", "classroom.gif")
SCORE, MAX_IOU = 0.5, 0.3


@pytest.fixture(params=["yunet_n_640_640", "face_detection_yunet_2023mar"])
def path(request, models):
    return models / f"{request.param}.onnx"


def by_opencv(path, pictures):
    net = cv2.FaceDetectorYN.create(str(path), "", (320, 320), SCORE, MAX_IOU, 500)
    for picture in pictures:
        net.setInputSize((picture.shape[1], picture.shape[0]))
        rows = net.detect(picture)[1]
        rows = np.empty((0, 15), np.float32) if rows is None else rows
        boxes = np.concatenate([rows[:, :2], rows[:, :2] + rows[:, 2:4]], axis=1)
        yield boxes, rows[:, 4:14].reshape(-1, 5, 2), rows[:, 14]


@pytest.mark.parametrize("size", [(480, 270), (320, 192), (250, 141), (128, 128)])
def test_it_finds_in_the_clips_what_opencv_finds(path, clip, size):
    net = YunetNetwork(path)
    pictures = [cv2.resize(frame, size) for name in CLIPS for frame in clip(name)[::9]]
    faces = 0
    for picture, (boxes, landmarks, scores) in zip(pictures, by_opencv(path, pictures)):
        found = net.detect(picture, SCORE, MAX_IOU)
        assert len(found) == len(boxes)
        order, other = np.argsort(-scores, kind="stable"), np.argsort(-found.scores, kind="stable")
        assert np.abs(found.boxes[other] - boxes[order]).max(initial=0) < 0.1
        assert np.abs(found.landmarks[other] - landmarks[order]).max(initial=0) < 0.1
        assert np.abs(found.scores[other] - scores[order]).max(initial=0) < 1e-3
        faces += len(found)
    assert faces >= 15


def test_a_picture_of_any_size_is_padded_and_nothing_found_in_the_border(path, clip):
    net = YunetNetwork(path)
    picture = clip("head-pose-face-detection-male.gif")[0]
    whole = net.detect(picture, 0.6, MAX_IOU)
    assert len(whole) == 1
    for below, beside in ((1, 0), (0, 1), (31, 33)):
        cut = picture[: picture.shape[0] - below, : picture.shape[1] - beside]
        found = net.detect(cut, 0.6, MAX_IOU)
        assert np.abs(found.boxes - whole.boxes).max() < 3
        assert len(found) == 1
    assert len(net.detect(np.full((3, 700, 3), 90, np.uint8), 0.6, MAX_IOU)) == 0


def test_several_threads_share_one_network(path, clip):
    net, frames = YunetNetwork(path), clip("head-pose-face-detection-male.gif")[:24]
    pictures = [cv2.resize(frame, (160 + 32 * (row % 3), 160)) for row, frame in enumerate(frames)]
    alone = [net.detect(picture, SCORE, MAX_IOU).boxes for picture in pictures]
    with ThreadPoolExecutor(4) as threads:
        together = list(threads.map(lambda picture: net.detect(picture, SCORE, MAX_IOU).boxes, pictures))
    assert all(np.array_equal(one, other) for one, other in zip(alone, together))
