"""ROS client of the command line for people: lists them, and publishes merge decisions and gallery deletions."""

import time
from collections.abc import Callable, Collection, Iterable
from contextlib import ExitStack
from types import TracebackType

from facetrack_ros import msg, srv
from facetrack_ros.client.fleet_client import FleetClient
from facetrack_ros.core.validation import LONGEST_NAME, printable
from facetrack_ros.errors import InvalidInput, RequestError
from facetrack_ros.nodes.base.qos import PEOPLE_RECORDS
from facetrack_ros.nodes.conversion.people import people_from_message, verdict_to_message
from facetrack_ros.nodes.conversion.time import to_duration
from facetrack_ros.search.people import FleetPeople, RobotPeople
from facetrack_ros.tracking.identity_merges import MergeDecision

# How long a robot waits for the lists of the others.
LIST_S = 5.0
# How long to wait until every robot holds what was published, and how often to check.
CONFIRM_S = 8.0
CHECK_S = 0.1


class PeopleClient:
    """Client as a context manager. One robot is asked; it asks all robots of its roster.

    :param robot: to ask; empty: the first found.
    :param mesh: prefix of the topics that all robots share; empty: the default of this environment.
    """

    def __init__(self, robot: str = "", mesh: str = ""):
        self.fleet = FleetClient(robot, mesh)

    def __enter__(self) -> "PeopleClient":
        self._open = ExitStack()
        self._open.enter_context(self.fleet)
        node = self.fleet.node
        self._decisions = node.create_publisher(msg.PersonVerdict, f"{self.fleet.mesh}/verdicts", PEOPLE_RECORDS)
        self._entries = node.create_publisher(msg.GalleryEntry, f"{self.fleet.mesh}/gallery", PEOPLE_RECORDS)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def people(self) -> FleetPeople:
        """What the robots of the mesh hold of persons.

        A robot whose heartbeat arrives here and that the robot asked does not know yet is waited for.

        :raises RequestError: there is no robot on the mesh, or the one named is not there.
        """
        deadline = time.monotonic() + LIST_S
        while True:
            request = srv.ListPeople.Request(timeout=to_duration(round(LIST_S * 1e9)))
            response = self.fleet.call(srv.ListPeople, "list_people", request, LIST_S + 5.0)
            if not response.success:
                raise RequestError(f"{self.fleet.robot}: {response.message}")
            not_listed = {
                printable(line.robot_id, LONGEST_NAME): printable(line.reason) for line in response.not_listed
            }
            known = {*not_listed, *(robot.robot_id for robot in response.robots)}
            new = {entry.robot_id for entry in self.fleet.entries() if not entry.left and not entry.stale} - known
            if not new or time.monotonic() > deadline:
                not_listed |= dict.fromkeys(new, f"{self.fleet.robot} does not know it yet")
                robots = []
                for robot in response.robots:
                    try:
                        robots.append(people_from_message(robot))
                    except InvalidInput as error:
                        not_listed[printable(robot.robot_id, LONGEST_NAME)] = f"its list cannot be used: {error}"
                return FleetPeople(tuple(robots), tuple(sorted(not_listed.items())))
            time.sleep(CHECK_S)

    def publish_decisions(self, decisions: Collection[MergeDecision]) -> dict[str, str]:
        """Send merge decisions to every robot, and wait until all of them hold them.

        :returns: robots that do not, and why; empty: all do.
        """
        for decision in decisions:
            self._decisions.publish(verdict_to_message(decision))
        records = {decision.record_id for decision in decisions}
        return self._confirm(lambda robot: records <= {decision.record_id for decision in robot.decisions})

    def delete_entries(self, entry_ids: Iterable[str]) -> dict[str, str]:
        """Delete gallery entries on every robot, and wait until none of them holds them.

        :returns: robots that still do, or did not answer, and why; empty: all deleted them.
        """
        deleted = set(entry_ids)
        for entry_id in deleted:
            self._entries.publish(msg.GalleryEntry(entry_id=entry_id, deleted=True))
        return self._confirm(lambda robot: deleted.isdisjoint(entry.entry_id for entry in robot.entries))

    def _confirm(self, took_effect: Callable[[RobotPeople], bool]) -> dict[str, str]:
        deadline = time.monotonic() + CONFIRM_S
        while True:
            people = self.people()
            open_robots = dict(people.not_listed)
            open_robots |= {
                robot.robot_id: "it has not taken it over" for robot in people.robots if not took_effect(robot)
            }
            if not open_robots or time.monotonic() > deadline:
                return open_robots
            time.sleep(CHECK_S)
