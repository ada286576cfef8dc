"""A client of the mesh for commands: hears the roster and events, calls a robot's front door."""

import os
import threading
import time
from collections.abc import Callable, Container

import rclpy
from rclpy.node import Node
from sensor_msgs.msg import CompressedImage

from facetrack_ros import msg, srv
from facetrack_ros.errors import RequestError
from facetrack_ros.nodes.base.process import ros, spinning
from facetrack_ros.nodes.base.qos import HEARTBEAT_LATCHED_SUB, RELIABLE, SENSOR_DATA
from facetrack_ros.search.fleet_roster import FleetRoster, RosterEntry

# Discovery on a healthy network takes well under a second; a robot not found within this is not there.
FIND_S = 5.0


class FleetClient:
    """Use as a context manager; ROS is up while it is open.

    :param robot: whom :meth:`ask` is for, where it is known from the start.
    :param mesh: prefix of the topics that all robots share.
    """

    def __init__(self, robot: str = "", mesh: str = "/facetrack"):
        self._robot = robot
        self._mesh = mesh.rstrip("/")
        self._changed = threading.Condition()
        self._roster: dict[str, tuple[msg.HistoryStatus, float]] = {}
        self._instances: dict[str, set[str]] = {}
        self._heard = FleetRoster()
        self._clients: dict = {}

    def __enter__(self) -> "FleetClient":
        self._ros = ros([])
        self._ros.__enter__()
        self.node: Node = rclpy.create_node(f"facetrack_asker_{os.getpid()}")
        # Endpoints become known in the order they were made: whoever's line of the roster arrives knows this client too.
        # A call before that can lose its response, and DDS repeats it only seconds later.
        self._client = self._make_client(self._robot) if self._robot else None
        self.node.create_subscription(msg.HistoryStatus, f"{self._mesh}/roster", self._on_status, HEARTBEAT_LATCHED_SUB)
        self._spinning = spinning([self.node])
        self._spinning.__enter__()
        return self

    def __exit__(self, *error) -> None:
        self._spinning.__exit__(*error)
        self.node.destroy_node()
        self._ros.__exit__(*error)

    @property
    def robot(self) -> str:
        """Whom :meth:`ask` asks, or has asked."""
        return self._robot

    def _on_status(self, message: msg.HistoryStatus) -> None:
        with self._changed:
            self._roster[message.robot_id] = (message, time.monotonic())
            self._instances.setdefault(message.robot_id, set()).add(message.instance_id)
            self._heard.on_heartbeat(
                message.robot_id, message.instance_id, message.model_id, message.leaving, time.monotonic_ns()
            )
            self._changed.notify_all()

    def roster(self) -> dict[str, msg.HistoryStatus]:
        """The last line of every robot heard of, by name."""
        with self._changed:
            return {robot: line for robot, (line, _) in sorted(self._roster.items())}

    def entries(self) -> list[RosterEntry]:
        """Every robot heard of, as one that asks would judge it now: there, silent, gone, or several under one name."""
        with self._changed:
            return self._heard.entries(time.monotonic_ns())

    def others_than(self, robots: Container[str]) -> list[str]:
        """Robots heard of that are not ``robots``, or that call themselves like one of them."""
        with self._changed:
            return sorted(
                robot for robot, instances in self._instances.items() if robot not in robots or len(instances) > 1
            )

    def wait_for(self, condition: Callable[[dict[str, msg.HistoryStatus]], bool], timeout_s: float) -> bool:
        """Wait until the roster fulfils a condition; False where time ran out."""
        with self._changed:
            return self._changed.wait_for(
                lambda: condition({robot: line for robot, (line, _) in self._roster.items()}), timeout_s
            )

    def first_robot(self) -> str:
        """Any robot that is there.

        :raises RequestError: there is none.
        """
        self.wait_for(lambda roster: any(not line.leaving for line in roster.values()), FIND_S)
        for robot, line in self.roster().items():
            if not line.leaving:
                return robot
        raise RequestError(
            f"no robot on the mesh within {FIND_S:g} s: is one running, on this ROS_DOMAIN_ID "
            f"({os.environ.get('ROS_DOMAIN_ID', '0')})?"
        )

    def _make_client(self, robot: str):
        return self.node.create_client(srv.FaceSearch, f"/{robot}/face_search")

    def ask(self, request: srv.FaceSearch.Request, timeout_s: float) -> tuple[srv.FaceSearch.Response, float]:
        """Call the robot's ``face_search``; its response, and how long that took, seconds.

        :param timeout_s: how long the robot waits for the others.
        :raises RequestError: no such robot, no answer, or the robot refuses the question.
        """
        if self._client is None:
            self._robot = self.first_robot()
            self._client = self._make_client(self._robot)
        # Models may have to be loaded before the reference is embedded.
        response, seconds = self._call(self._client, self._robot, request, timeout_s + 10.0)
        if not response.success:
            raise RequestError(f"{self._robot}: {response.message}")
        return response, seconds

    def call(self, kind: type, name: str, request, timeout_s: float, robot: str = ""):
        """Call another service of a robot; its response.

        :param kind: the service type.
        :param name: within the robot's namespace.
        :param robot: empty: the one that :meth:`ask` asks.
        :raises RequestError: no such robot, or no answer.
        """
        self._robot = self._robot or robot or self.first_robot()
        robot = robot or self._robot
        key = (robot, name)
        if key not in self._clients:
            self._clients[key] = self.node.create_client(kind, f"/{robot}/{name}")
        return self._call(self._clients[key], robot, request, timeout_s)[0]

    def on_parts(self, callback: Callable[[msg.FaceSearchPart], None]) -> None:
        """Hear the parts of the answers of the robot that :meth:`ask` asks, as they come."""
        self._robot = self._robot or self.first_robot()
        parts = self.node.create_subscription(
            msg.FaceSearchPart, f"/{self._robot}/face_search/parts", callback, RELIABLE
        )
        deadline = time.monotonic() + FIND_S
        while not parts.get_publisher_count() and time.monotonic() < deadline:
            time.sleep(0.02)

    def _call(self, client, robot: str, request, timeout_s: float) -> tuple:
        """The response, and how many seconds it took."""
        found = time.monotonic() + FIND_S
        if not self.wait_for(lambda roster: robot in roster, FIND_S) or not client.wait_for_service(
            max(0.1, found - time.monotonic())
        ):
            known = ", ".join(self.roster()) or "no robot at all"
            raise RequestError(f"no robot called {robot} answers on the mesh; heard of: {known}")
        answered, called = threading.Event(), time.monotonic()
        future = client.call_async(request)
        future.add_done_callback(lambda _: answered.set())
        if not answered.wait(timeout_s):
            raise RequestError(f"{robot} was asked but did not answer within {timeout_s:.0f} s")
        return future.result(), time.monotonic() - called

    def on_event(self, robot: str, callback: Callable[[msg.PersonEvent], None]) -> None:
        """Hear of a robot's events."""
        self.node.create_subscription(msg.PersonEvent, f"/{robot}/events", callback, RELIABLE)

    def on_overlay(self, robot: str, camera: str, callback: Callable[[CompressedImage], None]) -> None:
        """See a camera's overlay."""
        self.node.create_subscription(CompressedImage, f"/{robot}/{camera}/overlay/compressed", callback, SENSOR_DATA)
