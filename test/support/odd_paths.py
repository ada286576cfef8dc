"""Paths that are no files to read: pipes, devices, sockets, sparse files, folders, links that lead nowhere."""

import os
import socket
from pathlib import Path


def odd_paths(folder: Path, ending: str = "") -> dict[str, Path]:
    """One of each kind, with a name that ends as asked."""
    folder.mkdir(parents=True, exist_ok=True)
    made = {
        name: folder / f"{name}{ending}"
        for name in ("pipe", "socket", "sparse", "folder", "dangling", "looping", "to_zero", "to_pipe", "nobody_may")
    }
    os.mkfifo(made["pipe"])
    before = Path.cwd()
    os.chdir(folder)  # the name of a socket is short
    try:
        with socket.socket(socket.AF_UNIX) as unix:
            unix.bind(made["socket"].name)
    finally:
        os.chdir(before)
    with made["sparse"].open("wb") as file:
        file.truncate(1 << 40)
    made["folder"].mkdir()
    made["dangling"].symlink_to("nothing")
    made["looping"].symlink_to(made["looping"].name)
    made["to_zero"].symlink_to("/dev/zero")
    made["to_pipe"].symlink_to(made["pipe"].name)
    made["nobody_may"].write_bytes(b"secret")
    made["nobody_may"].chmod(0)
    return {
        **made,
        "zero": Path("/dev/zero"),
        "null": Path("/dev/null"),
        "full": Path("/dev/full"),
        "itself": Path("/proc/self/mem"),
    }
