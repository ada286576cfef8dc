"""A robot's part of every list of people: request topic in, its folder read, result topic out."""

import logging
from collections import OrderedDict
from collections.abc import Callable

from facetrack_ros import msg
from facetrack_ros.concurrency.worker import FifoMailbox, Worker, run_calls
from facetrack_ros.history.robot_history import RobotHistory
from facetrack_ros.nodes.base.bounds import PEOPLE
from facetrack_ros.nodes.base.qos import RELIABLE, SEARCH_RESULT_PUB
from facetrack_ros.nodes.base.robot_member_node import RobotMemberNode
from facetrack_ros.nodes.conversion.people import checked_query, people_to_message
from facetrack_ros.search.people import RobotPeople, people_of_robot

# Lists remembered for requests that are sent again, a few MB. Chosen by hand.
_REMEMBERED = 8

logger = logging.getLogger(__name__)


class PeopleServer:
    """Lists the persons, merge decisions and gallery entries in the robot's folder.

    :param node: the history node.
    :param history: the robot's history, None until it is open.
    """

    def __init__(self, node: RobotMemberNode, instance_id: str, history: Callable[[], RobotHistory | None]):
        self._node, self._instance_id, self._history = node, instance_id, history
        self._last: OrderedDict[str, msg.PeopleResult] = OrderedDict()
        self._worker = Worker("people list", FifoMailbox(), run_calls)
        self._results = node.create_publisher(msg.PeopleResult, node.mesh_topic("people/result"), SEARCH_RESULT_PUB)
        gate = node.inbox.gate(
            "PeopleRequest",
            self._answer,
            checked_query,
            lambda message: message.robot_id,
            PEOPLE,
            lambda call: self._worker.put("", (call,)),
        )
        node.receive(msg.PeopleRequest, node.mesh_topic("people/request"), gate, RELIABLE)

    def close(self) -> None:
        """Answer pending requests."""
        self._worker.close()

    def _answer(self, message: msg.PeopleRequest) -> None:
        robot, history = self._node.robot_id, self._history()
        if message.robots and robot not in message.robots:
            return
        if (last := self._last.get(message.query_id)) is not None:
            self._results.publish(last)  # it was lost on its way
            return
        try:
            stores = () if history is None else (history.sightings,)
            people = people_of_robot(self._node.robot_folder() / robot, robot, self._instance_id, stores)
        except Exception as error:  # the requester waits for a result in any case
            logger.exception("list of people %s", message.query_id)
            people = RobotPeople(robot, self._instance_id, f"unexpected {type(error).__name__}: {error}")
        result = self._last[message.query_id] = people_to_message(people, message.query_id)
        if len(self._last) > _REMEMBERED:
            self._last.popitem(last=False)
        self._results.publish(result)
