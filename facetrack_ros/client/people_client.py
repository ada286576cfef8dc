"""ROS client of the command line for people: lists them, and publishes merge decisions and gallery deletions."""

import time
from collections.abc import Callable, Collection, Iterable
from contextlib import ExitStack
from types import TracebackType

from facetrack_ros import msg
from facetrack_ros.client.fleet_client import FleetClient
from facetrack_ros.client.fleet_requester import FleetRequester
from facetrack_ros.config import Config
from facetrack_ros.core.fleet.kinds import LIST_PEOPLE
from facetrack_ros.nodes.base.qos import PEOPLE_RECORDS
from facetrack_ros.nodes.conversion.people import entry_to_message, verdict_to_message
from facetrack_ros.search.fleet.people_json import people_of_answer
from facetrack_ros.search.people import FleetPeople, RobotPeople
from facetrack_ros.tracking.identity.gallery import GalleryEntry
from facetrack_ros.tracking.identity_merges import MergeDecision

# How long to wait until every robot holds what was published, and how often to check.
CONFIRM_S = 8.0
CHECK_S = 0.1


class PeopleClient:
    """Client as a context manager. Every robot of the mesh is asked, and lists what it holds itself.

    :param mesh: prefix of the topics that all robots share; empty: the default of this environment.
    :param config: settings of the command line.
    """

    def __init__(self, mesh: str = "", config: Config | None = None):
        self.fleet = FleetClient("", mesh, config)

    def __enter__(self) -> "PeopleClient":
        self._open = ExitStack()
        self._open.enter_context(self.fleet)
        node = self.fleet.node
        self._decisions = node.create_publisher(msg.PersonVerdict, f"{self.fleet.mesh}/verdicts", PEOPLE_RECORDS)
        self._entries = node.create_publisher(msg.GalleryEntry, f"{self.fleet.mesh}/gallery", PEOPLE_RECORDS)
        self.requester = FleetRequester(self.fleet)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def discover(self) -> None:
        """Wait until every robot on the mesh was heard; :meth:`people` does it where this was not called.

        :raises RequestError: there is no robot on the mesh.
        """
        self.requester.discover()

    def people(self) -> FleetPeople:
        """What the robots of the mesh hold of persons.

        :raises RequestError: there is no robot on the mesh.
        """
        return people_of_answer(self.requester.ask(LIST_PEOPLE))

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
