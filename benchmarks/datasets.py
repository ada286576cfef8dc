"""Data sets that several benchmarks read: people in the clips, ORL faces, TUD-Campus."""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from facetrack_ros.vision.embedding.onnx_face import OnnxFaceEmbedder
from facetrack_ros.vision.evaluation.face_samples import enlarged
from facetrack_ros.vision.evaluation.mot_dataset import MotSequence, read_sequence
from facetrack_ros.vision.export.calibration_faces import FaceCrops, extract_face_crops, face_pipeline, find_pictures
from facetrack_ros.vision.settings import VisionSettings

#: Clips of three and two people and of a class.
CROWDED_CLIPS = (
    "face-demographics-walking-and-pause.gif",
    "head-pose-face-detection-female-and-male.gif",
    "classroom.gif",
)
#: People of the clips, from left to right: (right end of the person's zone, person), in pixels of clips 480 wide.
CLIPS = {
    "face-demographics-walking-and-pause.gif": ((150, "A"), (300, "C"), (480, "D")),
    "head-pose-face-detection-female-and-male.gif": ((180, "A"), (480, "B")),
    "head-pose-face-detection-male.gif": ((480, "B"),),
    "classroom.gif": ((120, "E"), (240, "F"), (290, "G"), (480, "H")),
}
ZONES_WIDTH = 480
#: ORL pictures are 92x112 with faces that fill them: enlarged and padded so that a detector finds them.
ORL_UPSCALE, ORL_PAD = 2, 60


def video_frames(path: Path | str, size: tuple[int, int] | None = None) -> Iterator[np.ndarray]:
    """Frames of a video file, scaled to ``(width, height)`` if given."""
    video = cv2.VideoCapture(str(path))
    while video.grab():
        frame = video.retrieve()[1]
        yield frame if size is None else cv2.resize(frame, size, interpolation=cv2.INTER_CUBIC)


def clip_frames(data: Path, name: str, size: tuple[int, int] | None = None) -> Iterator[np.ndarray]:
    """Frames of a clip of the data folder, scaled to ``(width, height)`` if given."""
    return video_frames(data / "clips" / name, size)


def person_in_zone(bbox: np.ndarray, zones: tuple[tuple[int, str], ...], width: int = ZONES_WIDTH) -> str:
    """The person whose zone the centre of a box lies in.

    :param width: of the frame that ``bbox`` is of, pixels.
    """
    centre = (float(bbox[0]) + float(bbox[2])) / 2 * ZONES_WIDTH / width
    return next(person for end, person in zones if centre < end)


def orl_crops(data: Path, embedder: OnnxFaceEmbedder) -> FaceCrops:
    """Aligned faces of ORL for an embedder."""
    return extract_face_crops(
        face_pipeline(embedder, VisionSettings()),
        embedder.input,
        find_pictures(data / "faces" / "att_faces", 10_000),
        enlarged(ORL_UPSCALE, ORL_PAD),
    )


def tud_campus(data: Path) -> tuple[MotSequence, list[np.ndarray]]:
    """TUD-Campus and its frames."""
    sequence = read_sequence(data / "tracking" / "TUD-Campus")
    return sequence, [cv2.imread(str(path)) for path in sequence.pictures]
