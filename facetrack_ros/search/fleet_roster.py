"""Which robots are on the mesh, from their heartbeats."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice

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
# Limits against made-up names, chosen by hand; no fleet has so many robots, no robot so many processes or cameras.
MOST_ROBOTS = 500
MOST_INSTANCES = 8
MOST_CAMERAS = 64
# Robots that others tell of and that are not heard here.
MOST_TOLD = 100
_LONGEST_NAME = 255
# A robot heard over less than this is a stranger: silent, it gives its place to others when the roster is full. More
# than a few that fell silent for a minute were made up, and are forgotten.
_STRANGER_NS = 10_000_000_000
_FORGET_STRANGER_NS = 60_000_000_000
_FEW_STRANGERS = 20
_CHECK_ROOM_NS = 1_000_000_000
# How long after the last robot that was turned away the roster counts as too small.
_CROWDED_NS = 60_000_000_000


@dataclass(frozen=True)
class KnownRobot:
    """What one robot tells of another.

    :param left: whether it announced its end.
    :param silent: whether no heartbeat of it came for :data:`STALE_NS`.
    """

    left: bool
    silent: bool


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
    :param told_by: the robot that knows this one, which was never heard here; empty: it was.
    :param awaited: whether that robot hears it now, so that it should soon be heard here too.
    """

    robot_id: str
    model_id: str
    left: bool
    silent_ns: int
    instance_id: str = ""
    claims: int = 1
    instances: tuple[str, ...] = ()
    cameras: tuple[str, ...] = ()
    told_by: str = ""
    awaited: bool = False

    @property
    def stale(self) -> bool:
        """Whether it has been silent for longer than a live robot is, or was never heard."""
        return self.silent_ns > STALE_NS or bool(self.told_by)


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


@dataclass
class _Robot:
    """All that is known of a name.

    :param instances: in order of arrival.
    """

    first_ns: int
    instances: list[_Instance] = field(default_factory=list)

    @property
    def last_ns(self) -> int:
        return max((instance.last_ns for instance in self.instances), default=self.first_ns)

    @property
    def stranger(self) -> bool:
        return self.last_ns - self.first_ns < _STRANGER_NS


