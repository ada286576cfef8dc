"""Built by colcon in a workspace: messages, nodes and share folder are installed, and a node starts."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PARTS = (
    *("CMakeLists.txt", "package.xml", "setup.py", "pyproject.toml", "README.md"),
    *("cmake", "config", "facetrack_ros", "launch", "msg", "requirements", "srv"),
)
NODES = {
    *("camera", "detector", "detections_2d", "embedder", "external_detector", "gallery", "history"),
    *("humans", "markers", "overlay", "robot", "search", "tracker"),
}


@pytest.mark.parametrize("options", [(), ("--symlink-install",)], ids=["copied", "symlinked"])
def test_colcon_builds_and_installs_messages_nodes_and_share(processes, tmp_path, options):
    if not shutil.which("colcon", path=str(Path(sys.executable).parent) + os.pathsep + os.environ["PATH"]):
        pytest.skip("colcon is not installed")
    source = tmp_path / "ws" / "src" / "facetrack_ros"
    source.mkdir(parents=True)
    for part in PARTS:
        copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
        copy(ROOT / part, source / part)
    environment = {**processes.environment, "PATH": str(Path(sys.executable).parent) + os.pathsep + os.environ["PATH"]}
    if not os.environ.get("AMENT_PREFIX_PATH"):
        environment.update(AMENT_PREFIX_PATH=sys.prefix, CMAKE_PREFIX_PATH=sys.prefix)
    done = subprocess.run(
        ["colcon", "build", *options, "--cmake-args", f"-DPython3_EXECUTABLE={sys.executable}"],
        cwd=tmp_path / "ws",
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    install = tmp_path / "ws" / "install" / "facetrack_ros"
    assert {file.name for file in (install / "lib" / "facetrack_ros").iterdir()} == NODES
    assert (install / "share" / "ament_index" / "resource_index" / "packages" / "facetrack_ros").exists()
    assert (install / "share" / "facetrack_ros" / "launch" / "robot.launch.py").exists()
    assert (install / "share" / "facetrack_ros" / "config" / "default.yaml").exists()

    code = (
        "import facetrack_ros, facetrack_ros.msg, facetrack_ros.srv, facetrack_ros.nodes.history_node as node; "
        "print(facetrack_ros.__file__); print(node.__file__)"
    )
    done = subprocess.run(
        ["bash", "-c", f". install/setup.bash && cd / && {sys.executable} -c '{code}'"],
        cwd=tmp_path / "ws",
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    # Symlinks lead to the build and the source folder: all of it lies in the workspace, none in the environment.
    assert all(str(tmp_path / "ws") in line for line in done.stdout.splitlines()), done.stdout

    processes.environment = environment
    node = processes.start(
        [
            "bash",
            "-c",
            f". {tmp_path}/ws/install/setup.bash && exec {install}/lib/facetrack_ros/search "
            "--ros-args -r __ns:=/robot1",
        ],
        "search",
    )
    code = (
        "from facetrack_ros.client.fleet_client import FleetClient\n"
        "import time\n"
        "with FleetClient() as client:\n"
        "    deadline = time.monotonic() + 60\n"
        "    while ('search', '/robot1') not in client.node.get_node_names_and_namespaces():\n"
        "        assert time.monotonic() < deadline\n"
        "        time.sleep(0.1)\n"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], env=processes.environment, cwd="/", capture_output=True, text=True
    )
    assert found.returncode == 0, found.stderr + node.said()
    assert node.interrupt() == 0, node.said()
