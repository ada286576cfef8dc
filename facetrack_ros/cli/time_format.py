"""Times as text."""

from datetime import datetime, timedelta, timezone

from facetrack_ros.errors import ConfigError

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def parse_iso(text: str) -> int:
    """ISO 8601 to nanoseconds since the epoch; UTC where there is no offset.

    :raises ConfigError: not a time.
    """
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError as error:
        raise ConfigError(f"{text} is no time: write it as 2026-05-01T14:30:00 (UTC) or with +02:00") from error
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return (moment - EPOCH) // timedelta(microseconds=1) * 1000


def show_utc(stamp_ns: int) -> str:
    """Format a stamp as date and time of day to the millisecond, UTC."""
    return (EPOCH + timedelta(microseconds=stamp_ns // 1000)).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
