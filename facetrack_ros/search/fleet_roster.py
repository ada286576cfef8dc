"""Who is there to be asked: every robot that was heard of, and when."""

from dataclasses import dataclass

# Four lines of the roster missed at 1 Hz, and a little for the network: of twenty lines one may be lost, and a robot is thought silent
# that is not once in two days of a robot. Whoever is gone is known to be within five seconds.
STALE_NS = 4_200_000_000
# A robot not heard from for an hour is forgotten.
FORGET_NS = 3_600_000_000_000
# A robot that was started again has a predecessor whose last words may be on their way for a while. One that goes on
# speaking for longer than a line's period after another took its name is a robot of its own.
CLAIM_NS = 1_500_000_000
# More names than any fleet has: beyond this somebody makes them up.
MOST_ROBOTS = 10_000
_LONGEST_NAME = 255


@dataclass(frozen=True)
class RosterEntry:
    """What was last heard from a robot.

    :param model_id: of its embedder, empty while it has none.
    :param left: it said goodbye.
    :param silent_ns: since its last word, nanoseconds.
    :param instance_id: of the process that has the name now: of several, the one that came last.
    :param claims: how many robots have this name at once.
    """

    robot_id: str
    model_id: str
    left: bool
    silent_ns: int
    instance_id: str = ""
    claims: int = 1

    @property
    def stale(self) -> bool:
        """Whether it has been silent for longer than a live robot is."""
        return self.silent_ns > STALE_NS


@dataclass
class _Instance:
    instance_id: str
    model_id: str
    left: bool
    first_ns: int
    last_ns: int

    def speaks(self, now_ns: int) -> bool:
        return not self.left and now_ns - self.last_ns <= STALE_NS


class FleetRoster:
    """The robots of the mesh by name. Times are handed in, from one steady clock, nanoseconds.

    A robot has a new instance id at every start. Of a name's instances the one that came last counts; the one before
    it is forgotten once it says goodbye or falls silent, and until then both are told of by :attr:`RosterEntry.claims`.
    """

    def __init__(self):
        self._heard: dict[str, list[_Instance]] = {}  # by name, in the order they came
        self._malformed = 0

    @property
    def malformed(self) -> int:
        """Lines that were turned down: without a name or an instance id, or with an impossible one."""
        return self._malformed

    def on_heartbeat(self, robot_id: str, instance_id: str, model_id: str, left: bool, now_ns: int) -> bool:
        """A robot's line arrived.

        :returns: whether it counts; see :attr:`malformed`.
        """
        if not (_possible(robot_id) and _possible(instance_id)) or (
            robot_id not in self._heard and len(self._heard) >= MOST_ROBOTS
        ):
            self._malformed += 1
            return False
        known = self._heard.setdefault(robot_id, [])
        for instance in known:
            if instance.instance_id == instance_id:
                instance.model_id, instance.left, instance.last_ns = model_id, left, now_ns
                break
        else:
            if left and known:
                return True  # the goodbye of one never heard of: whoever has the name stays
            known.append(_Instance(instance_id, model_id, left, now_ns, now_ns))
        speaking = [instance for instance in known if instance.speaks(now_ns)]
        self._heard[robot_id] = speaking or known[-1:]
        return True

    def entries(self, now_ns: int) -> list[RosterEntry]:
        """Every robot heard of within the last hour, by name."""
        self._heard = {
            robot: known
            for robot, known in self._heard.items()
            if now_ns - max(instance.last_ns for instance in known) <= FORGET_NS
        }
        return [self._entry(robot, known, now_ns) for robot, known in sorted(self._heard.items())]

    @staticmethod
    def _entry(robot_id: str, known: list[_Instance], now_ns: int) -> RosterEntry:
        speaking = [instance for instance in known if instance.speaks(now_ns)]
        holder = (speaking or known)[-1]
        claims = 1 + sum(instance.last_ns - holder.first_ns >= CLAIM_NS for instance in speaking[:-1])
        return RosterEntry(robot_id, holder.model_id, holder.left, now_ns - holder.last_ns, holder.instance_id, claims)


def _possible(name: str) -> bool:
    return 0 < len(name) <= _LONGEST_NAME and name.isprintable()
