"""ROS client of the command line for robots: heartbeats, events, overlays and services."""

import os
import threading
import time
from collections.abc import Callable, Container, Coroutine
from contextlib import ExitStack
from typing import Any, TypeVar

from rclpy.client import Client
from sensor_msgs.msg import CompressedImage

from facetrack_ros import msg, srv
from facetrack_ros.client.asker_node import AskerNode
from facetrack_ros.config import MESH_VARIABLE, Config, default_mesh, mesh_name
from facetrack_ros.errors import RequestError
from facetrack_ros.nodes.base.fleet_channel import SignedCall
from facetrack_ros.nodes.base.process import ros, spinning
from facetrack_ros.nodes.base.qos import RELIABLE, SENSOR_DATA
from facetrack_ros.nodes.fleet.roster_listener import RosterListener
from facetrack_ros.search.fleet_roster import RosterEntry

_T = TypeVar("_T")

# Heartbeats kept, of all processes of all robots: more than a roster holds.
_MOST_PROCESSES = 5000
# A robot not found within this time is absent: DDS repeats a lost announcement after three seconds. Chosen by hand.
FIND_S = 5.0
# The same where a robot was found that does not tell of others, before the second of calm that follows.
DISCOVERED_S = 4.0
# Once all robots have told which others they know: heartbeats already on their way arrive within this time.
TOLD_CALM_S = 0.3
# How often to check for an endpoint; rclpy's Client.wait_for_service checks every 0.25 s.
CHECK_S = 0.02


