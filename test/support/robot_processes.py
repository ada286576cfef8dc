"""Robots, nodes and commands as processes on a ROS domain of their own, ended after the test."""

import fcntl
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import deque
from pathlib import Path

FACETRACK = Path(sys.executable).parent / "facetrack"
NODES = Path(sys.prefix) / "lib" / "facetrack_ros"
# Generous, as loading models and discovery are slow on two loaded cores. No wait is longer than needed.
DEADLINE_S = float(os.environ.get("FACETRACK_TEST_DEADLINE_S", "90"))


# Below those of the demo, whose ports are below those that the system assigns. Used longest ago first.
_domains = deque(random.Random(os.getpid()).sample(range(1, 79), 78))
# Locks of the domains used last: processes that were killed stay on a domain's rosters for 20 s.
_held: deque[int] = deque()
_HELD = 8


def free_domain() -> int:
    """A ROS domain that no other test on this machine has; of those, the one that this process used longest ago.

    Locked for this process until it has taken :data:`_HELD` others.
    """
    folder = Path(tempfile.gettempdir()) / f"facetrack_test_domains_{os.getuid()}"
    folder.mkdir(exist_ok=True)
    for domain in tuple(_domains):
        lock = os.open(folder / str(domain), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            continue
        _domains.remove(domain)
        _domains.append(domain)
        _held.append(lock)
        if len(_held) > _HELD:
            os.close(_held.popleft())
        return domain
    raise RuntimeError("every ROS domain is taken by another test")


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
