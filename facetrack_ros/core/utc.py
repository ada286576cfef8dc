"""Stamps as date and time of day."""

from datetime import datetime, timedelta, timezone, tzinfo

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
# The years that a datetime can hold.
_FIRST_NS = -62_135_596_800 * 10**9
_LAST_NS = 253_402_214_400 * 10**9


def moment(stamp_ns: int) -> datetime:
    """A stamp in UTC, to the microsecond; one before year 1 or after year 9999 is cut to that."""
    return EPOCH + timedelta(microseconds=min(max(int(stamp_ns), _FIRST_NS), _LAST_NS) // 1000)


def show_utc(stamp_ns: int) -> str:
    """Format a stamp as date and time of day to the millisecond, UTC."""
    return f"{moment(stamp_ns):%Y-%m-%d %H:%M:%S.%f}"[:-3]


def show_span(start_ns: int, end_ns: int, zone: tzinfo | None = timezone.utc) -> str:
    """Format a span of time to the second with the zone's name; the date once where it is the same.

    :param zone: None: local time.
    """
    start, end = moment(start_ns).astimezone(zone), moment(end_ns).astimezone(zone)
    last = f"{end:%H:%M:%S}" if start.date() == end.date() else f"{end:%Y-%m-%d %H:%M:%S}"
    return f"{start:%Y-%m-%d %H:%M:%S} to {last} {end.tzname()}"
