"""How long event logs are kept."""

import logging
import re
from datetime import datetime, timedelta, timezone
from pathlib import Path

from facetrack_ros.errors import StoreError, store_errors

_LOG = re.compile(r"events-(\d{4}-\d{2}-\d{2})\.(?:jsonl|csv)(?:\.damaged-\d+)?")
# Up to so many days, deleting more than half of them is no sign of a wrong clock. Chosen by hand.
_BRAKE_FROM = 8

logger = logging.getLogger(__name__)


def prune_event_logs(directory: Path, age_ns: int, now_ns: int, brake: bool = True) -> int:
    """Delete the logs of days that ended longer ago than an age.

    :param directory: of the logs.
    :param age_ns: 0: no limit.
    :param now_ns: stamp of the newest frame.
    :param brake: refuse to delete more than half of the days at once, which only a wrong clock or limit demands.
    :returns: how many files were deleted.
    :raises StoreError: it was refused, or a file cannot be deleted.
    """
    if not age_ns:
        return 0
    with store_errors(f"cannot read {directory}", "check its permissions"):
        found = [(found[1], file) for file in directory.iterdir() if (found := _LOG.fullmatch(file.name))]
    old = [(day, file) for day, file in found if (end := _end_ns(day)) is not None and end < now_ns - age_ns]
    days, old_days = {day for day, _ in found}, {day for day, _ in old}
    if brake and len(days) >= _BRAKE_FROM and 2 * len(old_days) > len(days):
        raise StoreError(
            f"the events of {len(old_days)} of {len(days)} days would have to be deleted at once (older than "
            f"{age_ns / 3.6e12:g} h), so none were: check the clock and event_logging.max_age_h, then "
            "`facetrack prune` deletes them"
        )
    with store_errors(f"cannot delete old events in {directory}", "check its permissions"):
        for _, file in old:
            file.unlink(missing_ok=True)
    if old:
        logger.info("the events of %d days are older than %g h and deleted", len(old_days), age_ns / 3.6e12)
    return len(old)


def _end_ns(day: str) -> int | None:
    """Stamp of the end of a day, UTC; None: there is no such day."""
    try:
        end = datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=timezone.utc) + timedelta(days=1)
    except (ValueError, OverflowError):
        return None
    return int(end.timestamp()) * 10**9
