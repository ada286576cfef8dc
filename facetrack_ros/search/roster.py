"""Who is there to be asked: every robot that was heard of, and when."""

from dataclasses import dataclass

# Three lines of the roster missed at 1 Hz, and half a second for the network.
STALE_NS = 3_500_000_000
# A robot not heard from for an hour is forgotten.
FORGET_NS = 3_600_000_000_000


@dataclass(frozen=True)
class RosterEntry:
    """What was last heard from a robot.

    :param model_id: of its embedder, empty while it has none.
    :param left: it said goodbye.
    :param silent_ns: since its last word, nanoseconds.
    """

    robot_id: str
    model_id: str
    left: bool
    silent_ns: int

    @property
    def stale(self) -> bool:
        """Whether it has been silent for longer than a live robot is."""
        return self.silent_ns > STALE_NS


class Roster:
    """The robots of the mesh by name. Times are handed in, from one steady clock, nanoseconds."""

    def __init__(self):
        self._heard: "dict[str, tuple[str, bool, int]]" = {}

    def heard(self, robot_id: str, model_id: str, left: bool, now_ns: int) -> None:
        """A robot's line arrived."""
        self._heard[robot_id] = (model_id, left, now_ns)

    def entries(self, now_ns: int) -> "list[RosterEntry]":
        """Every robot heard of within the last hour, by name."""
        self._heard = {robot: line for robot, line in self._heard.items() if now_ns - line[2] <= FORGET_NS}
        return [RosterEntry(robot, model_id, left, now_ns - heard_ns)
                for robot, (model_id, left, heard_ns) in sorted(self._heard.items())]