class FleetClient:
    """Client as a context manager; rclpy is initialised while it is open.

    :ivar robot: the robot that serves requests; empty: none was named.
    :ivar roster_listener: the robots heard.
    :param mesh: prefix of the topics that all robots share; empty: the default of this environment.
    :param config: settings of the command line.
    """

    def __init__(self, robot: str = "", mesh: str = "", config: Config | None = None):
        self.robot = robot
        self.mesh = mesh_name(mesh) if mesh else default_mesh()
        self._config = config
        self._changed = threading.Condition()
        self._heartbeats: dict[str, msg.HistoryStatus] = {}
        self._of_instance: dict[tuple[str, str], msg.HistoryStatus] = {}
        self._instances: dict[str, set[str]] = {}
        self._clients: dict[tuple[str, str], Client] = {}

    def __enter__(self) -> "FleetClient":
        self._open = ExitStack()
        self._open.enter_context(ros([], images=False))
        self.node = AskerNode(self.mesh, self._config)
        # Endpoints are discovered in the order of their creation: a robot whose heartbeat arrives has discovered this
        # service client too. The response to an earlier call can get lost, and DDS repeats it only seconds later.
        if self.robot:
            self._client(srv.FaceSearch, "face_search", self.robot)
        self._opened_s = time.monotonic()
        self.roster_listener = RosterListener(self.node, immediate=True)
        self.roster_listener.listeners.append(self._on_heartbeat)
        self._open.callback(self.node.destroy_node)
        self._executor = self._open.enter_context(spinning([self.node]))
        return self

    def __exit__(self, *error) -> None:
        self._open.close()

    def _on_heartbeat(self, message: msg.HistoryStatus) -> None:
        with self._changed:
            key = (message.robot_id, message.instance_id)
            self._heartbeats[message.robot_id] = self._of_instance[key] = message
            self._instances.setdefault(message.robot_id, set()).add(message.instance_id)
            if len(self._of_instance) > _MOST_PROCESSES:  # of robots that ended
                (robot, instance) = next(iter(self._of_instance))
                del self._of_instance[robot, instance]
                self._instances[robot].discard(instance)
            self._changed.notify_all()

    def run(self, steps: Callable[..., Coroutine[Any, Any, _T]], *arguments: Any, timeout_s: float) -> _T:
        """Run a coroutine of the node on the thread that spins it; its result.

        :raises RequestError: it has not ended in time.
        """
        ended = threading.Event()
        task = self._executor.create_task(steps, *arguments)
        task.add_done_callback(lambda _: ended.set())
        if not ended.wait(timeout_s):
            raise RequestError(f"this program was too busy to collect the answers within {timeout_s:.0f} s")
        return task.result()  # type: ignore[return-value]  # it is the coroutine's

    def roster(self) -> dict[str, msg.HistoryStatus]:
        """The last heartbeat of every robot, by name."""
        with self._changed:
            return dict(sorted(self._heartbeats.items()))

    def heartbeat(self, robot_id: str, instance_id: str) -> msg.HistoryStatus:
        """The last heartbeat of a robot's process."""
        with self._changed:
            return self._of_instance[robot_id, instance_id]

    def entries(self) -> list[RosterEntry]:
        """The roster entry of every robot: present, silent, gone, or several under one name."""
        return self.roster_listener.entries()

    def other_robots(self, robots: Container[str]) -> list[str]:
        """Robots that are not in ``robots``, or that share a name with one of them."""
        with self._changed:
            return sorted(
                robot for robot, instances in self._instances.items() if robot not in robots or len(instances) > 1
            )

    def wait_for(self, condition: Callable[[dict[str, msg.HistoryStatus]], bool], timeout_s: float) -> bool:
        """Wait until the heartbeats by robot fulfil a condition; False after ``timeout_s``."""
        with self._changed:
            return self._changed.wait_for(lambda: condition(dict(self._heartbeats)), timeout_s)

    def wait_for_heartbeats(self, timeout_s: float) -> int:
        """Wait until every robot was heard that DDS has discovered or that another robot hears.

        It ends :data:`TOLD_CALM_S` after the last change, once every robot heard has told which others it knows. Where
        one has not, it ends a second after the last discovery, and not before :data:`DISCOVERED_S`. Where there is no
        robot, it ends :data:`FIND_S` after the start.

        :returns: number of robots discovered but not heard within ``timeout_s``.
        """
        deadline, calm_since, known = time.monotonic() + timeout_s, time.monotonic(), (-1, -1)
        while True:
            published = self.node.count_publishers(self.node.wire_topic(f"{self.mesh}/roster"))
            with self._changed:
                live = sum(not line.leaving for line in self._of_instance.values())
            if (published, live) != known:
                known, calm_since = (published, live), time.monotonic()
            now = time.monotonic()
            told = live > 0 and self.roster_listener.all_told
            calm = now - calm_since >= (TOLD_CALM_S if told else 1.0)
            discovered = told or now - self._opened_s >= (DISCOVERED_S if live else FIND_S)
            if now >= deadline or (live >= published and calm and discovered):
                return max(0, published - live)
            time.sleep(CHECK_S)

    def require_robots(self, timeout_s: float = FIND_S) -> int:
        """Wait for robots as :meth:`wait_for_heartbeats` does.

        :returns: number of robots discovered but not heard.
        :raises RequestError: there is no robot.
        """
        self.wait_for(lambda heartbeats: any(not each.leaving for each in heartbeats.values()), timeout_s)
        if all(heartbeat.leaving for heartbeat in self.roster().values()):
            raise RequestError(
                f"no robot on the mesh {self.mesh} within {timeout_s:g} s: is one running, on this ROS_DOMAIN_ID "
                f"({os.environ.get('ROS_DOMAIN_ID', '0')}) and on this mesh (--mesh or {MESH_VARIABLE})?"
            )
        return self.wait_for_heartbeats(timeout_s)

    def wait_for_connections(self, connected: Callable[[], int]) -> None:
        """Wait until every robot heard is connected, for :data:`DISCOVERED_S` at most.

        :param connected: number of robots that are.
        """
        live = sum(not heartbeat.leaving for heartbeat in self.roster().values())
        _wait_until(lambda: connected() >= live, DISCOVERED_S)

    def require_robot(self) -> None:
        """Wait for the heartbeat of :attr:`robot`.

        :raises RequestError: it does not come.
        """
        if not self.wait_for(lambda heartbeats: self.robot in heartbeats, FIND_S):
            raise RequestError(self._absent(self.robot))

    def _absent(self, robot: str) -> str:
        known = ", ".join(self.roster()) or "no robot at all"
        return f"no robot called {robot} answers on the mesh {self.mesh}; found: {known}"

    def search(self, request: srv.FaceSearch.Request, timeout_s: float) -> tuple[srv.FaceSearch.Response, float]:
        """Call the robot's ``face_search``; its response, and how long that took, seconds.

        :param timeout_s: how long the robot waits for the others.
        :raises RequestError: no such robot, no response, or the robot refuses the request.
        """
        # Models may have to be loaded before the reference is embedded.
        response, seconds = self._call(srv.FaceSearch, "face_search", request, timeout_s + 10.0)
        if not response.success:
            raise RequestError(f"{self.robot}: {response.message}")
        return response, seconds

    def call(self, kind: type, name: str, request: Any, timeout_s: float, robot: str = "") -> Any:
        """Call a service of a robot; its response.

        :param kind: the service type.
        :param name: within the robot's namespace.
        :param robot: empty: :attr:`robot`.
        :raises RequestError: no such robot, or no response.
        """
        return self._call(kind, name, request, timeout_s, robot)[0]

    def on_parts(self, callback: Callable[[msg.FaceSearchPart], None]) -> None:
        """Subscribe to the partial results of :attr:`robot`."""
        parts = self.node.create_subscription(
            msg.FaceSearchPart, f"/{self.robot}/face_search/parts", callback, RELIABLE
        )
        _wait_until(lambda: parts.get_publisher_count() > 0, FIND_S)

    def on_event(self, robot: str, callback: Callable[[msg.PersonEvent], None]) -> None:
        """Subscribe to a robot's events."""
        self.node.create_subscription(msg.PersonEvent, f"/{robot}/events", callback, RELIABLE)

    def on_overlay(self, robot: str, camera: str, callback: Callable[[CompressedImage], None]) -> None:
        """Subscribe to a camera's overlay."""
        self.node.create_subscription(CompressedImage, f"/{robot}/{camera}/overlay/compressed", callback, SENSOR_DATA)

    def on_detections(self, robot: str, camera: str, callback: Callable[[msg.Detections], None]) -> None:
        """Subscribe to a camera's detections."""
        self.node.create_subscription(msg.Detections, f"/{robot}/{camera}/detections", callback, RELIABLE)

    def _client(self, kind: type, name: str, robot: str) -> Client:
        if (robot, name) not in self._clients:
            self._clients[robot, name] = self.node.create_client(kind, f"/{robot}/{name}")
        return self._clients[robot, name]

    def _call(self, kind: type, name: str, request: Any, timeout_s: float, robot: str = "") -> tuple[Any, float]:
        """The response, and how many seconds it took."""
        robot = robot or self.robot
        client = self._client(kind, name, robot)
        deadline = time.monotonic() + FIND_S
        heard = self.wait_for(lambda heartbeats: robot in heartbeats, FIND_S)
        if not heard or not _wait_until(client.service_is_ready, max(0.1, deadline - time.monotonic())):
            raise RequestError(self._absent(robot))
        responded, called = threading.Event(), time.monotonic()
        signed = self._signed(kind, name, request, robot)
        future = client.call_async(request if signed is None else signed.request)
        future.add_done_callback(lambda _: responded.set())
        if not responded.wait(timeout_s):
            raise RequestError(f"{robot} did not answer within {timeout_s:.0f} s")
        response: Any = future.result()
        return response if signed is None else signed.opened(response), time.monotonic() - called

    def _signed(self, kind: type, name: str, request: Any, robot: str) -> SignedCall | None:
        """The call as a member of the fleet makes it; None: the mesh is open."""
        membership = self.node.fleet
        return None if membership is None else SignedCall(membership, robot, f"/{robot}/{name}", kind, request)


def _wait_until(condition: Callable[[], bool], timeout_s: float) -> bool:
    """Check a condition until it holds; False after ``timeout_s``."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() >= deadline:
            return False
        time.sleep(CHECK_S)
    return True
