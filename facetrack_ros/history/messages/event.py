"""An event of the log as ``facetrack_ros/msg/PersonEvent``."""

import numpy as np

from facetrack_ros.history.messages import cdr
from facetrack_ros.history.messages.channel import Channel
from facetrack_ros.history.messages.schemas import EVENT, definition


def events_channel(robot_id: str) -> Channel:
    """The channel of a robot's events."""
    return Channel(f"/{robot_id}/events", EVENT, definition(EVENT))


def event_stamp_ns(event: dict) -> int:
    """Stamp of an event, to the microsecond, which is the log's resolution."""
    return _to_ns(event["timestamp"])


def event_message(event: dict) -> bytes:
    """The message as CDR.

    :param event: as :func:`~facetrack_ros.history.events.format.read_events` returns it.
    """
    types = cdr.typestore().types
    message = types[EVENT](
        header=cdr.header(event_stamp_ns(event), event["camera_id"]),
        event=event["event"],
        robot_id=event["robot_id"],
        camera_id=event["camera_id"],
        person_id=event["person_id"],
        frame_number=event["frame_number"],
        bbox=np.array(event.get("bbox") or event.get("last_bbox") or (0, 0, 0, 0), np.float32),
        confidence=event.get("confidence") or 0.0,
        reason=event.get("reason") or "",
        last_seen=types["builtin_interfaces/msg/Time"](*_time(event.get("last_seen_timestamp"))),
        duration=types["builtin_interfaces/msg/Duration"](*_time(event.get("duration_sec"))),
        reference_face_id=event.get("reference_face_id") or "",
        reference_name=event.get("reference_name") or "",
        watch=bool(event.get("watch")),
        similarity=event.get("similarity") or 0.0,
        search_id=event.get("search_id") or "",
    )
    return cdr.serialize(message, EVENT)


def _to_ns(seconds: float) -> int:
    return round(seconds * 1e6) * 1000


def _time(seconds: float | None) -> tuple[int, int]:
    return divmod(_to_ns(seconds or 0), cdr.SECOND_NS)
