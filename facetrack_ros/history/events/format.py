"""Person events as lines of text and back: JSON lines or CSV, with the same keys."""

import csv
import errno
import io
import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path

from facetrack_ros.bounded_file import open_regular
from facetrack_ros.core.event import FACE_MATCHED, PERSON_IN, PERSON_OUT, PersonEvent
from facetrack_ros.core.line_file import MAX_BYTES
from facetrack_ros.core.sealed_files.sealed_lines import HEAD_BYTES, decrypted
from facetrack_ros.errors import store_errors

_KEYS = ("event", "person_id", "robot_id", "camera_id", "timestamp", "frame_number")
_KEYS_OF = {
    PERSON_IN: ("bbox", "confidence"),
    PERSON_OUT: ("last_seen_timestamp", "duration_sec", "last_bbox", "reason"),
    FACE_MATCHED: ("reference_face_id", "similarity", "search_id"),
}
#: ``reason`` comes last, as logs of older versions end before it.
OLD_CSV_COLUMNS = (*_KEYS, *(key for keys in _KEYS_OF.values() for key in keys if key != "reason"))
CSV_COLUMNS = (*OLD_CSV_COLUMNS, "reason")
_BOXES = ("bbox", "last_bbox")
SUFFIXES = (".csv", ".jsonl")

logger = logging.getLogger(__name__)


def event_to_dict(event: PersonEvent) -> dict:
    """The event under the keys of the log: stamps in seconds since the epoch, durations in seconds."""
    values = {
        "event": event.event,
        "person_id": event.person_id,
        "robot_id": event.robot_id,
        "camera_id": event.camera_id,
        "timestamp": _seconds(event.stamp_ns),
        "frame_number": event.frame_number,
        "bbox": _box(event.bbox),
        "confidence": event.confidence,
        "last_seen_timestamp": _seconds(event.last_seen_ns),
        "duration_sec": _seconds(event.duration_ns),
        "last_bbox": _box(event.last_bbox),
        "reason": event.reason,
        "reference_face_id": event.reference_face_id,
        "similarity": event.similarity,
        "search_id": event.search_id,
    }
    return {key: values[key] for key in (*_KEYS, *_KEYS_OF[event.event])}


def json_line(event: PersonEvent) -> bytes:
    """One line of a JSON log, with its newline."""
    return json.dumps(event_to_dict(event), ensure_ascii=False, allow_nan=False).encode() + b"\n"


def csv_header(columns: tuple[str, ...] = CSV_COLUMNS) -> bytes:
    """The first line of a CSV log."""
    return (",".join(columns) + "\n").encode()


def csv_line(event: PersonEvent, columns: tuple[str, ...] = CSV_COLUMNS) -> bytes:
    """One line of a CSV log: the same columns for all kinds, boxes as ``x1 y1 x2 y2``, empty for None."""
    row = {}
    for key, value in event_to_dict(event).items():
        if key in _BOXES and value is not None:
            value = " ".join(repr(number) for number in value)
        # A newline within a name would make two lines of one, and an incomplete last line could not be recognised.
        row[key] = " ".join(value.splitlines()) if isinstance(value, str) else value
    text = io.StringIO()
    csv.DictWriter(text, columns, restval="", extrasaction="ignore", lineterminator="\n").writerow(row)
    return text.getvalue().encode()


def read_events(directory: Path | str) -> Iterator[dict]:
    """All events logged in a folder, day by day, in both formats, as :func:`event_to_dict` returns them.

    A last line without newline is incomplete and left out. Damaged lines before it are logged and left out.

    :raises StoreError: a log cannot be read.
    """
    for path in event_logs(directory):
        yield from read_log(path)[0]


def event_logs(directory: Path | str) -> list[Path]:
    """The logs of a folder, day by day."""
    return [path for path in sorted(Path(directory).glob("events-*.*")) if path.suffix in SUFFIXES]


def read_log(path: Path, start: int = 0) -> tuple[list[dict], int, int]:
    """The events of one log, the position after the last complete line, and the number of damaged lines left out.

    :param start: position to begin at, as returned before; one beyond the end of the file begins anew.
    :raises StoreError: it cannot be read, or what is to be read is larger than :data:`.line_file.MAX_BYTES`.
    """
    with store_errors(f"cannot read the event log {path}", "check its permissions"), open_regular(path) as file:
        size = file.seek(0, 2)
        start = start if start <= size else 0
        if size - start > MAX_BYTES:
            raise OSError(errno.EFBIG, f"larger than {MAX_BYTES} bytes", str(path))
        file.seek(0)
        head = file.read(HEAD_BYTES)
        file.seek(start)
        data = file.read(MAX_BYTES)
    end = data.rfind(b"\n") + 1
    lines = decrypted(path, data[:end], head if start else None).split(b"\n")[:-1]
    parse = json.loads if path.suffix == ".jsonl" else _from_csv
    events = []
    for number, line in enumerate(lines[1:] if path.suffix == ".csv" and not start else lines, 1):
        try:
            events.append(parse(line.decode()))
        except (ValueError, KeyError, RecursionError) as error:
            place = f"after byte {start}" if start else ""
            logger.warning("event %d %sof %s is damaged and left out: %s", number, place, path, error)
    return events, start + end, len(lines) - (path.suffix == ".csv" and not start and bool(lines)) - len(events)


def parse_line(line: bytes, suffix: str) -> dict:
    """The event of one line of a log, as :func:`event_to_dict` returns it.

    :param suffix: of the log, one of :data:`SUFFIXES`.
    :raises ValueError: it is none.
    """
    try:
        event = json.loads(line) if suffix == ".jsonl" else _from_csv(line.decode())
    except (KeyError, RecursionError) as error:
        raise ValueError(f"no event: {error}") from error
    if not isinstance(event, dict):
        raise ValueError("no event")
    return event


def _from_csv(line: str) -> dict:
    cells = next(csv.reader([line]), [])
    if len(cells) == len(OLD_CSV_COLUMNS):
        cells.append("")
    if len(cells) != len(CSV_COLUMNS):
        raise ValueError(f"{len(cells)} columns instead of {len(CSV_COLUMNS)}")
    row = dict(zip(CSV_COLUMNS, cells))
    return {key: _PARSERS.get(key, str)(row[key]) for key in (*_KEYS, *_KEYS_OF[row["event"]])}


def _optional(parse: Callable[[str], object]) -> Callable[[str], object]:
    return lambda text: parse(text) if text else None


_PARSERS: dict[str, Callable[[str], object]] = {
    "frame_number": int,
    "search_id": _optional(str),
    "reason": _optional(str),
    **dict.fromkeys(("timestamp", "confidence", "last_seen_timestamp", "duration_sec", "similarity"), _optional(float)),
    **dict.fromkeys(_BOXES, _optional(lambda text: [float(number) for number in text.split()])),
}


def _seconds(time_ns: int | None) -> float | None:
    # A double holds today's seconds to a quarter of a microsecond; more digits would be invented.
    return None if time_ns is None else round(time_ns / 1e9, 6)


def _box(box: tuple[float, float, float, float] | None) -> list[float] | None:
    return None if box is None else [round(float(number), 2) for number in box]
