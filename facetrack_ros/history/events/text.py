"""An event as a line of text for a terminal."""

from datetime import tzinfo

from facetrack_ros.core.event import FACE_MATCHED, PERSON_OUT, RESTARTED
from facetrack_ros.core.utc import moment


def event_line(event: dict, zone: tzinfo | None = None) -> str:
    """A line for a terminal from an event's dictionary, as the event log returns it.

    ``name``, ``current_id`` and ``reference_name`` are shown where they are there.

    :param zone: None: local time.
    """
    time = moment(round(event["timestamp"] * 1e9)).astimezone(zone)
    clock = f"{time:%Y-%m-%d %H:%M:%S}.{time.microsecond // 100_000} {time.tzname()}"
    person = event.get("current_id") or event["person_id"]
    name = event.get("name")
    line = f"{clock}  {event['robot_id']}/{event['camera_id']:<8} {event['event']:<12} "
    line += f"{name} ({person})" if name and event["event"] != FACE_MATCHED else person
    if event["event"] == PERSON_OUT:
        duration_s = event.get("duration_sec")
        line += "" if duration_s is None else f"  after {duration_s:.1f} s"
        if event.get("reason") == RESTARTED:
            line += ", when the robot was restarted"
    elif event["event"] == FACE_MATCHED:
        reference = event.get("reference_name") or event["reference_face_id"]
        similarity = event.get("similarity")
        line += "  recognised" if reference == event["person_id"] else f"  is {reference}"
        line += "" if similarity is None else f", {similarity:.2f}"
    return line
