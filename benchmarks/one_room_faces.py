"""Faces of one room: ORL through four lenses, with both stacks of face detector and embedder."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from datasets import ORL_PAD, ORL_UPSCALE

from facetrack_ros.vision.evaluation.face_dataset import labelled_pictures
from facetrack_ros.vision.evaluation.face_samples import embed_pictures, enlarged
from facetrack_ros.vision.factory import build_for_measuring
from facetrack_ros.vision.settings import FROM_FACES, VisionSettings

#: Face detector and embedder that belong together.
STACKS = {
    "mobilefacenet": ("yunet_n_640_640", "mobilefacenet_foamliu"),
    "pip": ("centerface", "dlib_resnet_v1"),
    "dlib": ("dlib-hog", "dlib_resnet_v1"),
}


@dataclass(frozen=True, eq=False)
class RoomFaces:
    """Usable faces of one room.

    :param embeddings: ``(n, dimension)`` unit rows; ``people``, ``pictures``: ``(n,)`` names; ``qualities``: ``(n,)``.
    """

    embeddings: np.ndarray
    people: np.ndarray
    pictures: np.ndarray
    qualities: np.ndarray


def coarse(picture: np.ndarray) -> np.ndarray:
    """A third of the resolution: faces of about 25 px."""
    height, width = picture.shape[:2]
    small = cv2.resize(picture, None, fx=0.36, fy=0.36, interpolation=cv2.INTER_AREA)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)


def side_lit(picture: np.ndarray) -> np.ndarray:
    """Light from the left, and JPEG of quality 30."""
    gain = np.linspace(1.5, 0.25, picture.shape[1])[None, :, None]
    lit = np.clip(picture * gain, 0, 255).astype(np.uint8)
    return cv2.imdecode(cv2.imencode(".jpg", lit, [cv2.IMWRITE_JPEG_QUALITY, 30])[1], cv2.IMREAD_COLOR)


def dark(picture: np.ndarray) -> np.ndarray:
    """Little light, noise and a soft lens."""
    noise = np.random.default_rng(int(picture.sum(dtype=np.int64)) % 2**31).normal(0, 8, picture.shape[:2])
    values = 127.5 * (picture / 255.0) ** 2.2 + noise[..., None]
    return cv2.GaussianBlur(np.clip(values, 0, 255).astype(np.uint8), (3, 3), 0)


LENSES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "as it is": lambda picture: picture,
    "coarse": coarse,
    "side light": side_lit,
    "dark": dark,
}


def room_faces(data: Path, stack: str, cache: Path | None = None) -> dict[str, RoomFaces]:
    """The faces of each lens.

    :param cache: folder in which embeddings are kept for the next run; None: none.
    """
    kept = cache / f"{stack}.npz" if cache else None
    names = ("embeddings", "people", "pictures", "qualities")
    if kept and kept.exists():
        with np.load(kept) as values:
            return {lens: RoomFaces(*(values[f"{lens} {name}"] for name in names)) for lens in LENSES}
    face_model, embedder = STACKS[stack]
    pipeline = build_for_measuring(VisionSettings(person_model=FROM_FACES, face_model=face_model, embedder=embedder))
    enlarge, rooms = enlarged(ORL_UPSCALE, ORL_PAD), {}
    for lens, seen in LENSES.items():
        pictures = labelled_pictures(data / "faces" / "att_faces")
        found = embed_pictures(pipeline, pictures, lambda picture, seen=seen: enlarge(seen(picture)))
        sources = np.array([path.name for path in found.sources])
        rooms[lens] = RoomFaces(found.embeddings, found.people, sources, np.asarray(found.qualities))
    if kept:
        kept.parent.mkdir(parents=True, exist_ok=True)
        np.savez(kept, **{f"{lens} {name}": getattr(faces, name) for lens, faces in rooms.items() for name in names})
    return rooms
