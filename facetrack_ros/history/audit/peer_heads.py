"""What a robot remembers of the audit logs of others, so that one that was cut short or written anew is noticed."""

import json
import os
import re
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from facetrack_ros.bounded_file import read_bounded
from facetrack_ros.errors import store_errors
from facetrack_ros.history.audit.hash_chain import ChainHead
from facetrack_ros.history.audit.verification import KnownHead
from facetrack_ros.history.set_aside import set_aside

NAME = "peer-heads.json"
#: Robots remembered, as many as a roster holds; of more, those not heard for longest are forgotten.
MOST_ROBOTS = 500
#: How long a warning is told, after what it tells of was noticed. Chosen by hand: an operator looks within a month.
WARNED_NS = 30 * 86_400 * 10**9
_MAX_BYTES = 1_000_000
_HASH = re.compile("[0-9a-f]{64}")


@dataclass
class _Peer:
    """The newest record of a robot that was heard of.

    :param opened: hash of its newest record when its process started.
    :param seen_ns: when it was heard.
    :param warning: what was wrong, a sentence; empty: nothing was.
    :param warned_ns: when that was noticed.
    """

    number: int
    hash: str
    opened: str
    seen_ns: int
    warning: str = ""
    warned_ns: int = 0


class PeerHeads:
    """The newest audit record heard of each other robot, in ``peer-heads.json``. Thread-safe.

    :param folder: of the robot that remembers. A file that cannot be used is set aside.
    """

    def __init__(self, folder: Path | str) -> None:
        self._path = Path(folder) / NAME
        self._lock = threading.Lock()
        self._changed = False
        self._peers: dict[str, _Peer] = {}
        if os.path.lexists(self._path):
            try:
                self._peers = _read(self._path)
            except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
                set_aside(self._path, f"it should hold what was heard of other robots' audit logs: {error}")

    def note(self, robot_id: str, head: ChainHead, opened: ChainHead, now_ns: int) -> str:
        """Take what a robot tells of its audit log.

        :param head: its newest record now.
        :param opened: its newest record when its process started: what came later cannot hide that it was cut before.
        :returns: what is newly found wrong, a sentence; empty: nothing.
        """
        with self._lock:
            known = self._peers.pop(robot_id, None)
            peer = self._peers[robot_id] = _Peer(head.number, head.hash, opened.hash, now_ns)
            self._changed = self._changed or known is None or (known.number, known.hash) != (head.number, head.hash)
            while len(self._peers) > MOST_ROBOTS:
                self._peers.pop(next(iter(self._peers)))
            if known is None:
                return ""
            peer.warning, peer.warned_ns = known.warning, known.warned_ns
            told = [(head, "")]
            if opened.hash != known.opened:  # a process that has started since
                told = [(opened, " when it started"), *told]
            problem = _problem(robot_id, ChainHead(known.number, known.hash), told)
            if problem:
                peer.warning, peer.warned_ns, self._changed = problem, now_ns, True
            return problem

    def warnings(self, now_ns: int) -> list[str]:
        """What was found wrong within the last month, a sentence a robot."""
        with self._lock:
            return [
                peer.warning
                for _, peer in sorted(self._peers.items())
                if peer.warning and now_ns - peer.warned_ns < WARNED_NS
            ]

    def save(self) -> None:
        """Write the file if something changed.

        :raises StoreError: it cannot be written.
        """
        with self._lock:
            if not self._changed:
                return
            peers = {robot: vars(peer) for robot, peer in self._peers.items()}
            self._changed = False
        draft = self._path.with_suffix(".part")
        with store_errors(f"cannot write {self._path}", "make room or check the permissions"):
            file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            try:
                os.write(file, json.dumps(peers).encode())
            finally:
                os.close(file)
            os.replace(draft, self._path)


def known_heads(folder: Path, robot_id: str, source: str) -> list[KnownHead]:
    """What the robot of a folder remembers of another robot's log; what cannot be read is left out.

    :param source: the robot of the folder.
    """
    try:
        peer = _read(folder / NAME).get(robot_id)
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return []
    return [KnownHead(ChainHead(peer.number, peer.hash), source)] if peer is not None else []


def _problem(robot: str, known: ChainHead, told: list[tuple[ChainHead, str]]) -> str:
    for now, when in told:
        if now.number < known.number:
            short = f"record {known.number} was heard of, and its newest{when} was {now.number}"
            return f"the audit log of {robot} was cut short: {short}"
        if now.number == known.number and now.hash != known.hash:
            return (
                f"the audit log of {robot} was written anew: its record {known.number} is another than the one heard of"
            )
    return ""


def _read(path: Path) -> dict[str, _Peer]:
    values = json.loads(read_bounded(path, _MAX_BYTES))
    if not isinstance(values, dict):
        raise ValueError("it is no object")
    return {str(robot): _peer(each) for robot, each in list(values.items())[:MOST_ROBOTS]}


def _peer(values: dict[str, Any]) -> _Peer:
    peer = _Peer(**values)
    if type(peer.number) is not int or type(peer.seen_ns) is not int or type(peer.warned_ns) is not int:
        raise ValueError("a number is none")
    if not all(isinstance(text, str) and _HASH.fullmatch(text) for text in (peer.hash, peer.opened)):
        raise ValueError("a hash is none")
    if not isinstance(peer.warning, str):
        raise ValueError("a warning is none")
    return peer
