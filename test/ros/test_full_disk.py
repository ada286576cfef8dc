"""A whole robot on a disk that fills and empties again: told once, over once, nothing published is missing."""

import subprocess

import pytest

from facetrack_ros.history.events.format import read_events


@pytest.fixture
def disk(tmp_path):
    """A disk of 24 MB; a function fills it, and empties it again."""
    path, filler = tmp_path / "disk", tmp_path / "disk" / "filler"
    path.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=24m,mode=700", "tmpfs", str(path)], capture_output=True
    )
    if mounted.returncode:
        pytest.skip(f"no disk can be mounted here: {mounted.stderr.decode().strip()}")

    def fill(whether):
        if not whether:
            filler.unlink()
            return
        with filler.open("ab", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(65_536))
            except OSError:
                pass

    yield path, fill
    subprocess.run(["umount", "-l", str(path)], check=True)


def test_a_full_disk_is_told_once_and_its_end_once(disk, processes, stage, tmp_path):
    path, fill = disk
    config = tmp_path / "robot.yaml"
    config.write_text("camera: {loop: true}\nframe_history: {mode: continuous, max_disk_frames: 200, min_free_mb: 2}")
    robot = processes.robot("robot1", path, config, front=stage.clips["robot1", "front"])
    processes.wait_until(
        lambda: path.joinpath("robot1").exists() and list(read_events(path / "robot1")), "an event", alive=robot.popen
    )
    fill(True)
    robot.wait_until(lambda said: "this is told once" in said, "the full disk is told")
    code, answer = processes.search("--robot", "robot1", "--image", stage.references["Eileen Collins"])
    assert code in (0, 1, 3), answer
    fill(False)
    robot.wait_until(lambda said: "takes data again" in said, "its end is told")
    assert robot.interrupt() == 0, robot.said()
    said = [line for line in robot.said().splitlines() if " ERROR " in line or " WARN" in line]
    assert len(said) == 1, said
    assert robot.said().count("takes data again") == 1
    events = [event["event"] for event in read_events(path / "robot1")]
    assert events.count("PERSON_IN") == events.count("PERSON_OUT") > 0
