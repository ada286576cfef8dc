"""Receipts of what was forgotten: one chain of hashed records a robot, each signed where the robot has a key."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from facetrack_ros.history.audit.hash_chain import HashChain
from facetrack_ros.history.audit.verification import verify_chain
from facetrack_ros.history.forget.order import ForgetOrder
from facetrack_ros.security.keys import Identity, PublicKeys
from facetrack_ros.security.signing import sign, verify

#: Name of the chain, ``receipts-DATE.jsonl``, and kind of its records.
CHAIN, KIND = "receipts", "forgotten"
#: Kind of the message that is signed.
SIGNED_KIND = "receipt"
_OF_THE_CHAIN = ("signature", "n", "prev", "hash", "kind", "timestamp")


class Receipts:
    """``receipts-DATE.jsonl`` in a robot's folder.

    :param folder: the robot's folder.
    :param identity: signs new receipts; None: they are chained and not signed.
    """

    def __init__(self, folder: Path, robot_id: str, identity: Identity | None = None) -> None:
        self.chain = HashChain(folder, CHAIN, robot_id)
        self._identity = identity

    def read(self) -> Iterator[dict[str, Any]]:
        """All receipts, the oldest first; damaged ones are logged and left out.

        :raises StoreError: they cannot be read.
        """
        return (each for each in self.chain.read() if each.get("kind") == KIND)

    def append(self, order: ForgetOrder, interrupted: bool, now_ns: int) -> dict[str, Any]:
        """Write the receipt of an order that is done, and return it; one that is written already is returned.

        :param interrupted: whether a process ended meanwhile, and this one did the rest.
        :param now_ns: the time.
        :raises StoreError: it cannot be written.
        """
        for known in self.read() if interrupted else ():
            if known.get("order_id") == order.order_id and known.get("asked_ns") == order.stamp_ns:
                return known
        what = {"time_ns": [order.start_ns, order.end_ns]} if order.of_time else {"person_ids": list(order.person_ids)}
        fields: dict[str, Any] = {
            "order_id": order.order_id,
            "robot_id": order.robot_id,
            "what": what,
            "found": dict(order.found),
            "left": 0,
            "operator": order.operator,
            "reason": order.reason,
            "asked_ns": order.stamp_ns,
            "done_ns": now_ns,
            "interrupted": interrupted,
        }
        if self._identity is not None:
            fields |= {"signer": self._identity.name, "signature": ""}
            fields["signature"] = sign(self._identity, SIGNED_KIND, signed_fields(fields)).hex()
        self.chain.append(KIND, fields, now_ns)
        return fields

    def check(self, keys_of: Callable[[str], PublicKeys | None]) -> "ReceiptCheck":
        """Check the chain and every signature.

        :param keys_of: the public keys of a signer, None where they are not known.
        :raises StoreError: the receipts cannot be read.
        """
        problems = [str(each) for each in verify_chain(self.chain).problems]
        signed = unsigned = unknown = 0
        for receipt in self.read():
            signer = receipt.get("signer")
            if not signer:
                unsigned += 1
            elif (keys := keys_of(str(signer))) is None:
                unknown += 1
            elif is_signed(receipt, keys):
                signed += 1
            else:
                problems.append(f"receipt {receipt.get('n')}: the signature is not that of {signer}")
        return ReceiptCheck(signed, unsigned, unknown, tuple(problems))


@dataclass(frozen=True)
class ReceiptCheck:
    """What a check of a robot's receipts found.

    :param signed: receipts whose signature is right.
    :param unsigned: receipts of a robot without a key.
    :param unknown: receipts signed by a key that is not known here.
    :param problems: sentences; empty: nothing was changed.
    """

    signed: int
    unsigned: int
    unknown: int
    problems: tuple[str, ...]


def signed_fields(receipt: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a receipt that its signature covers: all but the signature and those of the chain."""
    return {name: value for name, value in receipt.items() if name not in _OF_THE_CHAIN}


def is_signed(receipt: Mapping[str, Any], keys: PublicKeys) -> bool:
    """Whether the owner of the keys signed a receipt."""
    try:
        return verify(keys, SIGNED_KIND, signed_fields(receipt), bytes.fromhex(str(receipt.get("signature"))))
    except (ValueError, TypeError):
        return False
