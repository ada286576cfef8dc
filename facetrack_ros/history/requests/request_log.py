"""Log of the requests that change something: what a robot was asked, what it did, and what others may still lack."""

import base64
import binascii
import json
import logging
import threading
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from facetrack_ros.core.fair_share import FairShare
from facetrack_ros.core.fleet.fleet_request import FleetReceipt, FleetRequest
from facetrack_ros.core.fleet.kinds import FORGET
from facetrack_ros.core.line_file import append_lines, read_lines, replace_lines
from facetrack_ros.errors import InvalidInput, store_errors
from facetrack_ros.history.set_aside import is_foreign, set_aside

NAME = "requests.jsonl"
#: Requests kept, bytes of their bodies, and ids remembered of those that are not kept any more. Chosen by hand: some
#: years of a fleet in which people are enrolled and removed every day.
MOST_REQUESTS, MOST_BYTES, MOST_FORGOTTEN = 2000, 32_000_000, 20_000
#: Bytes of a receipt's body that are kept with it.
MOST_RECEIPT_BYTES = 64_000
_OF_A_SENDING = ("missing", "part")

logger = logging.getLogger(__name__)


@dataclass
class LoggedRequest:
    """A request, and what the robot did.

    :param receipt: None: it is still to be done, or it is not for this robot.
    """

    request: FleetRequest
    receipt: FleetReceipt | None = None


class RequestLog:
    """``requests.jsonl`` in a robot's folder: a line for each request, and one for each receipt.

    Beyond the limits, the oldest request of the operator with most of them goes; its id stays known, so that it is not
    done again. Thread-safe.

    :param directory: the robot's folder.
    """

    def __init__(self, directory: Path | str):
        self.path = Path(directory) / NAME
        self._lock = threading.RLock()
        self._logged: FairShare[str, LoggedRequest] = FairShare(MOST_REQUESTS)
        self._forgotten: dict[str, None] = {}
        self._bytes = self._lines = 0

    def open(self) -> None:
        """Read the log, for the robot that owns it; damaged lines are left out and told, something else of its name is
        moved away.

        :raises StoreError: the file cannot be read or written.
        """
        if is_foreign(self.path):
            set_aside(self.path, "it is no file")
        with store_errors(f"cannot read {self.path}", "check its permissions"):
            lines = read_lines(self.path)
        damaged = 0
        for line in lines:
            try:
                self._take(json.loads(line))
            except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
                damaged += 1
        self._lines = len(lines)
        if damaged:
            logger.warning("%d lines of %s are damaged and left out", damaged, self.path)
        self._shorten()

    def __contains__(self, request_id: str) -> bool:
        with self._lock:
            return request_id in self._logged or request_id in self._forgotten

    def get(self, request_id: str) -> LoggedRequest | None:
        """A request that is kept."""
        return self._logged.get(request_id)

    def requests(self) -> list[LoggedRequest]:
        """All requests that are kept, in order of their issue."""
        with self._lock:
            return sorted(self._logged.values(), key=lambda each: _order(each.request))

    def to_do(self, robot_id: str) -> list[FleetRequest]:
        """Requests for a robot without a receipt, in order of their issue."""
        logged = self.requests()
        return [each.request for each in logged if each.receipt is None and each.request.is_for(robot_id)]

    def later(self, request: FleetRequest, kinds: Iterable[str]) -> list[FleetRequest]:
        """Requests of some kinds that were done here and issued after this one, in order of their issue."""
        return [
            each.request
            for each in self.requests()
            if each.receipt is not None and each.request.kind in kinds and _order(each.request) > _order(request)
        ]

    def lacking(self, known: Iterable[str]) -> list[FleetRequest]:
        """Requests that are not among those, in order of their issue."""
        ids = set(known)
        return [each.request for each in self.requests() if each.request.id not in ids]

    def add(self, request: FleetRequest) -> None:
        """Note a request before it is done.

        :raises StoreError: it cannot be written.
        """
        with self._lock:
            self._append([{"request": request_to_dict(request)}])
            self._put(request)
            self._shorten()

    def finish(self, request_id: str, receipt: FleetReceipt) -> None:
        """Note what was done.

        :raises StoreError: it cannot be written.
        """
        with self._lock:
            logged = self._logged.get(request_id)
            if logged is not None:
                self._append([{"receipt": _receipt_to_dict(receipt)}])
                logged.receipt = receipt

    def forget(self, request_id: str) -> None:
        """Keep no more than the id of a request.

        :raises StoreError: it cannot be written.
        """
        with self._lock:
            gone = self._logged.pop(request_id)
            if gone is not None:
                self._drop(gone)
                self._append([{"forgotten": request_id}])
                self._shorten()

    def forget_persons(self, needles: Iterable[bytes]) -> None:
        """Drop requests, done or not, that name who is forgotten; their ids stay known, so that none is done again.

        Requests to forget stay: they name ids only, and others may lack them.

        :raises StoreError: the file cannot be written.
        """
        needles = tuple(needles)
        with self._lock:
            for each in self.requests():
                receipt = each.receipt.body if each.receipt is not None else b""
                named = any(needle in each.request.body or needle in receipt for needle in needles)
                if named and each.request.kind != FORGET:
                    self._drop(self._logged.pop(each.request.id))
            self._write_anew()

    def _take(self, record: dict[str, Any]) -> None:
        """Take a record of the file."""
        if "request" in record:
            self._put(request_from_dict(record["request"]))
        elif "receipt" in record:
            receipt = _receipt_from_dict(record["receipt"])
            logged = self._logged.get(receipt.request_id)
            if logged is not None:
                logged.receipt = receipt
        else:
            self._drop(self._logged.pop(str(record["forgotten"])))
            self._forget(str(record["forgotten"]))

    def _put(self, request: FleetRequest) -> None:
        self._forgotten.pop(request.id, None)
        gone = self._logged.put(request.operator, request.id, LoggedRequest(request))
        self._bytes += len(request.body)
        self._drop(gone)
        while self._bytes > MOST_BYTES and len(self._logged) > 1:
            self._drop(self._logged.pop(next(iter(self._logged))))

    def _drop(self, gone: LoggedRequest | None) -> None:
        if gone is not None:
            self._bytes -= len(gone.request.body)
            self._forget(gone.request.id)

    def _forget(self, request_id: str) -> None:
        self._forgotten[request_id] = None
        if len(self._forgotten) > MOST_FORGOTTEN:
            del self._forgotten[next(iter(self._forgotten))]

    def _append(self, records: list[dict[str, Any]]) -> None:
        with store_errors(f"cannot write {self.path}", "make room or check the permissions"):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            append_lines(self.path, _to_lines(records))
        self._lines += len(records)

    def _shorten(self) -> None:
        """Write the file anew where it has more lines than twice what is kept."""
        if self._lines > 2 * len(self._records()) + 100:
            self._write_anew()

    def _records(self) -> list[dict[str, Any]]:
        records: list[dict[str, Any]] = [{"forgotten": request_id} for request_id in self._forgotten]
        for each in self._logged.values():
            records.append({"request": request_to_dict(each.request)})
            if each.receipt is not None:
                records.append({"receipt": _receipt_to_dict(each.receipt)})
        return records

    def _write_anew(self) -> None:
        """Write the file anew, and overwrite what it held."""
        records = self._records()
        if not records and not self.path.exists():
            return
        with store_errors(f"cannot write {self.path}", "make room or check the permissions"):
            replace_lines(self.path, _to_lines(records))
        self._lines = len(records)


