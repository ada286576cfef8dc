"""``facetrack status``: who is on the mesh, or what stored histories hold."""

import argparse
import json
import math
import time
from pathlib import Path

from facetrack_ros.cli.stamps import show_utc

# Two lines of the 1 Hz roster, and the time discovery takes.
LISTEN_S = 2.5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The subcommand's arguments."""
    parser.add_argument("--data", metavar="DIR", help="stored histories instead of the mesh, one folder a robot below")
    parser.add_argument("--json", action="store_true", help="one JSON object a robot and line")


def run(arguments: argparse.Namespace) -> int:
    """Print a block a robot."""
    robots = _stored(Path(arguments.data)) if arguments.data else _live()
    for robot in robots:
        if arguments.json:
            print(json.dumps(robot))
            continue
        left = "  has left" if robot["leaving"] else ""
        print(f"{robot['robot_id']}  {robot['sightings']} sightings by {robot['model_id'] or 'no model yet'}, "
              f"{robot['disk_bytes'] / 1e6:.1f} MB on disk{left}")
        if robot["claims"] > 1:
            print(f"  {robot['claims']} robots call themselves {robot['robot_id']}: give each its own name")
        for camera in robot["cameras"]:
            span = "nothing kept"
            if camera["newest"]:
                span = f"{show_utc(round(camera['oldest'] * 1e9))} to {show_utc(round(camera['newest'] * 1e9))} UTC"
            off = camera["clock_behind"]
            clock = f", its clock {abs(off):.1f} s {'behind' if off > 0 else 'ahead'}" if off is not None and abs(off) > 1 else ""
            print(f"  {camera['camera_id']:<10} {camera['frames']} frames in memory, {camera['sightings']} sightings, {span}{clock}")
    if not robots:
        print(f"no robot on the mesh within {LISTEN_S:g} s" if not arguments.data else "no history")
        return 1
    return 0


def _stored(folder: Path) -> "list[dict]":
    from facetrack_ros.search.stored_status import stored_status

    return [
        {"robot_id": status.robot_id, "model_id": status.model_id, "sightings": status.sightings,
         "disk_bytes": status.disk_bytes, "leaving": False, "claims": 1,
         "cameras": [_camera(camera.camera_id, camera.frames, camera.sightings, camera.oldest_ns or 0, camera.newest_ns or 0, None)
                     for camera in status.cameras]}
        for status in stored_status(folder)]


def _live() -> "list[dict]":
    from facetrack_ros.nodes.asker import Asker
    from facetrack_ros.nodes.conversion import to_ns

    with Asker() as asker:
        time.sleep(LISTEN_S)
        claims = {entry.robot_id: entry.claims for entry in asker.entries()}
        return [
            {"robot_id": line.robot_id, "model_id": line.model_id, "sightings": line.sightings,
             "disk_bytes": line.disk_bytes, "leaving": line.leaving, "claims": claims.get(line.robot_id, 1),
             "cameras": [_camera(camera.camera_id, camera.frames, camera.sightings, to_ns(camera.oldest), to_ns(camera.newest),
                                 None if math.isnan(camera.clock_behind_s) else camera.clock_behind_s)
                         for camera in line.cameras]}
            for line in asker.roster().values()]


def _camera(camera_id: str, frames: int, sightings: int, oldest_ns: int, newest_ns: int, clock_behind_s: "float | None") -> dict:
    return {"camera_id": camera_id, "frames": frames, "sightings": sightings, "oldest": oldest_ns / 1e9,
            "newest": newest_ns / 1e9, "clock_behind": clock_behind_s}
