"""A short stretch of one camera's frames, looked through for faces."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from facetrack_ros.core.boxes import iou
from facetrack_ros.core.detections import Detections
from facetrack_ros.core.face import Face
from facetrack_ros.core.frame import Frame
from facetrack_ros.core.track import Track, TrackState
from facetrack_ros.errors import FrameError
from facetrack_ros.history.sightings.thumbnail import face_thumbnail
from facetrack_ros.vision.pipeline import VisionPipeline

#: How long a stretch lasts: somebody followed from frame to frame is looked in the face again twice a second, as it takes
#: three times as long as finding the person.
STRETCH_NS = 500_000_000
_SAME_PERSON_IOU = 0.5


@dataclass(frozen=True, eq=False)
class FoundFace:
    """A face with its embedding.

    :param bbox: ``(4,)`` pixels, the person.
    :param thumbnail: small JPEG.
    """

    face: Face
    bbox: np.ndarray
    thumbnail: bytes


@dataclass(frozen=True, eq=False)
class ScannedFrame:
    """A frame, who was followed in it when it was new, and the faces found in it now."""

    frame: Frame
    followed: tuple[Track, ...]
    found: tuple[FoundFace, ...]


def look_through(
    stretch: Sequence[tuple[Frame, tuple[Track, ...]]], pipeline: VisionPipeline, over: Callable[[], bool]
) -> list[ScannedFrame]:
    """The frames that there was time for, in the order given.

    Persons are where somebody was followed, else where the detector finds them. Whose face has been found in an earlier frame of
    the stretch, and who has not moved by more than half since, is not looked at once more. A frame that does not decode holds
    nobody.

    :param stretch: frames of one camera with who was followed in each.
    :param over: whether the time is up, asked before each frame.
    """
    looked, done = [], np.empty((0, 4), np.float32)
    for frame, followed in stretch:
        if over():
            break
        found = ()
        try:
            found, done = _look(frame.image, followed, done, pipeline)
        except FrameError:
            pass
        looked.append(ScannedFrame(frame, followed, found))
    return looked


def _look(
    image: np.ndarray, followed: tuple[Track, ...], done: np.ndarray, pipeline: VisionPipeline
) -> tuple[tuple[FoundFace, ...], np.ndarray]:
    """The faces found, and the boxes of those whose face is known by now."""
    boxes = [track.bbox for track in followed if track.state == TrackState.TRACKING]
    if boxes:
        persons = Detections(np.array(boxes, np.float32), np.ones(len(boxes), np.float32), "followed")
    else:
        (persons,) = pipeline.detect([image])
    known = (iou(persons.boxes, done) >= _SAME_PERSON_IOU).any(axis=1) if len(done) else np.zeros(len(persons), bool)
    still = persons.boxes[known]
    if persons.faces is not None:  # the detector has looked at all faces already
        faces = pipeline.faces(
            image,
            persons,
            lambda _, faces: [not face.rejected and not (face.person >= 0 and known[face.person]) for face in faces],
        )
    else:
        persons = replace(persons, boxes=persons.boxes[~known], scores=persons.scores[~known])
        faces = pipeline.faces(image, persons)
    found = tuple(
        FoundFace(face, persons.boxes[face.person] if face.person >= 0 else face.bbox, face_thumbnail(image, face.bbox))
        for face in faces
        if face.embedding is not None
    )
    return found, np.concatenate([still, *(one.bbox[None] for one in found)]).astype(np.float32)
