"""Nodes on a ROS domain of their own, and the processes of :mod:`robot_processes`, ended after the test."""

import contextlib
import os
from pathlib import Path

import pytest
from robot_processes import DEADLINE_S, Processes, wait_until


def pytest_collection_modifyitems(items):
    try:
        import rclpy  # noqa: F401
    except ImportError as error:
        for item in items:
            if "test/ros" in str(item.path):
                item.add_marker(pytest.mark.skip(reason=f"needs ROS 2: {error}"))


@pytest.fixture
def processes(tmp_path, domain):
    started = Processes(tmp_path, domain)
    yield started
    started.end()


@pytest.fixture(scope="session")
def stage(tmp_path_factory):
    """The demo's staged clips."""
    from facetrack_ros.demo.staging import make_stage

    return make_stage(tmp_path_factory.mktemp("stage"))


class Graph:
    """Nodes in this process, spun, and a client that calls their services as ros2 does."""

    def __init__(self, folder: Path):
        self.folder = folder
        self._stack = contextlib.ExitStack()
        self._nodes = []
        self._clients = {}

    def start(self, *arguments) -> None:
        """Bring ROS up, with a command line."""
        from facetrack_ros.nodes.base.process import ros

        self._stack.enter_context(ros(["--ros-args", *map(str, arguments)] if arguments else []))

    def spin(self, *nodes) -> None:
        import rclpy

        from facetrack_ros.nodes.base.process import spinning

        self._nodes += nodes
        self.client = rclpy.create_node("tester")
        self._stack.enter_context(spinning([*nodes, self.client]))

    def call(self, kind, name: str, request):
        if name not in self._clients:
            self._clients[name] = self.client.create_client(kind, name)
            assert self._clients[name].wait_for_service(DEADLINE_S), f"no service {name}"
        future = self._clients[name].call_async(request)
        wait_until(future.done, f"an answer of {name}")
        return future.result()

    def described(self, node: str) -> dict:
        """What ``ros2 param describe`` shows of every parameter of a node, by name."""
        from rcl_interfaces.srv import DescribeParameters, ListParameters

        names = self.call(ListParameters, f"{node}/list_parameters", ListParameters.Request()).result.names
        answer = self.call(DescribeParameters, f"{node}/describe_parameters", DescribeParameters.Request(names=names))
        return dict(zip(names, answer.descriptors))

    def set(self, node: str, name: str, value) -> str | None:
        """Set a parameter; None where that was done, else the reason why not."""
        from rcl_interfaces.srv import SetParameters
        from rclpy.parameter import Parameter

        request = SetParameters.Request(parameters=[Parameter(name, value=value).to_parameter_msg()])
        result = self.call(SetParameters, f"{node}/set_parameters", request).results[0]
        return None if result.successful else result.reason

    def transition(self, node: str, transition: str) -> bool:
        """What ``ros2 lifecycle set`` does."""
        from lifecycle_msgs.srv import ChangeState

        request = ChangeState.Request()
        request.transition.label = transition
        return self.call(ChangeState, f"{node}/change_state", request).success

    def state(self, node: str) -> str:
        """What ``ros2 lifecycle get`` shows."""
        from lifecycle_msgs.srv import GetState

        return self.call(GetState, f"{node}/get_state", GetState.Request()).current_state.label

    def end(self) -> None:
        for node in self._nodes:
            if hasattr(node, "end"):
                node.end()
        self._stack.close()


@pytest.fixture
def graph(tmp_path, domain, monkeypatch):
    monkeypatch.setenv("ROS_DOMAIN_ID", str(domain))
    monkeypatch.setenv("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    monkeypatch.setenv("ROS_LOG_DIR", str(tmp_path / "ros_log"))
    monkeypatch.setenv("FACETRACK_DOWNLOAD", "0")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    graph = Graph(tmp_path)
    yield graph
    graph.end()


@pytest.fixture
def real_models(monkeypatch):
    folder = (
        Path(os.environ.get("FACETRACK_DATA") or Path(__file__).resolve().parents[3] / "shared" / "data") / "models"
    )
    if not folder.is_dir():
        pytest.skip(f"no real models in {folder}; set FACETRACK_DATA to the data folder")
    monkeypatch.setenv("FACETRACK_MODELS", str(folder))
    return folder
