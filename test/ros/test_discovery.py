"""Two robots find each other without multicast, through a discovery server."""

import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest

SERVER = Path(sys.prefix) / "bin" / "fast-discovery-server"
# In a process of its own: Fast DDS keeps to the discovery server that a process began with.
SEARCH = """
import sys
import time
import numpy as np
from facetrack_ros.client.fleet_client import FleetClient
from facetrack_ros.nodes.conversion.fields import float_array
from facetrack_ros.srv import FaceSearch

request = FaceSearch.Request(embedding=float_array(np.eye(128, dtype=np.float32)[0]), model_id="mobilefacenet_foamliu")
deadline, names = time.monotonic() + 60.0, ["robot1", "robot2"]
with FleetClient(sys.argv[1]) as asker:
    assert asker.wait_for(lambda roster: {*names} <= {*roster}, 60.0), "both are on the roster"
    while [line.robot_id for line in asker.search(request, 5.0)[0].robots if line.status == "answered"] != names:
        assert time.monotonic() < deadline, "both answer"
"""


@pytest.fixture
def server_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@pytest.mark.skipif(not SERVER.exists(), reason="there is no fast-discovery-server beside this Python")
def test_two_robots_of_a_discovery_server_answer_a_search(processes, tmp_path, server_port):
    processes.start([SERVER, "-i", "0", "-l", "127.0.0.1", "-p", server_port], "server")
    processes.environment["ROS_DISCOVERY_SERVER"] = f"127.0.0.1:{server_port}"
    for robot in ("robot1", "robot2"):
        for node in ("history", "search"):
            processes.node(node, "-r", f"__ns:=/{robot}", "-p", f"data_dir:={tmp_path / 'data'}")
    for robot in ("robot1", "robot2"):
        done = subprocess.run(
            [sys.executable, "-c", SEARCH, robot],
            env=processes.environment,
            capture_output=True,
            text=True,
            timeout=150,
        )
        assert done.returncode == 0, done.stderr
    done = processes.run("status", "--json")
    assert {json.loads(line)["robot_id"] for line in done.stdout.splitlines()} == {"robot1", "robot2"}
