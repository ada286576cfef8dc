"""Frames, and models that need no files."""

from types import SimpleNamespace

import numpy as np
import pytest

from facetrack_ros.core.detections import Detections
from facetrack_ros.core.face import Face
from facetrack_ros.core.frame import Frame, encode_jpeg

DIMENSION = 4


class FakeModels:
    """Finds one person in each image, with one face.

    :ivar shapes: ``(height, width)`` of each image it detected persons in.
    :ivar batch_sizes: number of images of each call.
    """

    batches = False
    contract = SimpleNamespace(id="a model", threshold=0.35)

    def __init__(self, reduction=1):
        self.shapes, self.batch_sizes = [], []
        self._reduction = reduction

    def reduction(self, width, height):
        return self._reduction

    def detect(self, images):
        self.shapes += [image.shape[:2] for image in images]
        self.batch_sizes.append(len(images))
        return [Detections(np.array([[1, 2, 3, 4]], np.float32), np.ones(1, np.float32), "a model") for _ in images]

    def degrees_to_upright(self, image):
        return None

    def faces(self, image, persons, selection=None):
        box = np.array([1, 2, 2, 3], np.float32)
        embedding = np.eye(DIMENSION, dtype=np.float32)[0]
        return (Face(box, np.zeros((5, 2), np.float32), 0.9, 0.8, person=0, embedding=embedding),)


@pytest.fixture
def make_models():
    return FakeModels


@pytest.fixture
def make_frame():
    black, white = (encode_jpeg(np.full((48, 64, 3), grey, np.uint8)) for grey in (0, 255))

    def make(number, camera_id="front", white_image=False, jpeg=None):
        image = jpeg if jpeg is not None else white if white_image else black
        return Frame(camera_id, 10**12 + number * 10**8, number, image)

    return make
