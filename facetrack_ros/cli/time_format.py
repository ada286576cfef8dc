"""Times as text."""

from datetime import datetime, timedelta, timezone

from facetrack_ros.core.utc import EPOCH
from facetrack_ros.errors import ConfigError

#: The year 2200: nanoseconds since the epoch are stored in 63 bits, up to 2262, and a window comes on top.
_LATEST_NS = 7_258_118_400_000_000_000


def parse_iso(text: str) -> int:
    """ISO 8601 to nanoseconds since the epoch; UTC where there is no offset.

    :raises ConfigError: not a time, or one that no frame can have: before 1970, or after 2199.
    """
    moment = _parse(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    stamp_ns = (moment - EPOCH) // timedelta(microseconds=1) * 1000
    if not 0 <= stamp_ns < _LATEST_NS:
        raise ConfigError(f"{text} is no time of a recording: give one from 1970 to 2199")
    return stamp_ns


def zone_note(text: str) -> str:
    """Which zone a time without one was taken to be in, a sentence; empty: it names its zone.

    :raises ConfigError: not a time.
    """
    moment = _parse(text)
    if moment.tzinfo is not None:
        return ""
    local = moment.astimezone()
    sentence = f"{text} names no time zone and was taken as UTC"
    if not local.utcoffset():
        return f"{sentence}."
    return f"{sentence}; if it is local time ({local.tzname()}), write {local.isoformat()}."


def _parse(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError as error:
        raise ConfigError(f"{text} is no time: write it as 2026-05-01T14:30:00 (UTC) or with +02:00") from error
