"""Times and lengths of time as text."""

import re
import time
from datetime import datetime, timedelta, timezone

from facetrack_ros.core.utc import EPOCH
from facetrack_ros.errors import ConfigError

#: What a time on the command line may be, for its help.
TIME_HELP = "2026-05-01T14:30:00 (UTC, or with +02:00), or how long ago: 90s, 10m, 2h, 1d"
#: The year 2200: nanoseconds since the epoch are stored in 63 bits, up to 2262, and a window comes on top.
_LATEST_NS = 7_258_118_400_000_000_000
_UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_PART = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)([smhdw])")
_LENGTH = re.compile(rf"(?:{_PART.pattern})+")


def length_s(text: str) -> float | None:
    """Seconds of a length of time such as ``90s``, ``10m`` or ``1h30m``; None: it is none."""
    if not _LENGTH.fullmatch(text):
        return None
    return sum(float(number) * _UNITS_S[unit] for number, unit in _PART.findall(text))


def parse_time(text: str) -> int:
    """A time on the command line to nanoseconds since the epoch: ISO 8601, or a length of time, which is so long ago.

    :raises ConfigError: not a time, or one that no frame can have.
    """
    ago_s = length_s(text)
    if ago_s is None:
        return parse_iso(text)
    stamp_ns = time.time_ns() - round(ago_s * 1e9)
    if stamp_ns < 0:
        raise ConfigError(f"{text} ago is before 1970")
    return stamp_ns


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
    """Which zone a time without one was taken to be in, a sentence; empty: it names its zone, or how long ago it was.

    :raises ConfigError: not a time.
    """
    if length_s(text) is not None:
        return ""
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
        raise ConfigError(
            f"{text} is no time: write it as 2026-05-01T14:30:00 (UTC) or with +02:00, or say how long ago, such as 10m"
        ) from error
