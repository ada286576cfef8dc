"""Two robots find each other without multicast, through a discovery server."""

import json
import socket
import sys
from pathlib import Path

import numpy as np
import pytest

from facetrack_ros.nodes.asker import Asker
from facetrack_ros.nodes.conversion import floats
from facetrack_ros.srv import FaceSearch

SERVER = Path(sys.prefix) / "bin" / "fast-discovery-server"


@pytest.fixture
def server_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@pytest.mark.skipif(not SERVER.exists(), reason="there is no fast-discovery-server beside this Python")
def test_two_robots_that_meet_at_a_discovery_server_answer_together(processes, tmp_path, server_port, monkeypatch):
    processes.start([SERVER, "-i", "0", "-l", "127.0.0.1", "-p", server_port], "server")
    processes.environment["ROS_DISCOVERY_SERVER"] = f"127.0.0.1:{server_port}"
    for name in ("ROS_DOMAIN_ID", "ROS_DISCOVERY_SERVER"):
        monkeypatch.setenv(name, processes.environment[name])
    for robot in ("robot1", "robot2"):
        for node in ("history", "search"):
            processes.node(node, "-r", f"__ns:=/{robot}", "-p", f"data_dir:={tmp_path / 'data'}")
    question = FaceSearch.Request(embedding=floats(np.eye(128, dtype=np.float32)[0]), model_id="mobilefacenet_foamliu")
    for robot in ("robot1", "robot2"):
        with Asker(robot) as asker:
            assert asker.wait_for(lambda roster: {"robot1", "robot2"} <= set(roster), 30.0), "both are on the roster"
            processes.wait_until(lambda asker=asker: {line.robot_id: line.status for line in asker.ask(question, 5.0)[0].robots}
                                 == {"robot1": "answered", "robot2": "answered"}, f"both answer {robot}")
    done = processes.run("status", "--json")
    assert {json.loads(line)["robot_id"] for line in done.stdout.splitlines()} == {"robot1", "robot2"}
