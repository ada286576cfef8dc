"""An event of the log as the bytes of a ``facetrack_ros/msg/PersonEvent``."""

import numpy as np

from facetrack_ros.history.messages.channel import Channel
from facetrack_ros.history.messages.schemas import EVENT, definition, typestore
from facetrack_ros.history.messages.tracks import header

_SECOND_NS = 1_000_000_000


def events_channel(robot_id: str) -> Channel:
    """Where a robot's events are kept in a recording."""
    return Channel(f"/{robot_id}/events", EVENT, definition(EVENT))


def event_stamp_ns(event: dict) -> int:
    """When it happened, as finely as the log has it."""
    return round(event["timestamp"] * 1e6) * 1000


def event_message(event: dict) -> bytes:
    """The message in CDR.

    :param event: as :func:`~.event_lines.read_events` gives it.
    """
    types = typestore().types
    box = event.get("bbox") or event.get("last_bbox") or (0, 0, 0, 0)
    last_seen, lasted = (round((event.get(key) or 0) * 1e6) * 1000 for key in ("last_seen_timestamp", "duration_sec"))
    message = types[EVENT](
        header=header(event_stamp_ns(event), event["camera_id"]),
        event=event["event"],
        robot_id=event["robot_id"],
        camera_id=event["camera_id"],
        person_id=event["person_id"],
        frame_number=event["frame_number"],
        bbox=np.array(box, np.float32),
        confidence=event.get("confidence") or 0.0,
        last_seen=types["builtin_interfaces/msg/Time"](*divmod(last_seen, _SECOND_NS)),
        duration=types["builtin_interfaces/msg/Duration"](*divmod(lasted, _SECOND_NS)),
        reference_face_id=event.get("reference_face_id") or "",
        reference_name=event.get("reference_name") or "",
        watch=bool(event.get("watch")),
        similarity=event.get("similarity") or 0.0,
        search_id=event.get("search_id") or "",
    )
    return typestore().serialize_cdr(message, EVENT).tobytes()
