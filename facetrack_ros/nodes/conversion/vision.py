"""Frames, detections, faces, tracks and events to messages and back."""

import array
from collections.abc import Collection
from typing import Any

import numpy as np
from sensor_msgs.msg import CompressedImage
from std_msgs.msg import Header

from facetrack_ros import msg
from facetrack_ros.core import validation
from facetrack_ros.core.detections import Detections
from facetrack_ros.core.event import FACE_MATCHED, PERSON_IN, PERSON_OUT, PersonEvent
from facetrack_ros.core.face import Face
from facetrack_ros.core.frame import Frame
from facetrack_ros.core.printable import printable
from facetrack_ros.core.track import Track, TrackState
from facetrack_ros.errors import InvalidInput
from facetrack_ros.nodes.conversion.fields import (
    FARTHEST_PX,
    MOST_COUNT,
    MOST_IN_FRAME,
    MOST_SIMILAR,
    box,
    byte_array,
    float_array,
    pick,
)
from facetrack_ros.nodes.conversion.time import frame_name, make_header, span_of, stamp_of, to_duration, to_ns, to_time

# Fields that event and message have alike.
_EVENT = ("event", "robot_id", "camera_id", "person_id", "frame_number", "watch")


def frame_from_message(message: CompressedImage, camera_id: str, number: int) -> Frame:
    """A camera's JPEG, untouched."""
    return Frame(camera_id, to_ns(message.header.stamp), number, bytes(message.data), message.header.frame_id)


def frame_to_message(frame: Frame) -> CompressedImage:
    """A frame as a compressed image."""
    format = "png" if frame.jpeg.startswith(b"\x89PNG") else "jpeg"  # the history may have stored a PNG
    return CompressedImage(header=_header(frame), format=format, data=byte_array(frame.jpeg))


def frame_from_header(message: msg.Detections | msg.Faces | msg.Tracks, camera_id: str = "") -> Frame:
    """The frame that a result was derived from, without its image.

    :param camera_id: the camera of the topic, which the message must name; empty: any.
    :raises InvalidInput: it is of another camera, or its header is not valid.
    """
    if camera_id and message.camera_id != camera_id:
        raise InvalidInput(f"it is of camera {printable(message.camera_id, 64)}, not of {camera_id}", "name")
    number = validation.count(message.frame_number, "the frame number", MOST_COUNT)
    stamp_ns = stamp_of(message.header.stamp, "the stamp")
    camera_id = validation.identifier(message.camera_id, "the camera")
    return Frame(camera_id, stamp_ns, number, b"", frame_name(message.header))


def read_detections(camera_id: str, message: msg.Detections) -> tuple[Frame, Detections | None]:
    """A frame of a camera's topic and the persons in it; None: the detector skipped it.

    :raises InvalidInput: the message is of another camera, or a part of it is not valid.
    """
    frame = frame_from_header(message, camera_id)
    return frame, None if not_analyzed(message) else detections_from_message(message)


def read_faces(camera_id: str, message: msg.Faces) -> tuple[Frame, tuple[Face, ...], str]:
    """A frame of a camera's topic, the faces in it, and the embedder's model id.

    :raises InvalidInput: the message is of another camera, or a part of it is not valid.
    """
    return frame_from_header(message, camera_id), faces_from_message(message), message.model_id


