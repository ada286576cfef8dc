"""Gathers the receipts of a request, each counted for a robot only if its process is one that the roster knows."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from facetrack_ros.core.fleet.fleet_request import DONE as STATE_DONE
from facetrack_ros.core.fleet.fleet_request import PENDING, FleetReceipt, FleetRequest, read_object
from facetrack_ros.errors import InvalidInput
from facetrack_ros.search.fleet.fleet_answer import DONE, MISSING, REFUSED, FleetAnswer, RobotLine
from facetrack_ros.search.fleet_roster import RosterEntry

# Receipts of processes whose heartbeat has not come yet, and names of robots in an answer. Chosen by hand.
_MOST_WAITING, _MOST_NAMED = 100, 8
#: The line of what concerns no robot by name.
OTHERS = "further robots"

#: A robot's name, and the id of its process.
_Key = tuple[str, str]


@dataclass
class _Gathered:
    """The parts of one process's receipt."""

    first: FleetReceipt
    bodies: dict[int, bytes] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        return len(self.bodies) == self.first.parts

    def take(self, receipt: FleetReceipt) -> bool:
        """Take a part; False where it contradicts what came before."""
        one, other = self.first, receipt
        if (one.state, one.reason, one.parts) != (other.state, other.reason, other.parts):
            return False
        return self.bodies.setdefault(receipt.part, receipt.body) == receipt.body


class ReceiptCollector:
    """Gathers the receipts of one request. It has no clock: the owner closes it when the time is up.

    Any process of the network can publish a receipt in any robot's name. A receipt counts if the roster knows its
    instance id for its robot; one that comes before the heartbeat waits for it. The first of a process counts; that a
    different one follows is told, since one of the two is forged.

    :param entries: the roster: who is waited for, also a robot that another one hears. Robots that left or are silent
        are not, but their receipts count.
    :param knows: whether the roster has a process (robot id, instance id).
    :param own_robot: robot of this process, which is waited for even before its first heartbeat; empty: none.
    :param crowded: why the roster is not whole, a sentence; empty: it is.
    :ivar forged: number of receipts that did not count.
    """

    def __init__(
        self,
        request: FleetRequest,
        entries: Iterable[RosterEntry],
        knows: Callable[[str, str], bool],
        own_robot: str = "",
        crowded: str = "",
    ):
        self.request, self._knows, self.forged = request, knows, 0
        known = {entry.robot_id: entry for entry in entries if request.is_for(entry.robot_id)}
        #: Number of processes of each robot that are waited for.
        self._claims = {name: entry.claims for name, entry in known.items() if _awaited(entry)}
        self._absent = {name: _absent(entry) for name, entry in known.items() if name not in self._claims}
        if own_robot and request.is_for(own_robot):
            self._claims.setdefault(own_robot, 1)
            self._absent.pop(own_robot, None)
        unknown = set(request.robots) - self._claims.keys() - self._absent.keys()
        self._absent |= dict.fromkeys(unknown, "no robot of that name is on the mesh")
        if crowded and not request.robots:
            self._absent[OTHERS] = crowded
        self._gathered: dict[_Key, _Gathered] = {}
        self._pending: dict[str, str] = {}
        self._waiting: dict[_Key, FleetReceipt] = {}
        self._faults: dict[str, str] = {}

    @property
    def missing(self) -> dict[str, str]:
        """Robots that are waited for, and what is to be said of them where they do not answer."""
        counts = dict.fromkeys(self._claims, 0)
        for (robot, _), gathered in self._gathered.items():
            if robot in counts:
                counts[robot] += gathered.complete
        return {
            robot: self._pending.get(robot, "it did not answer in time")
            if claims == 1
            else f"{counts[robot]} of {claims} of that name answered"
            for robot, claims in self._claims.items()
            if counts[robot] < claims
        }

    @property
    def next_parts(self) -> dict[str, int]:
        """The next part to ask for of robots whose receipt came in part."""
        return {
            robot: next(part for part in range(gathered.first.parts) if part not in gathered.bodies)
            for (robot, _), gathered in self._gathered.items()
            if not gathered.complete
        }

    def add(self, receipt: FleetReceipt) -> None:
        """Take a receipt, or a part of one."""
        robot, key = receipt.robot_id, (receipt.robot_id, receipt.instance_id)
        if receipt.request_id != self.request.id or not self.request.is_for(robot):
            return
        if not self._knows(*key):
            if key in self._waiting or len(self._waiting) < _MOST_WAITING:
                self._waiting.setdefault(key, receipt)
            else:
                self.forged += 1
        elif receipt.state == PENDING:
            self._pending[robot] = receipt.reason or "it is still at it"
        elif not self._gathered.setdefault(key, _Gathered(receipt)).take(receipt):
            self.forged += 1
            self._faults[robot] = "two different answers came in its name: the first is used, one is forged"

    def refuse(self, robot_id: str, why: str) -> None:
        """Note that a receipt in a robot's name is not used.

        :param why: a sentence.
        """
        self.forged += 1
        if robot_id in self._claims or robot_id in self._absent:
            self._faults.setdefault(robot_id, why)

    def on_roster(self, entries: Iterable[RosterEntry]) -> None:
        """Take the receipts that waited for a heartbeat which has come; robots that have left are not waited for."""
        for key in [key for key in self._waiting if self._knows(*key)]:
            self.add(self._waiting.pop(key))
        for entry in entries:
            if entry.left and not entry.told_by and entry.robot_id in self.missing:
                del self._claims[entry.robot_id]
                self._absent[entry.robot_id] = "it left the mesh before it answered"

    def close(self) -> FleetAnswer:
        """The answer: a line for each robot."""
        for robot, _ in self._waiting:
            self.refuse(robot, "an answer in its name is not used: no heartbeat of its sender came")
        answered = [self._line(key) for key in sorted(self._gathered) if self._gathered[key].complete]
        heard = {line.robot_id for line in answered}
        missing = {robot: why for robot, why in self._absent.items() if robot not in heard} | self.missing
        for robot in sorted({robot for robot, _ in self._waiting})[:_MOST_NAMED]:
            if robot not in heard:
                missing.setdefault(robot, "an answer in its name is not used: no heartbeat of its sender came")
        missing |= self._faults
        lines = [RobotLine(robot, MISSING, why) for robot, why in missing.items()]
        return FleetAnswer(self.request.id, tuple(sorted([*answered, *lines], key=lambda line: line.robot_id)))

    def _line(self, key: _Key) -> RobotLine:
        gathered = self._gathered[key]
        robot, instance = key
        if gathered.first.state != STATE_DONE:
            return RobotLine(robot, REFUSED, gathered.first.reason or "it says no reason", {}, instance)
        try:
            body = b"".join(gathered.bodies[part] for part in range(gathered.first.parts))
            values = read_object(body, "its answer")
        except InvalidInput as error:
            return RobotLine(robot, REFUSED, f"its answer cannot be used: {error}", {}, instance)
        return RobotLine(robot, DONE, "", values, instance)


def _awaited(entry: RosterEntry) -> bool:
    return entry.awaited or not (entry.left or entry.stale)


def _absent(entry: RosterEntry) -> str:
    if entry.told_by:
        return f"{entry.told_by} knows it; it {'has left the mesh' if entry.left else 'is not heard here'}"
    return "it has left the mesh" if entry.left else f"silent for {entry.silent_ns / 1e9:.0f} s"
