"""A folder seen through FUSE that can be slow or give errors; and mounts of the benchmarks of disks.

As a program it serves one folder: ``python failing_disk.py FOLDER MOUNT CONTROL``. Each call waits while the file
``CONTROL/slow`` names seconds, and gives an error while the file ``CONTROL/errno`` names its number. Needs the package
``fusepy``, libfuse 2, ``/dev/fuse`` and the right to mount.
"""

import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

MOUNTED_S = 10.0


class Tmpfs:
    """A disk in memory of some megabytes that can be filled and taken away. A context manager.

    :raises OSError: it cannot be mounted here.
    """

    def __init__(self, path: Path, megabytes: int) -> None:
        self.path = path
        path.mkdir(parents=True, exist_ok=True)
        _run("mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=700", "tmpfs", str(path))

    def __enter__(self) -> "Tmpfs":
        return self

    def __exit__(self, *error) -> None:
        with suppress(OSError):
            self.vanish()

    def fill(self) -> None:
        """Take all room."""
        with (self.path / "filler").open("ab", buffering=0) as file, suppress(OSError):
            while True:
                file.write(bytes(65_536))

    def empty(self) -> None:
        """Give it back."""
        (self.path / "filler").unlink()

    def vanish(self) -> None:
        """Take the disk away, as a plug that is pulled."""
        _run("umount", "-l", str(self.path))


class FuseFolder:
    """A folder through FUSE. A context manager.

    :param folder: where its files lie.
    :param path: where it is mounted.
    :raises OSError: it cannot be mounted here.
    """

    def __init__(self, folder: Path, path: Path, control: Path) -> None:
        self.path, self._control = path, control
        for each in (folder, path, control):
            each.mkdir(parents=True, exist_ok=True)
        self._process = subprocess.Popen([sys.executable, __file__, str(folder), str(path), str(control)])
        deadline = time.monotonic() + MOUNTED_S
        while not path.is_mount():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self._process.kill()
                raise OSError(f"{path} cannot be mounted with FUSE: fusepy, libfuse 2 and /dev/fuse are needed")
            time.sleep(0.05)

    def __enter__(self) -> "FuseFolder":
        return self

    def __exit__(self, *error) -> None:
        self._process.kill()
        self._process.wait()
        with suppress(OSError):
            _run("umount", "-l", str(self.path))

    def slow(self, seconds: float) -> None:
        """Let each write and sync take some seconds; 0: as fast as it is."""
        _set(self._control / "slow", str(seconds) if seconds else "")

    def fail(self, number: int) -> None:
        """Let each write give an error; 0: none."""
        _set(self._control / "errno", str(number) if number else "")

    def vanish(self) -> None:
        """End the process behind the mount: every call gives ENOTCONN from now on."""
        self._process.kill()
        self._process.wait()


def _set(file: Path, text: str) -> None:
    if text:
        file.write_text(text)
    else:
        file.unlink(missing_ok=True)


def _run(*words: str) -> None:
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode:
        raise OSError(f"{' '.join(words)}: {done.stderr.strip()}")


def serve(folder: str, mount: str, control: str) -> None:  # noqa: C901 - one small method a call of FUSE
    """Serve a folder until the process ends."""
    from fuse import FUSE, FuseOSError, Operations

    class Through(Operations):
        """Passes each call on to the folder."""

        def _path(self, path: str) -> str:
            return os.path.join(folder, path.lstrip("/"))

        def getattr(self, path, fh=None):
            status = os.lstat(self._path(path))
            return {key: getattr(status, key) for key in dir(status) if key.startswith("st_")}

        def readdir(self, path, fh):
            return [".", "..", *os.listdir(self._path(path))]

        def statfs(self, path):
            status = os.statvfs(self._path(path))
            return {key: getattr(status, key) for key in dir(status) if key.startswith("f_")}

        def chmod(self, path, mode):
            return os.chmod(self._path(path), mode)

        def mkdir(self, path, mode):
            self._check()
            return os.mkdir(self._path(path), mode)

        def rmdir(self, path):
            return os.rmdir(self._path(path))

        def unlink(self, path):
            return os.unlink(self._path(path))

        def rename(self, old, new):
            self._check()
            return os.rename(self._path(old), self._path(new))

        def utimens(self, path, times=None):
            return os.utime(self._path(path), times)

        def open(self, path, flags):
            return os.open(self._path(path), flags & ~os.O_APPEND)

        def create(self, path, mode, fi=None):
            self._check()
            return os.open(self._path(path), os.O_RDWR | os.O_CREAT, mode)

        def read(self, path, length, offset, fh):
            return os.pread(fh, length, offset)

        def write(self, path, data, offset, fh):
            self._check()
            return os.pwrite(fh, data, offset)

        def truncate(self, path, length, fh=None):
            os.truncate(self._path(path), length)

        def release(self, path, fh):
            return os.close(fh)

        def fsync(self, path, datasync, fh):
            self._check()
            return os.fsync(fh)

        def _check(self) -> None:
            with suppress(FileNotFoundError):
                time.sleep(float(Path(control, "slow").read_text() or 0))
            try:
                number = int(Path(control, "errno").read_text() or 0)
            except FileNotFoundError:
                return
            if number:
                raise FuseOSError(number)

    FUSE(Through(), mount, foreground=True, nothreads=False, allow_other=False)


if __name__ == "__main__":
    serve(*sys.argv[1:4])
