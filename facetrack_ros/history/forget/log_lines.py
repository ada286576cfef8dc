"""Lines of logs that name a person: left out, or with the person's fields emptied."""

import base64
import json
from collections.abc import Callable
from pathlib import Path

from facetrack_ros.core.fleet.kinds import FORGET
from facetrack_ros.core.line_file import rewrite_lines
from facetrack_ros.errors import store_errors
from facetrack_ros.history.events.format import parse_line
from facetrack_ros.history.forget.order import ForgetOrder

#: What stands in a search log for a name or id that was forgotten.
FORGOTTEN = "forgotten"
#: Of a line the line that replaces it: the same one, another one, or None where it goes.
Edit = Callable[[bytes], bytes | None]


def edit_log(path: Path, edit: Edit, change: bool) -> int:
    """The number of lines of a log that :data:`Edit` changes or leaves out; what they held is overwritten.

    :param change: whether to do it; else only count.
    :raises StoreError: it cannot be read or written.
    """
    with store_errors(f"cannot forget in {path}", "make room or check the permissions"):
        return rewrite_lines(path, edit, change)


def event_edit(order: ForgetOrder, suffix: str) -> Edit:
    """Leaves out the events of a person or time, and those that say whom another person was taken for.

    :param suffix: of the log: ``.jsonl`` or ``.csv``.
    """
    needles, words = order.needles, order.words

    def edit(line: bytes) -> bytes | None:
        if not order.of_time and not any(needle in line for needle in needles):
            return line
        try:
            event = parse_line(line, suffix)
            if order.of_time:
                return None if order.within(round(event["timestamp"] * 1e6) * 1000) else line
            return None if event["person_id"] in words or event.get("reference_face_id") in words else line
        except (ValueError, KeyError, TypeError, RecursionError):
            # The first line of a CSV file names the columns; any other cannot be read and may be of the person.
            return line if suffix == ".csv" and line.startswith(b"event,") else None

    return edit


def request_edit(order: ForgetOrder) -> Edit:
    """Leaves of requests that name a person, and of their receipts, the id alone; those to forget stay as they are."""
    needles, to_forget = order.needles, set[str]()

    def edit(line: bytes) -> bytes | None:
        if order.of_time:
            return line
        try:
            record = json.loads(line)
            kind = "request" if "request" in record else "receipt" if "receipt" in record else ""
            if not kind:
                return line
            values = record[kind]
            body = base64.b64decode(values.get("body") or "")
            if values.get("kind") == FORGET:
                to_forget.add(values["id"])
            kept = values.get("kind") == FORGET or values.get("request_id") in to_forget
            if kept or not any(needle in body for needle in needles):
                return line
            if kind == "request":
                return json.dumps({"forgotten": values["id"]}).encode()
            return json.dumps({"receipt": values | {"body": ""}}).encode()
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return None

    return edit


def search_edit(order: ForgetOrder) -> Edit:
    """Empties the fields of a search log that name a person: whom was searched for, found or enrolled."""
    needles, words = order.needles, order.words

    def edit(line: bytes) -> bytes | None:
        if order.of_time or not any(needle in line for needle in needles):
            return line
        try:
            entry = json.loads(line)
            before = dict(entry)
            if entry.get("reference") in words:
                entry["reference"] = FORGOTTEN
                entry["question"] = ""  # a hash of the face that was searched for
            if entry.get("name") in words or not words.isdisjoint(entry.get("entries", ())):
                entry["name"] = FORGOTTEN
            for key in ("persons", "entries"):
                if key in entry:
                    entry[key] = [each for each in entry[key] if each not in words]
        except (ValueError, TypeError, AttributeError, RecursionError):
            return None
        return line if entry == before else json.dumps(entry, ensure_ascii=False).encode()

    return edit
