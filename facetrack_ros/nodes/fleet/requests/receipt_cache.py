"""A robot's last receipts, for requests that are sent again and for further parts."""

import threading
from dataclasses import dataclass

from facetrack_ros.core.fair_share import FairShare
from facetrack_ros.core.fleet.fleet_request import FleetReceipt, FleetRequest
from facetrack_ros.errors import InvalidInput

# Receipts kept, and bytes of their bodies. Chosen by hand: a request is sent again within seconds.
_MOST, _MOST_BYTES = 256, 64_000_000


@dataclass
class _Kept:
    digest: str
    parts: list[FleetReceipt]

    @property
    def size(self) -> int:
        return sum(len(part.body) for part in self.parts)


class ReceiptCache:
    """Receipts by request, in parts. One requester's do not push out those of others. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: FairShare[str, _Kept] = FairShare(_MOST)

    def clear(self) -> None:
        """Drop all."""
        self._kept = FairShare(_MOST)

    def part(self, request: FleetRequest) -> FleetReceipt | None:
        """The part that a request asks for; None where the request is new.

        :raises InvalidInput: another request has the same id, or there is no such part.
        """
        with self._lock:
            kept = self._kept.get(request.id)
        if kept is None:
            return None
        if kept.digest != request.digest:
            raise InvalidInput(f"another request has the id {request.id}", "id")
        if request.part >= len(kept.parts):
            raise InvalidInput(f"the receipt has {len(kept.parts)} parts", "count")
        return kept.parts[request.part]

    def store(self, request: FleetRequest, receipt: FleetReceipt) -> None:
        """Keep a receipt."""
        with self._lock:
            self._kept.put(request.requester, request.id, _Kept(request.digest, receipt.in_parts()))
            while len(self._kept) > 1 and sum(kept.size for kept in self._kept.values()) > _MOST_BYTES:
                self._kept.pop(next(iter(self._kept)))
