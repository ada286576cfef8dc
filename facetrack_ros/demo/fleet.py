"""Robots as processes that end with the process that started them."""

import ctypes
import os
import signal
import subprocess
import sys
from pathlib import Path

from facetrack_ros.errors import FacetrackError

PR_SET_PDEATHSIG = 1


class RobotProcess:
    """One ``facetrack run`` process.

    :param cameras: SOURCE by camera id.
    :param data: folder of histories.
    :param log: file for the output of the process.
    """

    def __init__(self, robot: str, cameras: dict[str, str], data: Path, log: Path):
        self.robot = robot
        self.cameras = cameras
        self._log = log
        command = [*facetrack_command(), "run", "--robot", robot, "--data", str(data)]
        for camera, source in cameras.items():
            command += ["--camera", f"{camera}={source}"]
        with log.open("w") as output:
            self._process = subprocess.Popen(
                command, stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, preexec_fn=_die_with_parent
            )

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    def check(self) -> None:
        """Check that the process runs.

        :raises FacetrackError: it has ended; with its last line of output.
        """
        if self._process.poll() is not None:
            lines = [line for line in self._log.read_text(errors="replace").splitlines() if line.strip()]
            raise FacetrackError(f"{self.robot} ended by itself: {lines[-1] if lines else 'no output'} ({self._log})")

    def kill(self) -> None:
        """Send SIGKILL."""
        self._process.kill()
        self._process.wait()

    def stop(self, timeout_s: float = 8.0) -> None:
        """Send SIGTERM, and SIGKILL after the timeout."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(timeout_s)
            except subprocess.TimeoutExpired:
                self.kill()


def facetrack_command() -> list[str]:
    """The command line that started this process, without its arguments."""
    return [sys.executable, os.path.abspath(sys.argv[0])]


def run_search(arguments: list[str], timeout_s: float = 60.0) -> tuple[int, str]:
    """Run ``facetrack search`` in a process.

    :returns: exit code and output.
    """
    command = [*facetrack_command(), "search", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout_s, preexec_fn=_die_with_parent)
    return done.returncode, done.stdout + done.stderr


def _die_with_parent() -> None:
    """In the child: get SIGTERM when the parent dies (Linux)."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
