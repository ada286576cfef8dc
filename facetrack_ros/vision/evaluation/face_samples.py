"""From labelled pictures to embeddings, with an account of every picture."""

import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from facetrack_ros.core.face import Face
from facetrack_ros.vision.pipeline import VisionPipeline


@dataclass(frozen=True, eq=False)
class FaceSamples:
    """What became of labelled pictures.

    :param embeddings: ``(n, dimension)`` float32 unit rows, of the pictures with a usable face.
    :param people: ``(n,)`` who each shows.
    :param qualities: ``(n,)`` 0..1, of each face.
    :param sources: ``n`` paths, of each picture.
    :param pictures: how many pictures there were.
    :param found: in how many a face was found, usable or not.
    :param several: in how many more than one face was found; the one of the best quality counts.
    :param faceless: pictures in which no face was found.
    :param turned_down: pictures whose face the quality gate turned down, and why.
    :param unreadable: pictures that cannot be decoded.
    """

    embeddings: np.ndarray
    people: np.ndarray
    qualities: np.ndarray
    sources: tuple[Path, ...]
    pictures: int
    found: int
    several: int
    faceless: tuple[Path, ...] = ()
    turned_down: tuple[tuple[Path, str], ...] = ()
    unreadable: tuple[Path, ...] = ()

    def reasons(self) -> dict[str, int]:
        """Why faces were turned down, and how many for each reason, most first; what was measured is left out."""
        return dict(Counter(re.sub(r"\d+(\.\d+)?(%)?", "…", why, count=1) for _, why in self.turned_down).most_common())


def embed_pictures(
    pipeline: VisionPipeline,
    pictures: Iterable[tuple[str, Path]],
    prepare: Callable[[np.ndarray], np.ndarray] = lambda picture: picture,
    progress: Callable[[int], None] = lambda done: None,
) -> FaceSamples:
    """The face of each picture, found, judged and embedded as a robot would.

    :param pictures: person and file, as :func:`~.face_dataset.labelled_pictures` gives them.
    :param prepare: what to do to a picture before anything is looked for in it, see :func:`enlarged`.
    :param progress: told after each picture how many are done.
    """
    faces: list[Face] = []
    people, sources, faceless, turned_down, unreadable = [], [], [], [], []
    count = several = 0
    for person, path in pictures:
        count += 1
        picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
        if picture is None:
            unreadable.append(path)
        else:
            picture = prepare(picture)
            found = pipeline.faces(picture, pipeline.detect([picture])[0])
            several += len(found) > 1
            best = best_face(found)
            if best is None:
                faceless.append(path)
            elif best.embedding is None:
                turned_down.append((path, best.rejected))
            else:
                faces.append(best)
                people.append(person)
                sources.append(path)
        progress(count)
    embeddings = [face.embedding for face in faces] or np.empty((0, pipeline.contract.dimension))
    return FaceSamples(
        np.asarray(embeddings, np.float32),
        np.array(people, str),
        np.array([face.quality for face in faces], np.float64),
        tuple(sources),
        count,
        len(faces) + len(turned_down),
        several,
        tuple(faceless),
        tuple(turned_down),
        tuple(unreadable),
    )


def best_face(faces: Iterable[Face]) -> Face | None:
    """The face of the best quality, of the usable ones if there are any; None of none."""
    return max(faces, key=lambda face: (face.embedding is not None, face.quality), default=None)


def enlarged(upscale: float = 1.0, pad: int = 0) -> Callable[[np.ndarray], np.ndarray]:
    """A function that prepares pictures so tight or so small that a detector has nothing to go by.

    :param upscale: factor of the picture's sides, above 0.
    :param pad: width of the border added then, pixels; it repeats the picture's edge.
    """

    def prepare(picture: np.ndarray) -> np.ndarray:
        if upscale != 1:
            interpolation = cv2.INTER_CUBIC if upscale > 1 else cv2.INTER_AREA
            picture = cv2.resize(picture, None, fx=upscale, fy=upscale, interpolation=interpolation)
        return cv2.copyMakeBorder(picture, pad, pad, pad, pad, cv2.BORDER_REPLICATE) if pad else picture

    return prepare