def _order(request: FleetRequest) -> tuple[int, str]:
    return request.issued_ns, request.id


def _to_lines(records: list[dict[str, Any]]) -> bytes:
    return b"".join(json.dumps(record, ensure_ascii=False).encode("utf-8", "replace") + b"\n" for record in records)


def request_to_dict(request: FleetRequest) -> dict[str, Any]:
    """A request as JSON; bytes in base64."""
    return {name: value for name, value in _to_dict(request).items() if name not in _OF_A_SENDING}


def request_from_dict(values: object) -> FleetRequest:
    """A request of JSON.

    :raises InvalidInput: it is none.
    """
    request = FleetRequest(**_of_type(values, FleetRequest))
    request.check()
    return request


def _receipt_to_dict(receipt: FleetReceipt) -> dict[str, Any]:
    values = _to_dict(receipt)
    return values if len(receipt.body) <= MOST_RECEIPT_BYTES else values | {"body": ""}


def _receipt_from_dict(values: object) -> FleetReceipt:
    receipt = FleetReceipt(**_of_type(values, FleetReceipt))
    receipt.check()
    return receipt


def _to_dict(value: FleetRequest | FleetReceipt) -> dict[str, Any]:
    given = asdict(value)
    coded = {name: base64.b64encode(each).decode() for name, each in given.items() if isinstance(each, bytes)}
    listed = {name: list(each) for name, each in given.items() if isinstance(each, tuple)}
    return {**given, **coded, **listed}


def _of_type(values: object, kind: type) -> dict[str, Any]:
    """The fields of a value of JSON, each of its type.

    :raises InvalidInput: one is of another type or unknown.
    """
    types = {field.name: field.type for field in fields(kind)}
    if not isinstance(values, dict) or not values.keys() <= types.keys():
        raise InvalidInput("it is no request or receipt", "field")
    found: dict[str, Any] = {}
    for name, value in values.items():
        wanted = types[name]
        try:
            if wanted is bytes:
                found[name] = base64.b64decode(value, validate=True)
            elif wanted in (str, int) and type(value) is wanted:
                found[name] = value
            elif isinstance(value, list) and all(type(each) is str for each in value):
                found[name] = tuple(value)
            else:
                raise InvalidInput(f"the field {name} of a request or receipt is of another type", "field")
        except (TypeError, binascii.Error) as error:
            raise InvalidInput(f"the field {name} of a request or receipt is not in base64", "field") from error
    try:
        kind(**found)
    except TypeError as error:
        raise InvalidInput("a field of a request or receipt is missing", "field") from error
    return found
