"""The launch files load, and start what they say."""

import pytest

launch = pytest.importorskip("launch", reason="launch is not installed: no wheel carries it")
pytest.importorskip("launch_ros", reason="launch_ros is not installed: no wheel carries it")


def processes_of(**given):
    from pathlib import Path

    from ament_index_python.packages import get_package_share_directory
    from launch import LaunchContext
    from launch.actions import DeclareLaunchArgument, OpaqueFunction
    from launch.launch_description_sources import get_launch_description_from_python_launch_file

    path = Path(get_package_share_directory("facetrack_ros")) / "launch" / "robot.launch.py"
    description = get_launch_description_from_python_launch_file(str(path))
    context = LaunchContext()
    context.launch_configurations.update(given)
    started = []
    for entity in description.entities:
        if isinstance(entity, DeclareLaunchArgument):
            assert entity.description and entity.default_value is not None
        result = entity.execute(context)
        if isinstance(entity, OpaqueFunction):
            started += result
    return [node.node_executable for node in started]


def test_composed_is_one_process():
    assert processes_of(cameras="front=clip.mp4 rear=0") == ["robot"]


def test_apart_is_a_process_a_node_and_a_camera_node_for_each_source():
    assert sorted(processes_of(cameras="front=clip.mp4 rear", composed="false")) == [
        "camera", "detector", "embedder", "history", "overlay", "search", "tracker"]
