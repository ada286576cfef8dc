"""Aligned face crops from a folder of pictures, to calibrate or fit a model on."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from facetrack_ros.core.pictures.decoding import load_picture
from facetrack_ros.errors import EvaluationError, FrameError, ModelError
from facetrack_ros.vision.detection.from_faces import FacePersonDetector
from facetrack_ros.vision.embedding.preprocess import FaceInput
from facetrack_ros.vision.evaluation.face_dataset import PICTURES, labelled_pictures
from facetrack_ros.vision.evaluation.face_samples import find_faces, subject_face
from facetrack_ros.vision.faces.quality import QualityGate
from facetrack_ros.vision.factory import open_model
from facetrack_ros.vision.interfaces import FaceEmbedder
from facetrack_ros.vision.pipeline import VisionPipeline
from facetrack_ros.vision.settings import VisionSettings


@dataclass(frozen=True, eq=False)
class FaceCrops:
    """The best usable face of each picture that has one.

    :param crops: ``(n, height, width, 3)`` uint8 BGR.
    :param people: ``(n,)`` the person of each, empty where unknown.
    :param pictures: number of pictures in all.
    """

    crops: np.ndarray
    people: np.ndarray
    pictures: int

    def __len__(self) -> int:
        return len(self.crops)

    @property
    def labelled(self) -> bool:
        """Whether the crops have labels of at least two people, and two of one."""
        named, counts = np.unique(self.people[self.people != ""], return_counts=True)
        return len(named) > 1 and bool(counts.max() > 1)

    def rows(self, which: np.ndarray) -> "FaceCrops":
        """Some of them, by number or mask."""
        return FaceCrops(self.crops[which], self.people[which], self.pictures)


def extract_face_crops(
    pipeline: VisionPipeline,
    face_input: FaceInput,
    pictures: Iterable[tuple[str, Path]],
    prepare: Callable[[np.ndarray], np.ndarray] = lambda picture: picture,
) -> FaceCrops:
    """Find, assess and align the faces of pictures as a robot would; pictures without a usable face are left out.

    :param face_input: aligns for the network that the crops are for.
    :param pictures: person, empty where unknown, and file.
    :param prepare: see :func:`~.face_samples.enlarged`.
    """
    crops, people, count = [], [], 0
    for person, path in pictures:
        count += 1
        try:
            picture = prepare(load_picture(path))
        except FrameError:
            continue
        best = subject_face(find_faces(pipeline, picture), picture.shape)
        if best is not None and not best.rejected:
            crops.append(face_input.crops(picture, [best])[0])
            people.append(person)
    shape = (0, face_input.size[1], face_input.size[0], 3)
    return FaceCrops(np.stack(crops) if crops else np.empty(shape, np.uint8), np.array(people, str), count)


def find_pictures(folder: Path, most: int) -> list[tuple[str, Path]]:
    """Person and file of each picture in a folder of folders of people; else of pictures at any depth, without person.

    :param most: how many are taken, evenly out of all.
    :raises ModelError: no such folder, or no pictures in it.
    """
    if not folder.is_dir():
        raise ModelError(f"{folder} is no folder; name one with pictures of faces in it")
    try:
        found = labelled_pictures(folder)
    except EvaluationError:  # not a folder a person
        found = [("", path) for path in sorted(folder.rglob("*")) if path.suffix.lower() in PICTURES and path.is_file()]
    if not found:
        raise ModelError(f"{folder} has no pictures in it ({', '.join(sorted(PICTURES))})")
    return [found[row] for row in np.unique(np.linspace(0, len(found) - 1, min(most, len(found))).round().astype(int))]


def face_pipeline(embedder: FaceEmbedder, settings: VisionSettings) -> VisionPipeline:
    """A pipeline that takes persons from their faces and embeds with ``embedder``.

    :raises ModelError: no face detector is available.
    """
    faces = open_model(settings.face_model, "face", settings)[1]
    persons = FacePersonDetector(faces, max(settings.min_face_px, embedder.min_face_px))
    return VisionPipeline(persons, faces, embedder, QualityGate(min_face_px=settings.min_face_px))
