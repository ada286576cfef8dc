"""Search for faces in a short window of one camera's stored frames."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from facetrack_ros.core.boxes import iou
from facetrack_ros.core.detections import Detections
from facetrack_ros.core.face import Face
from facetrack_ros.core.frame import Frame
from facetrack_ros.core.track import Track, TrackState
from facetrack_ros.errors import FrameError
from facetrack_ros.history.sightings.thumbnail import face_thumbnail
from facetrack_ros.vision.frame_analysis import FrameAnalysis, FrameAnalyzer

#: Length of a window. A tracked person's face is searched for twice a second only, as that takes three times as long as
#: finding the person. Chosen by hand.
WINDOW_NS = 500_000_000
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
    """A frame with its stored tracks and the faces found in it now."""

    frame: Frame
    tracks: tuple[Track, ...]
    faces: tuple[FoundFace, ...]


@dataclass(frozen=True, eq=False)
class _FacesNotFoundYet:
    """``FaceSelection`` of the persons whose face was not found earlier in the window.

    :param found: ``(n, 4)`` boxes of the persons whose face was found.
    """

    found: np.ndarray

    def search_mask(self, persons: np.ndarray) -> np.ndarray:
        return np.logical_not((iou(persons, self.found) >= _SAME_PERSON_IOU).any(axis=1))

    def embed_mask(self, persons: np.ndarray, faces: Sequence[Face]) -> list[bool]:
        wanted = self.search_mask(persons)
        return [not face.rejected and (face.person < 0 or bool(wanted[face.person])) for face in faces]


def scan_window(
    frames: Sequence[tuple[Frame, tuple[Track, ...]]], analyzer: FrameAnalyzer, stopped: Callable[[], bool]
) -> list[ScannedFrame]:
    """Search frames for faces, in the order given, until ``stopped``.

    Persons are where the stored tracks are, else where the detector finds them. A person who overlaps one of an earlier
    frame of the window whose face was found is not searched again. A frame that cannot be decoded has no faces.

    :param frames: of one camera, each with its stored tracks.
    :param stopped: called before each frame.
    """
    scanned = []
    selection = _FacesNotFoundYet(np.empty((0, 4), np.float32))
    for frame, tracks in frames:
        if stopped():
            break
        faces: tuple[FoundFace, ...] = ()
        with suppress(FrameError):
            analysis = analyzer.analyze(frame, selection=selection, persons=_tracked_persons(tracks))
            faces = _found_faces(frame, analysis)
            boxes = analysis.detections.boxes
            found = [boxes[~selection.search_mask(boxes)], *(face.bbox[None] for face in faces)]
            selection = _FacesNotFoundYet(np.concatenate(found).astype(np.float32))
        scanned.append(ScannedFrame(frame, tracks, faces))
    return scanned


def _found_faces(frame: Frame, analysis: FrameAnalysis) -> tuple[FoundFace, ...]:
    boxes = analysis.detections.boxes
    return tuple(
        FoundFace(face, boxes[face.person] if face.person >= 0 else face.bbox, face_thumbnail(frame.image, face.bbox))
        for face in analysis.faces
        if face.embedding is not None
    )


def _tracked_persons(tracks: tuple[Track, ...]) -> Detections | None:
    boxes = [track.bbox for track in tracks if track.state == TrackState.TRACKING]
    return Detections(np.array(boxes, np.float32), np.ones(len(boxes), np.float32), "tracks") if boxes else None
