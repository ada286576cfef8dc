"""Requests of the command line to all robots."""

from collections.abc import Sequence
from typing import Any

from rclpy.callback_groups import ReentrantCallbackGroup

from facetrack_ros.client.fleet_client import FIND_S, FleetClient
from facetrack_ros.core.user import user_name
from facetrack_ros.nodes.fleet.requests.request_sender import DEFAULT_TIMEOUT_S, FleetRequestSender
from facetrack_ros.search.fleet.fleet_answer import MISSING, FleetAnswer, RobotLine
from facetrack_ros.search.fleet.receipt_collector import OTHERS

# Beyond the wait for the robots, what a busy machine needs to run the wait, seconds. Chosen by hand.
_SPARE_S = 10.0


class FleetRequester:
    """Asks every robot of the mesh, and has a line for each in the answer.

    :param client: an open one.
    """

    def __init__(self, client: FleetClient):
        self._client = client
        self._sender = FleetRequestSender(client.node, client.roster_listener, ReentrantCallbackGroup())
        self._sender.connect()
        self._unheard: int | None = None  # robots discovered whose heartbeat did not come

    def discover(self) -> None:
        """Wait until every robot on the mesh was heard and is connected; :meth:`ask` does it where this was not called.

        :raises RequestError: there is no robot on the mesh.
        """
        if self._unheard is None:
            self._unheard = self._client.require_robots()
            self._client.wait_for_connections(self._sender.connect)

    def ask(
        self,
        kind: str,
        values: dict[str, Any] | None = None,
        timeout_s: float = DEFAULT_TIMEOUT_S,
        robots: Sequence[str] = (),
        operator: str = "",
        reason: str = "",
    ) -> FleetAnswer:
        """Send a request; the answers once all robots have answered, or after ``timeout_s``.

        :param values: details of the kind.
        :param robots: that it is for; none: all.
        :param operator: who asks; empty: the user of this process.
        :raises RequestError: none is named, and there is no robot on the mesh.
        :raises InvalidInput: a part of the request is not valid.
        """
        if robots:
            self._client.wait_for(lambda heard: set(robots) <= set(heard), FIND_S)
        else:
            self.discover()
        said = (operator or user_name("cli"), reason, tuple(robots))
        request = self._sender.request(kind, values or {}, timeout_s, *said)
        answer = self._client.run(self._sender.ask, request, timeout_s, timeout_s=timeout_s + _SPARE_S)
        if self._unheard and not robots:
            gap = RobotLine(OTHERS, MISSING, f"{self._unheard} are on the mesh, no heartbeat of which arrived")
            answer = FleetAnswer(answer.request_id, (*answer.lines, gap))
        return answer
