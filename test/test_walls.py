"""What the design keeps apart stays apart: read from the source, so that no import can hide it."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "facetrack_ros"
PURE = ("vision", "sources", "tracking", "history", "search", "clips")
ROS = {"rclpy", "sensor_msgs", "std_msgs", "builtin_interfaces", "rcl_interfaces", "launch", "launch_ros"}

CLOCK_CALLS = {
    "time",
    "time_ns",
    "monotonic",
    "monotonic_ns",
    "perf_counter",
    "perf_counter_ns",
    "now",
    "utcnow",
    "today",
}
PURE_FILES = sorted(file for folder in PURE for file in (PACKAGE / folder).rglob("*.py"))
HEAVY = {"torch", "torchvision", "ultralytics"}


def imports(tree: ast.AST) -> set[str]:
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


@pytest.mark.parametrize("file", PURE_FILES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_pure_parts_know_no_ros_and_no_clock(file):
    tree = ast.parse(file.read_text())
    roots = {name.partition(".")[0] for name in imports(tree)}
    assert not roots & ROS
    assert not {".".join(name.split(".")[:2]) for name in imports(tree)} & {
        "facetrack_ros.nodes",
        "facetrack_ros.cli",
        "facetrack_ros.msg",
        "facetrack_ros.srv",
    }
    assert "time" not in roots, "time is handed in, taken from the frame's header"
    calls = {
        node.func.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id in ("datetime", "date")
    }
    assert not calls & CLOCK_CALLS


@pytest.mark.parametrize("file", sorted(PACKAGE.rglob("*.py")), ids=lambda file: str(file.relative_to(PACKAGE)))
def test_no_file_imports_torch_at_its_top(file):
    top = ast.Module(
        [node for node in ast.parse(file.read_text()).body if isinstance(node, (ast.Import, ast.ImportFrom))], []
    )
    assert not {name.partition(".")[0] for name in imports(top)} & HEAVY


@pytest.mark.parametrize("file", sorted((PACKAGE / "nodes").glob("*.py")), ids=lambda file: file.name)
def test_a_node_stays_small(file):
    assert len(file.read_text().splitlines()) <= 300


def test_every_folder_says_what_lives_there():
    folders = {file.parent for file in PACKAGE.rglob("*.py")} - {PACKAGE}
    for folder in folders:
        assert ast.get_docstring(ast.parse((folder / "__init__.py").read_text())), folder.name
