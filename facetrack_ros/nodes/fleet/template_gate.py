"""Which robots may tell of faces: those whose process the roster knows."""

import time
from collections.abc import Callable
from typing import Protocol

from facetrack_ros.core.fair_share import FairShare
from facetrack_ros.errors import InvalidInput
from facetrack_ros.nodes.base.inbox import Inbox
from facetrack_ros.search.fleet_roster import RosterEntry
from facetrack_ros.tracking.identity.shared_template import SharedTemplate

#: How often held templates are looked at.
RELEASE_S = 1.0
#: How long a template of a robot that is not heard yet waits for its heartbeat, which comes once a second.
HELD_S = 15.0
#: Most templates that wait, chosen by hand: those of five robots that start at once, at most 30 MB.
MOST_HELD = 500
_MOST_SIGNING = 10_000
_WHAT = "face template"


class Roster(Protocol):
    """The robots of the mesh."""

    def knows(self, robot_id: str, instance_id: str) -> bool:
        """Whether a process of a robot was heard."""
        ...

    def entries(self) -> list[RosterEntry]:
        """Every robot heard within the last hour."""
        ...


class TemplateGate:
    """Passes on the face templates of robots that the roster knows, and holds those of others for :data:`HELD_S`.

    A template without the id of a process is of a robot of an earlier version: it passes where the roster knows the
    robot's name, unless that robot has told its process before. For one thread.

    :param handle: takes the templates that pass.
    :param inbox: counts and logs those that do not.
    """

    def __init__(
        self,
        roster: Roster,
        handle: Callable[[SharedTemplate], None],
        inbox: Inbox,
        clock: Callable[[], float] = time.monotonic,
    ):
        self._roster, self._handle, self._inbox, self._clock = roster, handle, inbox, clock
        self._held: FairShare[tuple[str, str], tuple[float, SharedTemplate]] = FairShare(MOST_HELD)
        self._signing: set[str] = set()

    def put(self, template: SharedTemplate) -> None:
        """Take a template.

        :raises InvalidInput: it is refused by the handler.
        """
        if self._is_known(template):
            self._handle(template)
        else:
            self._held.put(template.robot_id, (template.robot_id, template.person_id), (self._clock(), template))

    def release(self) -> None:
        """Pass on the held templates whose robot was heard meanwhile, and refuse those that waited too long; to be
        called about once a second."""
        for key in list(self._held):
            since_s, template = self._held[key]
            if self._is_known(template):
                self._held.pop(key)
                try:
                    self._handle(template)
                except InvalidInput as error:
                    self._inbox.refuse(_WHAT, template.robot_id, str(error), error.kind)
            elif self._clock() - since_s > HELD_S:
                self._held.pop(key)
                sentence = "no process of that robot with that id is on the mesh"
                self._inbox.refuse(_WHAT, template.robot_id, sentence, "roster")

    def _is_known(self, template: SharedTemplate) -> bool:
        robot, instance = template.robot_id, template.instance_id
        if not instance:
            return robot not in self._signing and any(entry.robot_id == robot for entry in self._roster.entries())
        known = self._roster.knows(robot, instance)
        if known and len(self._signing) < _MOST_SIGNING:
            self._signing.add(robot)
        return known
