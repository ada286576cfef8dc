"""The service ``list_people``: the people of all robots."""

from rclpy.callback_groups import CallbackGroup

from facetrack_ros import msg, srv
from facetrack_ros.concurrency.open_calls import OpenCalls
from facetrack_ros.nodes.base.robot_member_node import RobotMemberNode
from facetrack_ros.nodes.conversion.requests import check_people
from facetrack_ros.nodes.conversion.time import to_ns
from facetrack_ros.nodes.fleet.people_query import DEFAULT_TIMEOUT_S, PeopleQuery

# Calls under way at once, and the longest wait of one. Chosen by hand.
MOST_CALLS, LONGEST_S = 32, 600.0


class PeopleService:
    """Serves ``list_people`` by a query.

    :param group: callback group of the service.
    """

    def __init__(self, node: RobotMemberNode, group: CallbackGroup, query: PeopleQuery):
        self._query = query
        self._calls = OpenCalls(f"the list of people of {node.robot_id}", MOST_CALLS)
        serve = node.inbox.serve("list_people call", self._serve, check=check_people)
        node.create_service(srv.ListPeople, node.robot_topic("list_people"), serve, callback_group=group)

    async def _serve(self, call: srv.ListPeople.Request, response: srv.ListPeople.Response) -> None:
        with self._calls.one():
            timeout_s = to_ns(call.timeout) / 1e9 or DEFAULT_TIMEOUT_S
            query = self._query.begin(min(max(timeout_s, 0.05), LONGEST_S))
            await query.finished
            results, missing = self._query.end(query)
        response.success, response.complete, response.robots = True, not missing, results
        response.not_listed = [msg.NotSearched(robot_id=robot, reason=why) for robot, why in sorted(missing.items())]
        response.message = "; ".join(f"{robot} is not listed in full: {why}" for robot, why in sorted(missing.items()))
