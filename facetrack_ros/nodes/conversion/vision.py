"""Frames, detections, faces, tracks and events to messages and back."""

import array
from typing import Any

import numpy as np
from sensor_msgs.msg import CompressedImage
from std_msgs.msg import Header

from facetrack_ros import msg
from facetrack_ros.core.detections import Detections
from facetrack_ros.core.event import FACE_MATCHED, PERSON_IN, PERSON_OUT, PersonEvent
from facetrack_ros.core.face import Face
from facetrack_ros.core.frame import Frame
from facetrack_ros.core.track import Track, TrackState
from facetrack_ros.nodes.conversion.fields import byte_array, float_array, pick
from facetrack_ros.nodes.conversion.time import make_header, to_duration, to_ns, to_time

# Fields that event and message have alike.
_EVENT = ("event", "robot_id", "camera_id", "person_id", "frame_number", "watch")


def frame_from_message(message: CompressedImage, camera_id: str, number: int) -> Frame:
    """A camera's JPEG, untouched."""
    return Frame(camera_id, to_ns(message.header.stamp), number, bytes(message.data), message.header.frame_id)


def frame_to_message(frame: Frame) -> CompressedImage:
    """A frame as a compressed image."""
    format = "png" if frame.jpeg.startswith(b"\x89PNG") else "jpeg"  # the history may have stored a PNG
    return CompressedImage(header=_header(frame), format=format, data=byte_array(frame.jpeg))


def frame_from_header(message: msg.Detections | msg.Faces | msg.Tracks) -> Frame:
    """The frame that a result was derived from, without its image."""
    return Frame(message.camera_id, to_ns(message.header.stamp), message.frame_number, b"", message.header.frame_id)


def detections_to_message(frame: Frame, detections: Detections) -> msg.Detections:
    """Persons of a frame."""
    appearances = [()] * len(detections) if detections.appearance is None else detections.appearance
    return msg.Detections(
        **_frame_fields(frame),
        model_id=detections.model_id,
        detections=[
            msg.Detection(bbox=box, confidence=float(score), appearance=float_array(appearance))
            for box, score, appearance in zip(detections.boxes.astype(np.float32), detections.scores, appearances)
        ],
        faint=float_array(() if detections.low_score_edge_boxes is None else detections.low_score_edge_boxes.ravel()),
    )


def detections_from_message(message: msg.Detections) -> Detections:
    """Persons of a frame; with appearance only where all have one of equal length."""
    appearances = [np.array(detection.appearance, np.float32) for detection in message.detections]
    lengths = {len(appearance) for appearance in appearances}
    has_faint = message.faint and len(message.faint) % 4 == 0
    return Detections(
        np.array([detection.bbox for detection in message.detections], np.float32).reshape(-1, 4),
        np.array([detection.confidence for detection in message.detections], np.float32),
        message.model_id,
        appearance=np.stack(appearances) if len(lengths) == 1 and lengths != {0} else None,
        low_score_edge_boxes=np.array(message.faint, np.float32).reshape(-1, 4) if has_faint else None,
    )


def not_analyzed(message: msg.Detections) -> bool:
    """Whether the detector skipped the frame, so that tracks are extrapolated to it; else it found no person."""
    return not message.model_id and not message.detections


def face_to_message(face: Face) -> msg.Face:
    """One face."""
    return msg.Face(
        bbox=np.asarray(face.bbox, np.float32),
        landmarks=np.asarray(face.landmarks, np.float32).reshape(10),
        confidence=float(face.score),
        quality=float(face.quality),
        rejected=face.rejected,
        person=int(face.person),
        embedding=array.array("f") if face.embedding is None else float_array(face.embedding),
    )


def face_from_message(message: msg.Face) -> Face:
    """One face."""
    return Face(
        np.array(message.bbox, np.float32),
        np.array(message.landmarks, np.float32).reshape(5, 2),
        message.confidence,
        message.quality,
        message.rejected,
        message.person,
        np.array(message.embedding, np.float32) if len(message.embedding) else None,
    )


def faces_to_message(frame: Frame, model_id: str, faces: tuple[Face, ...]) -> msg.Faces:
    """Faces of a frame."""
    return msg.Faces(**_frame_fields(frame), model_id=model_id, faces=[face_to_message(face) for face in faces])


def faces_from_message(message: msg.Faces) -> tuple[Face, ...]:
    """Faces of a frame."""
    return tuple(face_from_message(face) for face in message.faces)


def tracks_to_message(frame: Frame, model_id: str, tracks: tuple[Track, ...]) -> msg.Tracks:
    """All tracks of a camera as of one frame."""
    return msg.Tracks(
        **_frame_fields(frame),
        model_id=model_id,
        tracks=[
            msg.Track(
                track_id=track.track_id,
                person_id=track.person_id,
                state=int(track.state),
                bbox=np.asarray(track.bbox, np.float32),
                confidence=float(track.confidence),
                face=[] if track.face is None else [face_to_message(track.face)],
            )
            for track in tracks
        ],
    )


def tracks_from_message(message: msg.Tracks) -> tuple[Track, ...]:
    """All tracks of a camera as of one frame."""
    return tuple(
        Track(
            track.track_id,
            track.person_id,
            TrackState(track.state),
            np.array(track.bbox, np.float32),
            track.confidence,
            face_from_message(track.face[0]) if track.face else None,
        )
        for track in message.tracks
    )


def event_to_message(event: PersonEvent, frame_id: str) -> msg.PersonEvent:
    """An event; ``frame_id`` is the camera's coordinate frame, empty: the camera's name."""
    box = event.bbox if event.event == PERSON_IN else event.last_bbox
    return msg.PersonEvent(
        header=make_header(event.stamp_ns, frame_id or event.camera_id),
        **pick(event, _EVENT),
        bbox=np.array(box if box is not None else (0, 0, 0, 0), np.float32),
        confidence=event.confidence or 0.0,
        reason=event.reason or "",
        last_seen=to_time(event.last_seen_ns or 0),
        duration=to_duration(event.duration_ns or 0),
        reference_face_id=event.reference_face_id or "",
        similarity=event.similarity or 0.0,
        search_id=event.search_id or "",
        reference_name=event.reference_name or "",
    )


def event_from_message(message: msg.PersonEvent) -> PersonEvent:
    """An event; fields that its kind does not have stay None."""
    fields: dict[str, Any] = {}
    box = tuple(float(value) for value in message.bbox)
    if message.event == PERSON_IN:
        fields = {"bbox": box, "confidence": message.confidence}
    elif message.event == PERSON_OUT:
        fields = {"last_seen_ns": to_ns(message.last_seen), "duration_ns": to_ns(message.duration), "last_bbox": box}
        fields["reason"] = message.reason or None
    elif message.event == FACE_MATCHED:
        fields = {
            "reference_face_id": message.reference_face_id,
            "similarity": message.similarity,
            "search_id": message.search_id or None,
            "reference_name": message.reference_name or None,
        }
    return PersonEvent(stamp_ns=to_ns(message.header.stamp), **pick(message, _EVENT), **fields)


def _header(frame: Frame) -> Header:
    """Header of a frame and its results; a frame without a coordinate frame gets the camera's name."""
    return make_header(frame.stamp_ns, frame.frame_id or frame.camera_id)


def _frame_fields(frame: Frame) -> dict[str, Any]:
    return {"header": _header(frame), "camera_id": frame.camera_id, "frame_number": frame.number}
