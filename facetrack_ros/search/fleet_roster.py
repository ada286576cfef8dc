"""Which robots are on the mesh, from their heartbeats."""

from collections.abc import Iterable
from dataclasses import dataclass

# Four missed heartbeats at 1 Hz and 0.2 s of network delay. At one heartbeat in twenty lost, a live robot is taken for
# silent less than once in two days; a robot that is gone is noticed within five seconds.
STALE_NS = 4_200_000_000
# Robots silent for an hour are forgotten.
FORGET_NS = 3_600_000_000_000
# The last heartbeats of a robot's previous process may arrive late. An instance that is still heard longer than this
# (1.5 periods) after another one took the name is a second robot.
CLAIM_NS = 1_500_000_000
# A period of the heartbeat and its delay: an instance last heard longer than this before another one took the name has
# most likely ended.
_RIVAL_NS = 1_200_000_000
# Limits against made-up names, chosen by hand; no fleet has so many robots.
MOST_ROBOTS = 10_000
_LONGEST_NAME = 255


@dataclass(frozen=True)
class RosterEntry:
    """The last known state of a robot.

    :param model_id: of its embedder; empty: it has none yet.
    :param left: whether it announced its end.
    :param silent_ns: since its last heartbeat, nanoseconds.
    :param instance_id: of the process that holds the name: the one started last.
    :param claims: number of live instances that use this name.
    :param instances: of the live instances that may use this name, the holder last: a predecessor that was killed
        within the last second is among them.
    :param cameras: of all instances.
    """

    robot_id: str
    model_id: str
    left: bool
    silent_ns: int
    instance_id: str = ""
    claims: int = 1
    instances: tuple[str, ...] = ()
    cameras: tuple[str, ...] = ()

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
    cameras: tuple[str, ...] = ()

    def alive(self, now_ns: int) -> bool:
        return not self.left and now_ns - self.last_ns <= STALE_NS


class FleetRoster:
    """Robots by name. Times are nanoseconds of one steady clock.

    A robot has a new instance id at every start. The instance of a name that came last holds it; an earlier one is
    forgotten once it leaves or falls silent, and until then counts in :attr:`RosterEntry.claims`.
    """

    def __init__(self) -> None:
        self._instances: dict[str, list[_Instance]] = {}  # by name, in order of arrival
        #: Number of heartbeats refused for an impossible name or instance id, or because the roster is full.
        self.malformed = 0

    def on_heartbeat(
        self, robot_id: str, instance_id: str, model_id: str, left: bool, now_ns: int, cameras: Iterable[str] = ()
    ) -> bool:
        """Take a robot's heartbeat.

        :param left: whether the robot announces its end.
        :param cameras: of the robot.
        :returns: whether it was accepted; see :attr:`malformed`.
        """
        if not (_possible(robot_id) and _possible(instance_id)) or (
            robot_id not in self._instances and len(self._instances) >= MOST_ROBOTS
        ):
            self.malformed += 1
            return False
        known = self._instances.setdefault(robot_id, [])
        for instance in known:
            if instance.instance_id == instance_id:
                instance.model_id, instance.left, instance.last_ns = model_id, left, now_ns
                instance.cameras = tuple(cameras)
                break
        else:
            if left and known:
                return True  # the end of an unknown instance does not concern the holder of the name
            known.append(_Instance(instance_id, model_id, left, now_ns, now_ns, tuple(cameras)))
        alive = [instance for instance in known if instance.alive(now_ns)]
        self._instances[robot_id] = alive or known[-1:]
        return True

    def entries(self, now_ns: int) -> list[RosterEntry]:
        """Every robot heard within the last hour, by name."""
        self._instances = {
            robot: known
            for robot, known in self._instances.items()
            if now_ns - max(instance.last_ns for instance in known) <= FORGET_NS
        }
        return [self._entry(robot, known, now_ns) for robot, known in sorted(self._instances.items())]

    @staticmethod
    def _entry(robot_id: str, known: list[_Instance], now_ns: int) -> RosterEntry:
        alive = [instance for instance in known if instance.alive(now_ns)]
        holder = (alive or known)[-1]
        claims = 1 + sum(instance.last_ns - holder.first_ns >= CLAIM_NS for instance in alive[:-1])
        rivals = [each for each in alive[:-1] if holder.first_ns - each.last_ns < _RIVAL_NS]
        return RosterEntry(
            *(robot_id, holder.model_id, holder.left, now_ns - holder.last_ns, holder.instance_id, claims),
            instances=tuple(each.instance_id for each in (*rivals, holder)),
            cameras=tuple(sorted({camera for each in (*rivals, holder) for camera in each.cameras})),
        )


def _possible(name: str) -> bool:
    return 0 < len(name) <= _LONGEST_NAME and name.isprintable()
