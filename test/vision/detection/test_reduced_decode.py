"""A frame is decoded no larger than the detector needs; its boxes are in pixels of the frame."""

import cv2
import numpy as np
import pytest

from facetrack_ros.core.boxes import iou
from facetrack_ros.core.detections import Detections
from facetrack_ros.core.frame import Frame, encode_jpeg
from facetrack_ros.errors import FrameError
from facetrack_ros.vision.detection.edge_boxes import LowScoreEdgeDetector
from facetrack_ros.vision.detection.reduced_decode import DetectorImage
from facetrack_ros.vision.factory import open_model
from facetrack_ros.vision.interfaces import PersonDetector
from facetrack_ros.vision.settings import VisionSettings

# An EXIF segment that says nothing but: turn it by a quarter, clockwise.
TURNED = b"\xff\xe1\x00\x22Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"


def frame_of(width, height, head=b""):
    jpeg = encode_jpeg(np.random.default_rng(3).integers(0, 255, (height, width, 3), np.uint8))
    return Frame("front", 0, 0, jpeg[:2] + head + jpeg[2:])


def found(*boxes, faint=()):
    return Detections(
        np.array(boxes, np.float32).reshape(-1, 4),
        np.ones(len(boxes), np.float32),
        "persons",
        low_score_edge_boxes=np.array(faint, np.float32).reshape(-1, 4),
    )


@pytest.mark.parametrize(("width", "height", "factor"), [(64, 48, 2), (65, 47, 2), (66, 49, 4), (129, 65, 8)])
def test_boxes_are_in_pixels_of_the_frame_and_inside_it(width, height, factor):
    asked = []
    frame = frame_of(width, height)
    picture = DetectorImage.of(frame, lambda *size: asked.append(size) or factor)
    small_height, small_width = picture.image.shape[:2]
    assert asked == [(width, height)]
    assert (small_width, small_height) == (-(-width // factor), -(-height // factor))
    assert not frame.decoded
    persons = picture.in_frame(found((1, 2, 3, 4), (0, 0, small_width, small_height), faint=[(0, 1, small_width, 2)]))
    assert persons.boxes.tolist() == [[factor, 2 * factor, 3 * factor, 4 * factor], [0, 0, width, height]]
    assert persons.low_score_edge_boxes.tolist() == [[0, factor, width, 2 * factor]]


def test_a_decoded_frame_is_used_as_it_is():
    frame = frame_of(64, 48)
    whole = frame.image
    picture = DetectorImage.of(frame, lambda *_: 2)
    assert picture.image is whole
    assert picture.in_frame(found((1, 2, 3, 4))).boxes.tolist() == [[1, 2, 3, 4]]


def test_a_rotated_image_is_reduced_as_it_is_shown_and_no_jpeg_is_decoded_whole():
    turned = DetectorImage.of(frame_of(64, 48, TURNED), lambda *_: 2)
    assert turned.image.shape[:2] == (32, 24)
    assert turned.size == (48, 64)
    assert turned.factor == 2
    png = Frame("front", 0, 0, cv2.imencode(".png", np.zeros((48, 64, 3), np.uint8))[1].tobytes())
    assert DetectorImage.of(png, lambda *_: 2).image.shape[:2] == (48, 64)


@pytest.mark.parametrize("jpeg", [b"", b"no picture", b"\xff\xd8\xff\xc0\x00\x11\x08\x00\x30\x00\x40\x03"])
def test_damaged_data_is_refused(jpeg):
    with pytest.raises(FrameError, match="no readable picture"):
        DetectorImage.of(Frame("front", 0, 0, jpeg), lambda *_: 2)


def test_by_default_a_detector_needs_the_whole_image():
    class Persons(PersonDetector):
        model_id = "persons"

        def detect(self, images):
            return []

    assert Persons().reduction(4000, 3000) == LowScoreEdgeDetector(Persons(), 0.5).reduction(4000, 3000) == 1
    Persons.reduction = lambda self, width, height: width // 1000
    assert LowScoreEdgeDetector(Persons(), 0.5).reduction(4000, 3000) == 4


@pytest.mark.parametrize("model", ["yolox_nano", "object_detection_nanodet_2022nov"])
@pytest.mark.parametrize(("size", "factor"), [((1280, 720), 2), ((1920, 1080), 4)])
def test_the_same_persons_are_found(models, monkeypatch, clip, model, size, factor):
    monkeypatch.setenv("FACETRACK_MODELS", str(models))
    detector = open_model(model, "person", VisionSettings())[1]
    for image in clip("face-demographics-walking-and-pause.gif")[12::10]:
        frame = Frame("front", 0, 0, encode_jpeg(cv2.resize(image, size, interpolation=cv2.INTER_CUBIC)))
        picture = DetectorImage.of(frame, detector.reduction)
        small = picture.in_frame(detector.detect([picture.image])[0])
        whole = detector.detect([DetectorImage.whole(frame).image])[0]
        assert picture.factor == factor
        assert len(small) == len(whole) == 3
        assert iou(small.boxes, whole.boxes).max(axis=1).min() > 0.85
