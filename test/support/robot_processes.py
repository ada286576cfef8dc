"""Robots, nodes and commands as processes on a ROS domain of their own, ended after the test."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

FACETRACK = Path(sys.executable).parent / "facetrack"
NODES = Path(sys.prefix) / "lib" / "facetrack_ros"
# Generous, as loading models and discovery are slow on two loaded cores. No wait is longer than needed.
DEADLINE_S = float(os.environ.get("FACETRACK_TEST_DEADLINE_S", "90"))


_domains = iter(range(1, 10_000))
# Divisible by the likely numbers of workers, so that each keeps to its own when they begin anew; below the demo's.
_DOMAINS = 78


def free_domain() -> int:
    """A ROS domain that no test beside or shortly before this one has, and hardly another run on this machine."""
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", 1))
    run, worker = (
        (os.getppid(), int(os.environ["PYTEST_XDIST_WORKER"].lstrip("gw"))) if workers > 1 else (os.getpid(), 0)
    )
    return 1 + (run * 7 + next(_domains) * workers + worker) % _DOMAINS


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
