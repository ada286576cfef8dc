"""ROS client of the command line for people: lists them, and publishes merge decisions and gallery deletions."""

import time
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import ExitStack
from types import TracebackType

from rclpy.callback_groups import ReentrantCallbackGroup

from facetrack_ros import msg, srv
from facetrack_ros.client.fleet_client import FleetClient
from facetrack_ros.config import Config
from facetrack_ros.core.printable import printable
from facetrack_ros.core.validation import LONGEST_NAME
from facetrack_ros.errors import InvalidInput, RequestError
from facetrack_ros.nodes.base.qos import PEOPLE_RECORDS
from facetrack_ros.nodes.conversion.people import entry_to_message, people_from_message, verdict_to_message
from facetrack_ros.nodes.conversion.time import to_duration
from facetrack_ros.nodes.fleet.people_query import PeopleQuery
from facetrack_ros.search.people import FleetPeople, RobotPeople
from facetrack_ros.tracking.identity.gallery import GalleryEntry
from facetrack_ros.tracking.identity_merges import MergeDecision

# How long a robot waits for the lists of the others.
LIST_S = 5.0
# How long to wait until every robot holds what was published, and how often to check.
CONFIRM_S = 8.0
CHECK_S = 0.1


class PeopleClient:
    """Client as a context manager. Every robot of the mesh is asked, and lists what it holds itself.

    :param robot: to ask for the lists of all, and whose word counts for them; empty: none.
    :param mesh: prefix of the topics that all robots share; empty: the default of this environment.
    :param config: settings of the command line.
    """

    def __init__(self, robot: str = "", mesh: str = "", config: Config | None = None):
        self.fleet = FleetClient(robot, mesh, config)
        self._unheard: int | None = None  # robots discovered whose heartbeat did not come

    def __enter__(self) -> "PeopleClient":
        self._open = ExitStack()
        self._open.enter_context(self.fleet)
        node = self.fleet.node
        self._decisions = node.create_publisher(msg.PersonVerdict, f"{self.fleet.mesh}/verdicts", PEOPLE_RECORDS)
        self._entries = node.create_publisher(msg.GalleryEntry, f"{self.fleet.mesh}/gallery", PEOPLE_RECORDS)
        self._query = PeopleQuery(node, self.fleet.roster_listener, ReentrantCallbackGroup())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def discover(self) -> None:
        """Wait until every robot on the mesh was heard; :meth:`people` does it where this was not called.

        :raises RequestError: there is no robot on the mesh.
        """
        if self._unheard is None:
            self._unheard = self.fleet.require_robots()

    def people(self) -> FleetPeople:
        """What the robots of the mesh hold of persons.

        :raises RequestError: there is no robot on the mesh, or the one named is not there.
        """
        return self._through_robot() if self.fleet.robot else self._of_all()

    def _of_all(self) -> FleetPeople:
        self.discover()
        results, missing = self.fleet.run(self._ask, timeout_s=LIST_S + 10.0)
        if self._unheard:
            missing["further robots"] = f"{self._unheard} are on the mesh, no heartbeat of which arrived"
        return _usable(results, missing)

    async def _ask(self) -> tuple[list[msg.PeopleResult], dict[str, str]]:
        query = self._query.begin(LIST_S)
        await query.finished
        return self._query.end(query)

    def _through_robot(self) -> FleetPeople:
        """The lists of all by one robot. A robot whose heartbeat arrives here and that it does not know yet is waited
        for."""
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
                return _usable(response.robots, not_listed)
            time.sleep(CHECK_S)

    def publish_decisions(self, decisions: Collection[MergeDecision]) -> dict[str, str]:
        """Send merge decisions to every robot, and wait until all of them hold them.

        :returns: robots that do not, and why; empty: all do.
        """
        for decision in decisions:
            self._decisions.publish(verdict_to_message(decision))
        records = {decision.record_id for decision in decisions}
        return self._confirm(lambda robot: records <= {decision.record_id for decision in robot.decisions})

    def publish_entries(self, entries: Collection[GalleryEntry]) -> dict[str, str]:
        """Send gallery entries to every robot, and wait until all of them hold them.

        :returns: as :meth:`publish_decisions`.
        """
        for entry in entries:
            self._entries.publish(entry_to_message(entry))
        new = {entry.entry_id for entry in entries}
        return self._confirm(lambda robot: new <= {entry.entry_id for entry in robot.entries})

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


def _usable(lists: Sequence[msg.PeopleResult], not_listed: dict[str, str]) -> FleetPeople:
    """The lists that can be used; the others are named.

    :param not_listed: robots whose list is missing or not whole, and why.
    """
    robots, faults = [], dict(not_listed)
    for each in lists:
        try:
            robots.append(people_from_message(each))
        except InvalidInput as error:
            faults[printable(each.robot_id, LONGEST_NAME)] = f"its list cannot be used: {error}"
    return FleetPeople(tuple(robots), tuple(sorted(faults.items())))
