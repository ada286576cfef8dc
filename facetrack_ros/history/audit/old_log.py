"""Reads ``searches-DATE.jsonl``, the search log of earlier versions, which had no hashes."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from facetrack_ros.core.line_file import read_log_file
from facetrack_ros.errors import store_errors

logger = logging.getLogger(__name__)


def old_logs(directory: Path) -> list[Path]:
    """The files, day by day."""
    return sorted(directory.glob("searches-*.jsonl"))


def old_records(directory: Path) -> Iterator[dict[str, Any]]:
    """All lines; a line without a kind is a search. Damaged ones are logged and left out.

    :raises StoreError: a file cannot be read.
    """
    for path in old_logs(directory):
        with store_errors(f"cannot read {path}", "check its permissions"):
            data = read_log_file(path)
        for number, line in enumerate(data.splitlines(), 1):
            try:
                record = json.loads(line)
                if not isinstance(record, dict):
                    raise ValueError("it is no object")
            except (ValueError, RecursionError) as error:
                logger.warning("line %d of %s is damaged and left out: %s", number, path, error)
                continue
            yield {"kind": "search", **record}
