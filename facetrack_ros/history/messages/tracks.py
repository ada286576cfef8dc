"""Tracks of a frame as the bytes of a ``facetrack_ros/msg/Tracks``, and back."""

import numpy as np

from facetrack_ros.core.face import Face
from facetrack_ros.core.track import Track, TrackState
from facetrack_ros.history.messages.channel import Channel
from facetrack_ros.history.messages.schemas import TRACKS, definition, typestore

_SECOND_NS = 1_000_000_000


def tracks_channel(robot_id: str, camera_id: str) -> Channel:
    """Where a camera's tracks are kept in a segment."""
    return Channel(f"/{robot_id}/{camera_id}/tracks", TRACKS, definition(TRACKS), camera_id)


def tracks_message(camera_id: str, stamp_ns: int, frame_number: int, model_id: str, tracks: tuple[Track, ...]) -> bytes:
    """The message in CDR. Embeddings stay out: they are in the store of sightings, and to be deleted there only."""
    types = typestore().types
    message = types[TRACKS](
        header(stamp_ns, camera_id),
        camera_id,
        frame_number,
        model_id,
        [
            types["facetrack_ros/msg/Track"](
                track.track_id,
                track.person_id,
                int(track.state),
                np.asarray(track.bbox, np.float32),
                float(track.confidence),
                [_face(track.face)] if track.face is not None else [],
            )
            for track in tracks
        ],
    )
    return typestore().serialize_cdr(message, TRACKS).tobytes()


def read_tracks(message: bytes) -> tuple[int, tuple[Track, ...]]:
    """Stamp and tracks of a message.

    :raises ValueError: it is not one.
    """
    try:
        read = typestore().deserialize_cdr(message, TRACKS)
        stamp = read.header.stamp
        return stamp.sec * _SECOND_NS + stamp.nanosec, tuple(
            Track(
                one.track_id,
                one.person_id,
                TrackState(one.state),
                np.array(one.bbox, np.float32),
                one.confidence,
                Face(
                    np.array(one.face[0].bbox, np.float32),
                    np.array(one.face[0].landmarks, np.float32).reshape(5, 2),
                    one.face[0].confidence,
                    one.face[0].quality,
                    one.face[0].rejected,
                    one.face[0].person,
                )
                if len(one.face)
                else None,
            )
            for one in read.tracks
        )
    except Exception as error:  # the library lets struct, assertion and decoding errors through
        raise ValueError(f"no tracks message: {error}") from error


def header(stamp_ns: int, frame_id: str):
    """A ``std_msgs/msg/Header``."""
    types = typestore().types
    sec, nanosec = divmod(stamp_ns, _SECOND_NS)
    return types["std_msgs/msg/Header"](types["builtin_interfaces/msg/Time"](sec, nanosec), frame_id)


def _face(face: Face):
    return typestore().types["facetrack_ros/msg/Face"](
        np.asarray(face.bbox, np.float32),
        np.asarray(face.landmarks, np.float32).reshape(10),
        float(face.score),
        float(face.quality),
        face.rejected,
        int(face.person),
        np.empty(0, np.float32),
    )
