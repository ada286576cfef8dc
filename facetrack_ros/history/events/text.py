"""An event as a line of text for a terminal."""

from datetime import datetime, timezone

from facetrack_ros.core.event import RESTARTED


def event_line(event: dict) -> str:
    """A line for a terminal from an event's dictionary, as the event log returns it."""
    clock = datetime.fromtimestamp(event["timestamp"], timezone.utc).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
    line = f"{clock}  {event['robot_id']}/{event['camera_id']:<8} {event['event']:<12} {event['person_id']}"
    if event["event"] == "PERSON_OUT":
        line += f"  after {event['duration_sec']:.1f} s"
        if event.get("reason") == RESTARTED:
            line += ", when the robot was restarted"
    elif event["event"] == "FACE_MATCHED":
        line += f"  is {event['reference_face_id']}, similarity {event['similarity']:.2f}"
    return line
