"""Processes and nodes on a ROS domain of their own, ended after the test."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

FACETRACK = Path(sys.executable).parent / "facetrack"
NODES = Path(sys.prefix) / "lib" / "facetrack_ros"
# Generous, as loading models and discovery are slow on two loaded cores. No wait is longer than needed.
DEADLINE_S = 90.0


def pytest_collection_modifyitems(items):
    try:
        import rclpy  # noqa: F401
    except ImportError as error:
        for item in items:
            if "test/ros" in str(item.path):
                item.add_marker(pytest.mark.skip(reason=f"needs ROS 2: {error}"))


class Processes:
    """Starts processes on one domain and ends them."""

    def __init__(self, folder: Path, domain: int):
        self.folder = folder
        self.environment = {
            **os.environ,
            "ROS_DOMAIN_ID": str(domain),
            "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST",
            "FACETRACK_DOWNLOAD": "0",
            "ROS_LOG_DIR": str(folder / "ros_log"),
        }
        self._started = []

    def start(self, command, name: str) -> "Process":
        process = Process([str(part) for part in command], self.folder / f"{name}.log", self.environment)
        self._started.append(process)
        return process

    def robot(self, robot: str, data: Path, config: Path | None = None, **cameras) -> "Process":
        sources = [part for camera, source in cameras.items() for part in ("--camera", f"{camera}={source}")]
        settings = ["--config", config] if config else []
        return self.start([FACETRACK, "run", "--robot", robot, "--data", data, *settings, *sources], robot)

    def run(self, *arguments, timeout_s: float = DEADLINE_S) -> subprocess.CompletedProcess:
        return subprocess.run(
            [str(FACETRACK), *map(str, arguments)],
            capture_output=True,
            text=True,
            timeout=timeout_s,
            env=self.environment,
            cwd=self.folder,
        )

    def search(self, *arguments) -> tuple[int, dict]:
        done = self.run("search", *arguments, "--json")
        return done.returncode, json.loads(done.stdout) if done.stdout else {"said": done.stderr}

    def node(self, name: str, *ros_arguments) -> "Process":
        """One node by itself, as ``ros2 run`` starts it."""
        return self.start([NODES / name, "--ros-args", *ros_arguments], name)

    wait_until = staticmethod(lambda *arguments, **named: wait_until(*arguments, **named))

    def end(self):
        for process in self._started:
            process.kill()


class Process:
    def __init__(self, command, log: Path, environment):
        self.log = log
        with log.open("w") as output:
            self.popen = subprocess.Popen(
                command,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=environment,
                cwd=log.parent,
                start_new_session=True,
            )

    def said(self) -> str:
        return self.log.read_text(errors="replace")

    def wait_until(self, condition, what: str, deadline_s: float = DEADLINE_S):
        wait_until(
            lambda: condition(self.said()), lambda: f"{what}; it said:\n{self.said()}", deadline_s, alive=self.popen
        )

    def interrupt(self, deadline_s: float = 20.0) -> int:
        self.popen.send_signal(signal.SIGINT)
        return self.popen.wait(deadline_s)

    def kill(self):
        if self.popen.poll() is None:
            os.killpg(self.popen.pid, signal.SIGKILL)
            self.popen.wait()


def wait_until(condition, what, deadline_s: float = DEADLINE_S, alive=None):
    """Wait for a condition and return its value; fail with ``what`` at the deadline or when process ``alive`` ends."""
    deadline = time.monotonic() + deadline_s
    while not (value := condition()):
        text = what() if callable(what) else what
        assert alive is None or alive.poll() is None, f"ended with {alive.poll()} before: {text}"
        assert time.monotonic() < deadline, f"not within {deadline_s:.0f} s: {text}"
        time.sleep(0.05)
    return value


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
