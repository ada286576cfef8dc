"""An archive of frames; a disk of a few megabytes, to fill, to lock and to break."""

import subprocess

import pytest

from facetrack_ros.history.frames.archive import FrameArchive


@pytest.fixture
def archive(tmp_path):
    opened = FrameArchive(tmp_path / "frames", "robot1")
    yield opened
    opened.close()


class SmallDisk:
    """A tmpfs of 8 MB."""

    def __init__(self, path):
        self.path = path

    def mount(self, options: str) -> None:
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"{options},mode=700", "tmpfs", str(self.path)],
            check=True,
            capture_output=True,
        )

    def fill(self, leave: int = 0) -> None:
        """Take all room but ``leave`` bytes."""
        with (self.path / "filler").open("ab", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(65_536))
            except OSError:
                pass
            file.truncate(max(file.tell() - leave, 0))

    def empty(self) -> None:
        (self.path / "filler").unlink()

    def unmount(self) -> None:
        subprocess.run(["umount", "-l", str(self.path)], check=True, capture_output=True)


@pytest.fixture
def small_disk(tmp_path):
    folder = tmp_path / "disk"
    folder.mkdir()
    disk = SmallDisk(folder)
    try:
        disk.mount("size=8m")
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no small disk can be mounted here: {error}")
    yield disk
    disk.unmount()
