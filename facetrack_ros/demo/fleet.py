"""Robots as operating-system processes that never outlive the one that started them."""

import ctypes
import os
import signal
import subprocess
import sys
from pathlib import Path

from facetrack_ros.errors import FacetrackError

PR_SET_PDEATHSIG = 1


class RobotProcess:
    """One ``facetrack run`` in a process of its own.

    :param cameras: SOURCE by camera id.
    :param data: folder of histories.
    :param log: file that takes what the process prints.
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
        """Of the process."""
        return self._process.pid

    def check(self) -> None:
        """:raises FacetrackError: the process has ended, with the last thing it said."""
        if self._process.poll() is not None:
            said = [line for line in self._log.read_text(errors="replace").splitlines() if line.strip()]
            raise FacetrackError(
                f"{self.robot} ended by itself: {said[-1] if said else 'without a word'} ({self._log})"
            )

    def kill(self) -> None:
        """SIGKILL: what a pulled plug does to a process."""
        self._process.kill()
        self._process.wait()

    def stop(self, timeout_s: float = 8.0) -> None:
        """Ask it to end, and kill it where it does not."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(timeout_s)
            except subprocess.TimeoutExpired:
                self.kill()


def facetrack_command() -> list[str]:
    """How to start the command that is running now once more."""
    return [sys.executable, os.path.abspath(sys.argv[0])]


def ask(arguments: list[str], timeout_s: float = 60.0) -> tuple[int, str]:
    """Run ``facetrack search`` as a third process.

    :returns: its exit code and what it printed.
    """
    done = subprocess.run(
        [*facetrack_command(), "search", *arguments],
        capture_output=True,
        text=True,
        timeout=timeout_s,
        preexec_fn=_die_with_parent,
    )
    return done.returncode, done.stdout + done.stderr


def _die_with_parent() -> None:
    """In the child: take SIGTERM when the parent dies, however it dies (Linux)."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
