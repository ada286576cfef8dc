"""The tracks of a frame as ``facetrack_ros/msg/Tracks``."""

from typing import Any

import numpy as np

from facetrack_ros.core.face import Face
from facetrack_ros.core.track import Track, TrackState
from facetrack_ros.history.messages import cdr
from facetrack_ros.history.messages.channel import Channel
from facetrack_ros.history.messages.schemas import TRACKS, definition


def tracks_channel(robot_id: str, camera_id: str) -> Channel:
    """The channel of a camera's tracks."""
    return Channel(f"/{robot_id}/{camera_id}/tracks", TRACKS, definition(TRACKS), camera_id)


def tracks_message(camera_id: str, stamp_ns: int, frame_number: int, model_id: str, tracks: tuple[Track, ...]) -> bytes:
    """The message as CDR, without embeddings: these are stored, and deleted, in the store of sightings only."""
    types = cdr.typestore().types
    track_type = types["facetrack_ros/msg/Track"]
    messages = [
        track_type(
            track.track_id,
            track.person_id,
            int(track.state),
            np.asarray(track.bbox, np.float32),
            float(track.confidence),
            [_face_message(track.face)] if track.face is not None else [],
        )
        for track in tracks
    ]
    message = types[TRACKS](cdr.header(stamp_ns, camera_id), camera_id, frame_number, model_id, messages)
    return cdr.serialize(message, TRACKS)


def read_tracks(message: bytes) -> tuple[int, tuple[Track, ...]]:
    """Stamp and tracks of a message.

    :raises ValueError: it is not a tracks message.
    """
    read = cdr.deserialize(message, TRACKS)
    return cdr.to_ns(read.header.stamp), tuple(
        Track(
            track.track_id,
            track.person_id,
            TrackState(track.state),
            np.array(track.bbox, np.float32),
            track.confidence,
            _face(track.face[0]) if len(track.face) else None,
        )
        for track in read.tracks
    )


def _face_message(face: Face) -> Any:
    return cdr.typestore().types["facetrack_ros/msg/Face"](
        np.asarray(face.bbox, np.float32),
        np.asarray(face.landmarks, np.float32).reshape(10),
        float(face.score),
        float(face.quality),
        face.rejected,
        int(face.person),
        np.empty(0, np.float32),
    )


def _face(message: Any) -> Face:
    return Face(
        np.array(message.bbox, np.float32),
        np.array(message.landmarks, np.float32).reshape(5, 2),
        message.confidence,
        message.quality,
        message.rejected,
        message.person,
    )
