"""Embeddings of labelled pictures, with the outcome of every picture."""

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from facetrack_ros.core.face import Face
from facetrack_ros.core.pictures.decoding import load_picture
from facetrack_ros.errors import FrameError
from facetrack_ros.vision.pipeline import VisionPipeline


@dataclass(frozen=True, eq=False)
class FaceSamples:
    """Embeddings and outcomes of labelled pictures.

    :param embeddings: ``(n, dimension)`` float32 unit rows, of the pictures with a usable face.
    :param people: ``(n,)`` the person of each.
    :param qualities: ``(n,)`` 0..1, of each face.
    :param sources: ``n`` paths, of each picture.
    :param pictures: number of pictures in all.
    :param several: pictures in which more than one face was found; the widest near the centre counts.
    :param faceless: pictures in which no face was found.
    :param rejected: pictures whose face failed the quality gate, and why.
    :param unreadable: pictures that cannot be decoded.
    """

    embeddings: np.ndarray
    people: np.ndarray
    qualities: np.ndarray
    sources: tuple[Path, ...]
    pictures: int
    several: int
    faceless: tuple[Path, ...] = ()
    rejected: tuple[tuple[Path, str], ...] = ()
    unreadable: tuple[Path, ...] = ()

    @property
    def found(self) -> int:
        """Number of pictures in which a face was found, usable or not."""
        return len(self.people) + len(self.rejected)

    def rejection_counts(self) -> dict[str, int]:
        """Number of faces rejected for each reason, most first; the measured value is left out of the reason."""
        return dict(Counter(re.sub(r"\d+(\.\d+)?(%)?", "…", why, count=1) for _, why in self.rejected).most_common())


def embed_pictures(
    pipeline: VisionPipeline,
    pictures: Iterable[tuple[str, Path]],
    prepare: Callable[[np.ndarray], np.ndarray] = lambda picture: picture,
    progress: Callable[[int], None] = lambda done: None,
) -> FaceSamples:
    """Find, assess and embed the face of each picture as a robot would.

    :param pictures: person and file, as :func:`~.face_dataset.labelled_pictures` gives them.
    :param prepare: applied to each picture before detection, see :func:`enlarged`.
    :param progress: called after each picture with the number done.
    """
    faces: list[Face] = []
    people, sources, faceless, rejected, unreadable = [], [], [], [], []
    count = several = 0
    for person, path in pictures:
        count += 1
        try:
            picture = load_picture(path)
        except FrameError:
            unreadable.append(path)
        else:
            prepared = prepare(picture)
            found = find_faces(pipeline, prepared)
            several += len(found) > 1
            subject = subject_face(found, prepared.shape)
            if subject is None:
                faceless.append(path)
            elif subject.embedding is None:
                rejected.append((path, subject.rejected))
            else:
                faces.append(subject)
                people.append(person)
                sources.append(path)
        progress(count)
    embeddings = [face.embedding for face in faces] or np.empty((0, pipeline.contract.dimension))
    arrays = np.asarray(embeddings, np.float32), np.array(people, str), np.array([face.quality for face in faces])
    unused = tuple(faceless), tuple(rejected), tuple(unreadable)
    return FaceSamples(*arrays, tuple(sources), count, several, *unused)


def find_faces(pipeline: VisionPipeline, image: np.ndarray) -> tuple[Face, ...]:
    """The faces of all persons in an image, embedded where they pass the quality gate."""
    return pipeline.faces(image, pipeline.detect([image])[0])


def subject_face(faces: Iterable[Face], shape: tuple[int, ...]) -> Face | None:
    """The face that a labelled picture is of: the widest near its centre, usable or not; None of none.

    The width counts less the farther from the centre: nothing at the corners. Taken by quality, about 1 picture of LFW
    in 100 had a bystander as its subject, and TAR at FAR 0.001 was 0.965, not 0.994 (``facetrack eval faces``).

    :param shape: height and width of the picture first, pixels.
    """
    height, width = shape[:2]
    half_diagonal = math.hypot(height, width) / 2

    def prominence(face: Face) -> float:
        x1, y1, x2, y2 = (float(value) for value in face.bbox)
        distance = math.hypot((x1 + x2 - width) / 2, (y1 + y2 - height) / 2)
        return (x2 - x1) * max(0.0, 1 - distance / half_diagonal)

    return max(faces, key=prominence, default=None)


def enlarged(upscale: float = 1.0, pad: int = 0) -> Callable[[np.ndarray], np.ndarray]:
    """A function that enlarges pictures too small, and pads pictures too tight, for a face detector.

    :param upscale: factor of the picture's sides, above 0.
    :param pad: width of the border added then, pixels; it repeats the picture's edge.
    """

    def prepare(picture: np.ndarray) -> np.ndarray:
        if upscale != 1:
            interpolation = cv2.INTER_CUBIC if upscale > 1 else cv2.INTER_AREA
            picture = cv2.resize(picture, None, fx=upscale, fy=upscale, interpolation=interpolation)
        return cv2.copyMakeBorder(picture, pad, pad, pad, pad, cv2.BORDER_REPLICATE) if pad else picture

    return prepare