class FleetRoster:
    """Robots by name. Times are nanoseconds of one steady clock.

    A robot has a new instance id at every start. The instance of a name that came last holds it; an earlier one is
    forgotten once it leaves or falls silent, and until then counts in :attr:`RosterEntry.claims`.

    At most :data:`MOST_ROBOTS` robots and :data:`MOST_INSTANCES` processes of one name are known. A further robot takes
    the place of a stranger that fell silent, else it is turned away: those known for longer stay.

    Robots that others tell of are entries as well until they are heard: a program that starts after a robot has ended
    would otherwise take the answers of the rest for complete.
    """

    def __init__(self) -> None:
        self._robots: dict[str, _Robot] = {}
        # By teller, robot and process: the robots it knows.
        self._told: dict[tuple[str, str], dict[str, KnownRobot]] = {}
        #: Number of heartbeats refused for an impossible name or instance id.
        self.malformed = 0
        #: Number of heartbeats refused because the roster is full.
        self.turned_away = 0
        self._turned_away_ns: int | None = None
        self._full_ns: int | None = None  # when no room could be made

    def on_heartbeat(
        self, robot_id: str, instance_id: str, model_id: str, left: bool, now_ns: int, cameras: Iterable[str] = ()
    ) -> bool:
        """Take a robot's heartbeat.

        :param left: whether the robot announces its end.
        :param cameras: of the robot.
        :returns: whether it was accepted; see :attr:`malformed` and :attr:`turned_away`.
        """
        named = tuple(islice(cameras, MOST_CAMERAS))
        if not (_possible(robot_id) and _possible(instance_id) and all(map(_possible, (model_id or "-", *named)))):
            self.malformed += 1
            return False
        if not self.has_place(robot_id, now_ns):
            return False
        robot = self._robots.setdefault(robot_id, _Robot(now_ns))
        known = robot.instances
        instance = next((each for each in known if each.instance_id == instance_id), None)
        if instance is not None:
            instance.model_id, instance.left, instance.last_ns, instance.cameras = model_id, left, now_ns, named
        elif left and known:
            return True  # the end of an unknown instance does not concern the holder of the name
        elif sum(each.alive(now_ns) for each in known) >= MOST_INSTANCES:
            return self._turn_away(now_ns)
        else:
            known.append(_Instance(instance_id, model_id, left, now_ns, now_ns, named))
        robot.instances = [each for each in known if each.alive(now_ns)] or known[-1:]
        return True

    def entries(self, now_ns: int) -> list[RosterEntry]:
        """Every robot heard within the last hour, by name. Of made-up names, those of the last minute."""
        made_up = set(self._silent_strangers(now_ns, _FORGET_STRANGER_NS))
        made_up = made_up if len(made_up) > _FEW_STRANGERS else set()
        self._robots = {
            name: robot
            for name, robot in self._robots.items()
            if name not in made_up and now_ns - robot.last_ns <= FORGET_NS
        }
        heard = [self._entry(name, robot.instances, now_ns) for name, robot in sorted(self._robots.items())]
        return [*heard, *self._unheard()]

    def on_known_robots(self, teller: str, instance_id: str, known: Mapping[str, KnownRobot]) -> None:
        """Take the robots that another robot knows, instead of those it told before. They count once the roster knows
        the process that tells them, and as long as it does.

        :param known: by name.
        """
        if len(self._told) >= MOST_ROBOTS:
            self._told = {each: robots for each, robots in self._told.items() if self.knows(*each)}
        if len(self._told) < MOST_ROBOTS:
            self._told[teller, instance_id] = dict(islice(known.items(), MOST_TOLD))

    def all_told(self, now_ns: int) -> bool:
        """Whether every live process has told which robots it knows, and each that one of them hears is heard here."""
        alive = [
            (name, each.instance_id)
            for name, robot in self._robots.items()
            for each in robot.instances
            if each.alive(now_ns)
        ]
        return all(each in self._told for each in alive) and not any(entry.awaited for entry in self._unheard())

    def _unheard(self) -> list[RosterEntry]:
        """Robots that only others know, by name."""
        told: dict[str, RosterEntry] = {}
        for (teller, instance), robots in sorted(self._told.items()):
            if self.knows(teller, instance):
                for robot, known in robots.items():
                    entry = RosterEntry(
                        robot, "", known.left, 0, told_by=teller, awaited=not (known.left or known.silent)
                    )
                    if robot not in self._robots and _possible(robot) and not (robot in told and told[robot].awaited):
                        told[robot] = entry
        return [told[robot] for robot in sorted(told)[:MOST_TOLD]]

    def has_place(self, robot_id: str, now_ns: int) -> bool:
        """Whether a robot is known, or there is room for one more; if not, it counts as turned away."""
        if robot_id in self._robots or len(self._robots) < MOST_ROBOTS or self._make_room(now_ns):
            return True
        return self._turn_away(now_ns)

    def knows(self, robot_id: str, instance_id: str) -> bool:
        """Whether a process of a robot was heard."""
        robot = self._robots.get(robot_id)
        return robot is not None and any(each.instance_id == instance_id for each in robot.instances)

    def crowded(self, now_ns: int) -> bool:
        """Whether robots were turned away within the last minute, for want of room."""
        return self._turned_away_ns is not None and now_ns - self._turned_away_ns <= _CROWDED_NS

    def _make_room(self, now_ns: int) -> bool:
        """Forget the strangers that fell silent; False if there are none. Not checked more than once a second."""
        if self._full_ns is not None and now_ns - self._full_ns < _CHECK_ROOM_NS:
            return False
        silent = self._silent_strangers(now_ns, STALE_NS)
        for name in silent:
            del self._robots[name]
        self._full_ns = None if silent else now_ns
        return bool(silent)

    def _silent_strangers(self, now_ns: int, for_ns: int) -> list[str]:
        return [name for name, robot in self._robots.items() if robot.stranger and now_ns - robot.last_ns > for_ns]

    def _turn_away(self, now_ns: int) -> bool:
        self.turned_away += 1
        self._turned_away_ns = now_ns
        return False

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