def read_tracks(camera_id: str, message: msg.Tracks) -> tuple[Frame, tuple[Track, ...], str]:
    """A frame of a camera's topic, its tracks, and the embedder's model id.

    :raises InvalidInput: the message is of another camera, or a part of it is not valid.
    """
    return frame_from_header(message, camera_id), tracks_from_message(message), message.model_id


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
    """Persons of a frame; with appearance only where all have one of equal length.

    :raises InvalidInput: there are too many, or a number or text is not valid.
    """
    found, faint = validation.at_most(message.detections, "detections", MOST_IN_FRAME), message.faint
    if len(faint) % 4 or len(faint) > 4 * MOST_IN_FRAME:
        raise InvalidInput(f"{len(faint)} numbers are no boxes at the edges", "count")
    lengths = {len(detection.appearance) for detection in found}
    limits = -FARTHEST_PX, FARTHEST_PX
    return Detections(
        np.array([box(detection.bbox, "the box of a person") for detection in found], np.float32).reshape(-1, 4),
        np.array([_share(detection.confidence, "a confidence") for detection in found], np.float32),
        validation.model_name(message.model_id, "the detector", empty=True),
        appearance=np.stack([validation.embedding(each.appearance, "an appearance") for each in found])
        if len(lengths) == 1 and lengths != {0}
        else None,
        low_score_edge_boxes=validation.numbers(faint, "a box at the edges", (len(faint) // 4, 4), *limits)
        if len(faint)
        else None,
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
    """One face.

    :raises InvalidInput: a number or text is not valid, or the embedding is no unit vector.
    """
    return Face(
        box(message.bbox, "the box of a face"),
        validation.numbers(message.landmarks, "the landmarks", (5, 2), -FARTHEST_PX, FARTHEST_PX, nan=True),
        _share(message.confidence, "a confidence"),
        _share(message.quality, "a quality"),
        validation.plain_text(message.rejected, "why a face is rejected", 200),
        validation.count(message.person, "the person of a face", MOST_IN_FRAME, -1),
        validation.embedding(message.embedding, "the embedding of a face") if len(message.embedding) else None,
    )


def faces_to_message(frame: Frame, model_id: str, faces: tuple[Face, ...]) -> msg.Faces:
    """Faces of a frame."""
    return msg.Faces(**_frame_fields(frame), model_id=model_id, faces=[face_to_message(face) for face in faces])


def faces_from_message(message: msg.Faces) -> tuple[Face, ...]:
    """Faces of a frame.

    :raises InvalidInput: there are too many, or one is not valid.
    """
    validation.model_name(message.model_id, "the embedder", empty=True)
    return tuple(map(face_from_message, validation.at_most(message.faces, "faces", MOST_IN_FRAME)))


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
    """All tracks of a camera as of one frame.

    :raises InvalidInput: there are too many, or one is not valid.
    """
    validation.model_name(message.model_id, "the embedder", empty=True)
    return tuple(map(_track_from_message, validation.at_most(message.tracks, "tracks", MOST_IN_FRAME)))


def _track_from_message(track: msg.Track) -> Track:
    return Track(
        validation.identifier(track.track_id, "a track id"),
        validation.identifier(track.person_id, "a person id", empty=True),
        TrackState(validation.count(track.state, "the state of a track", max(TrackState))),
        box(track.bbox, "the box of a track"),
        _share(track.confidence, "a confidence"),
        face_from_message(track.face[0]) if track.face else None,
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
    """An event; fields that its kind does not have stay None.

    :raises InvalidInput: it is of no known kind, or a number or text is not valid.
    """
    return PersonEvent(
        message.event,
        stamp_of(message.header.stamp, "the stamp of an event", zero=False),
        validation.identifier(message.robot_id, "the robot of an event"),
        validation.identifier(message.camera_id, "the camera of an event"),
        # A search also finds faces of tracks that have no person.
        validation.identifier(message.person_id, "the person of an event", empty=message.event == FACE_MATCHED),
        validation.count(message.frame_number, "the frame number of an event", MOST_COUNT),
        watch=message.watch,
        **_fields_of_kind(message),
    )


def read_event(robot_id: str, cameras: Collection[str], message: msg.PersonEvent) -> PersonEvent:
    """An event of a robot's own cameras.

    :raises InvalidInput: it is of another robot or camera, or a part of it is not valid.
    """
    event = event_from_message(message)
    if event.robot_id != robot_id or event.camera_id not in cameras:
        raise InvalidInput(f"it is of camera {event.camera_id} of {event.robot_id}", "name")
    return event


def _fields_of_kind(message: msg.PersonEvent) -> dict[str, Any]:
    if message.event == FACE_MATCHED:
        return {
            "reference_face_id": validation.plain_text(message.reference_face_id, "the reference", 200),
            "similarity": validation.number(message.similarity, "the similarity", -MOST_SIMILAR, MOST_SIMILAR),
            "search_id": validation.token(message.search_id, "the search id", empty=True) or None,
            "reference_name": validation.plain_text(message.reference_name, "the name", 200) or None,
        }
    x1, y1, x2, y2 = box(message.bbox, "the box of an event").tolist()
    if message.event == PERSON_IN:
        return {"bbox": (x1, y1, x2, y2), "confidence": _share(message.confidence, "a confidence")}
    if message.event == PERSON_OUT:
        return {
            "last_seen_ns": stamp_of(message.last_seen, "when a person was last seen"),
            "duration_ns": span_of(message.duration, "the duration of a visit"),
            "last_bbox": (x1, y1, x2, y2),
            "reason": validation.plain_text(message.reason, "the reason of an event", 200) or None,
        }
    raise InvalidInput(f"there is no event {printable(message.event, 64)!r}", "text")


def _share(value: float, what: str) -> float:
    return validation.number(value, what, 0.0, 1.0)


def _header(frame: Frame) -> Header:
    """Header of a frame and its results; a frame without a coordinate frame gets the camera's name."""
    return make_header(frame.stamp_ns, frame.frame_id or frame.camera_id)


def _frame_fields(frame: Frame) -> dict[str, Any]:
    return {"header": _header(frame), "camera_id": frame.camera_id, "frame_number": frame.number}
