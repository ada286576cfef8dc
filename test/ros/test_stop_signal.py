"""A signal ends the wait whichever thread the kernel gives it to."""

import signal
import subprocess
import sys

import pytest

CODE = """
import signal, sys, threading
from facetrack_ros.nodes.base.process import StopSignal
stop = StopSignal()
other = threading.Event()
threading.Thread(target=other.wait, daemon=True).start()
if sys.argv[1] == "other":
    # Blocked in the main thread alone: the kernel has to give it to the other one.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
print("waiting", flush=True)
stop.wait()
print("stopped", flush=True)
"""


@pytest.mark.parametrize("thread", ["main", "other"])
def test_a_signal_ends_the_wait(thread, tmp_path):
    process = subprocess.Popen([sys.executable, "-c", CODE, thread], stdout=subprocess.PIPE, text=True, cwd=tmp_path)
    try:
        assert process.stdout.readline() == "waiting\n"
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=30.0)[0] == "stopped\n"
        assert process.returncode == 0
    finally:
        process.kill()
