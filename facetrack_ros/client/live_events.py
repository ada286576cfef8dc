"""Events of running robots as they are published."""

from collections import deque
from functools import partial

from facetrack_ros import msg
from facetrack_ros.client.fleet_client import FleetClient
from facetrack_ros.client.fleet_requester import FleetRequester
from facetrack_ros.core.event import PersonEvent
from facetrack_ros.core.fleet.kinds import LIST_GALLERY, LIST_PEOPLE
from facetrack_ros.errors import InvalidInput
from facetrack_ros.nodes.base.bounds import FRAMES
from facetrack_ros.nodes.base.qos import RELIABLE
from facetrack_ros.nodes.conversion.vision import event_from_message
from facetrack_ros.search.fleet.people_json import people_of_answer
from facetrack_ros.search.people import FleetPeople

_TYPE = "facetrack_ros/msg/PersonEvent"
# Events that wait to be taken; beyond them the oldest are lost.
_MOST_WAITING = 10_000


class LiveEvents:
    """The events of every robot that is heard on the mesh, from then on.

    :param client: an open one.
    """

    def __init__(self, client: FleetClient):
        self._client = client
        self._requester: FleetRequester | None = None
        self._topics: set[str] = set()
        self._waiting: deque[PersonEvent] = deque(maxlen=_MOST_WAITING)

    def find_robots(self) -> list[str]:
        """Subscribe the events of robots that are new; their names."""
        heard, new = self._client.roster(), []
        for topic, kinds in self._client.node.get_topic_names_and_types():
            namespace, _, name = topic.rpartition("/")
            robot = namespace.strip("/").replace("/", "_")
            if name == "events" and _TYPE in kinds and robot in heard and topic not in self._topics:
                self._topics.add(topic)
                self._subscribe(topic, robot)
                new.append(robot)
        return new

    def take(self) -> list[PersonEvent]:
        """The events that came since the last call."""
        return [self._waiting.popleft() for _ in range(len(self._waiting))]

    def people(self) -> tuple[FleetPeople, FleetPeople]:
        """Ids and merge decisions, and gallery entries, as the robots list them.

        :raises RequestError: there is no robot on the mesh.
        """
        self._requester = self._requester or FleetRequester(self._client)
        return people_of_answer(self._requester.ask(LIST_PEOPLE)), people_of_answer(self._requester.ask(LIST_GALLERY))

    def _subscribe(self, topic: str, robot: str) -> None:
        node = self._client.node
        gate = node.inbox.gate("event", self._waiting.append, partial(_event_of, robot), lambda _: topic, FRAMES)
        node.create_subscription(msg.PersonEvent, topic, gate, RELIABLE)


def _event_of(robot_id: str, message: msg.PersonEvent) -> PersonEvent:
    event = event_from_message(message)
    if event.robot_id != robot_id:
        raise InvalidInput(f"it is of {event.robot_id}", "name")
    return event
