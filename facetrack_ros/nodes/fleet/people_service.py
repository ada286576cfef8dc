"""The service ``list_people``: the people of all robots."""

from rclpy.callback_groups import CallbackGroup

from facetrack_ros import msg, srv
from facetrack_ros.concurrency.open_calls import OpenCalls
from facetrack_ros.core.fleet.kinds import LIST_PEOPLE
from facetrack_ros.nodes.base.robot_member_node import RobotMemberNode
from facetrack_ros.nodes.conversion.people import people_to_message
from facetrack_ros.nodes.conversion.requests import check_people
from facetrack_ros.nodes.conversion.time import to_ns
from facetrack_ros.nodes.fleet.requests.request_sender import DEFAULT_TIMEOUT_S, FleetRequestSender
from facetrack_ros.search.fleet.people_json import people_of_answer

# Calls under way at once, and the longest wait of one. Chosen by hand.
MOST_CALLS, LONGEST_S = 32, 600.0


class PeopleService:
    """Serves ``list_people`` by a request to the fleet.

    :param group: callback group of the service.
    """

    def __init__(self, node: RobotMemberNode, group: CallbackGroup, sender: FleetRequestSender):
        self._sender = sender
        self._calls = OpenCalls(f"the list of people of {node.robot_id}", MOST_CALLS)
        serve = node.inbox.serve("list_people call", self._serve, check=check_people)
        node.create_service(srv.ListPeople, node.robot_topic("list_people"), serve, callback_group=group)

    async def _serve(self, call: srv.ListPeople.Request, response: srv.ListPeople.Response) -> None:
        with self._calls.one():
            timeout_s = min(max(to_ns(call.timeout) / 1e9 or DEFAULT_TIMEOUT_S, 0.05), LONGEST_S)
            answer = await self._sender.ask(self._sender.request(LIST_PEOPLE, {}, timeout_s), timeout_s)
        people = people_of_answer(answer)
        response.success, response.complete = True, people.complete
        response.robots = [people_to_message(robot, answer.request_id) for robot in people.robots]
        response.not_listed = [msg.NotSearched(robot_id=robot, reason=why) for robot, why in people.not_listed]
        response.message = "; ".join(f"{robot} is not listed in full: {why}" for robot, why in people.not_listed)
