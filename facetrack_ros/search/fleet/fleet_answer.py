"""What the robots of a mesh answered to a request: a line for each robot."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

#: What a robot answered: it did it; it refused, and changed nothing; its receipt did not come.
DONE, REFUSED, MISSING = "done", "refused", "missing"
#: By the states of a receipt.
STATES = {1: DONE, 2: REFUSED, 3: "pending"}


@dataclass(frozen=True)
class RobotLine:
    """One robot's answer.

    :param state: :data:`DONE`, :data:`REFUSED` or :data:`MISSING`.
    :param reason: why it is refused or missing, a sentence.
    :param values: what it answered.
    :param instance_id: of the robot's process; empty: it did not answer.
    """

    robot_id: str
    state: str
    reason: str = ""
    values: dict[str, Any] = field(default_factory=dict)
    instance_id: str = ""


@dataclass(frozen=True)
class FleetAnswer:
    """The answers to a request.

    :param lines: of every robot that the request is for, by name; of a name that several processes have, one each.
    """

    request_id: str
    lines: tuple[RobotLine, ...]

    @property
    def complete(self) -> bool:
        """Whether every robot did it."""
        return all(line.state == DONE for line in self.lines)

    @property
    def done(self) -> tuple[RobotLine, ...]:
        """The robots that did it."""
        return tuple(line for line in self.lines if line.state == DONE)

    @property
    def not_done(self) -> dict[str, str]:
        """The robots that did not, and why."""
        return {line.robot_id: line.reason for line in self.lines if line.state != DONE}

    def to_json(self) -> list[dict[str, str]]:
        """The lines for the output of a command, without what they answered."""
        return [{"robot_id": line.robot_id, "state": line.state, "reason": line.reason} for line in self.lines]


def reasons(not_done: dict[str, str] | Iterable[tuple[str, str]]) -> str:
    """Robots and why they did not do it, as one sentence."""
    return "; ".join(f"{robot}: {why}" for robot, why in sorted(dict(not_done).items()))
