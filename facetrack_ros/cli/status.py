"""``facetrack status``: who is on the mesh, or what stored histories hold."""

import argparse
import json
import math
import sys
import time
from pathlib import Path

from facetrack_ros.cli.time_format import show_utc
from facetrack_ros.errors import ConfigError
from facetrack_ros.search.fleet_roster import STALE_NS

# Two lines of the 1 Hz roster, and the time discovery takes.
LISTEN_S = 2.5
_CLEAR = "\x1b[H\x1b[J"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The subcommand's arguments."""
    parser.add_argument("--data", metavar="DIR", help="stored histories instead of the mesh, one folder a robot below")
    parser.add_argument("--watch", action="store_true", help="the mesh as it lives, once a second, until Ctrl-C")
    parser.add_argument("--json", action="store_true", help="one JSON object a robot and line")


def run(arguments: argparse.Namespace) -> int:
    """Print a block a robot."""
    if arguments.watch:
        if arguments.data:
            raise ConfigError("--watch is for robots that run; stored histories stand still")
        return _watch(arguments.json)
    robots = _stored(Path(arguments.data)) if arguments.data else _live()
    for robot in robots:
        print(json.dumps(robot) if arguments.json else _block(robot))
    if not robots:
        print(f"no robot on the mesh within {LISTEN_S:g} s" if not arguments.data else "no history")
        return 1
    return 0


def _stored(folder: Path) -> list[dict]:
    from facetrack_ros.search.offline.status import stored_status

    return [
        {
            "robot_id": status.robot_id,
            "model_id": status.model_id,
            "sightings": status.sightings,
            "disk_bytes": status.disk_bytes,
            "leaving": False,
            "claims": 1,
            "cameras": [
                _camera(
                    camera.camera_id,
                    camera.frames,
                    camera.sightings,
                    camera.oldest_ns or 0,
                    camera.newest_ns or 0,
                    None,
                )
                for camera in status.cameras
            ],
        }
        for status in stored_status(folder)
    ]


def _live() -> list[dict]:
    from facetrack_ros.client.fleet_client import FleetClient

    with FleetClient() as asker:
        time.sleep(LISTEN_S)
        return _heard(asker)


def _heard(asker) -> list[dict]:
    from facetrack_ros.nodes.conversion.time import to_ns

    judged = {entry.robot_id: entry for entry in asker.entries()}
    return [
        {
            "robot_id": line.robot_id,
            "model_id": line.model_id,
            "sightings": line.sightings,
            "disk_bytes": line.disk_bytes,
            "leaving": line.leaving,
            "claims": judged[line.robot_id].claims,
            "silent_s": round(judged[line.robot_id].silent_ns / 1e9, 1),
            "cameras": [
                _camera(
                    camera.camera_id,
                    camera.frames,
                    camera.sightings,
                    to_ns(camera.oldest),
                    to_ns(camera.newest),
                    None if math.isnan(camera.clock_behind_s) else camera.clock_behind_s,
                )
                for camera in line.cameras
            ],
        }
        for line in asker.roster().values()
        if line.robot_id in judged
    ]


def _watch(as_json: bool) -> int:
    """Once a second every robot heard of; on a terminal in place, elsewhere one after the other."""
    from facetrack_ros.client.fleet_client import FleetClient

    with FleetClient() as asker:
        while True:
            time.sleep(1.0)
            robots = _heard(asker)
            if as_json:
                print(json.dumps({"timestamp": time.time(), "robots": robots}), flush=True)
                continue
            now = f"{show_utc(time.time_ns())} UTC  {_count(robots)}"
            print((_CLEAR if sys.stdout.isatty() else "") + "\n".join([now, *map(_block, robots)]), flush=True)


def _count(robots: list[dict]) -> str:
    here = sum(not robot["leaving"] and not _silent(robot) for robot in robots)
    return f"{here} of {len(robots)} robots heard of are here" if robots else "no robot on the mesh yet"


def _silent(robot: dict) -> bool:
    return robot.get("silent_s", 0.0) * 1e9 > STALE_NS


def _block(robot: dict) -> str:
    """A robot in lines: what it holds, and a line a camera."""
    state = "  has left" if robot["leaving"] else f"  silent for {robot['silent_s']:.0f} s" if _silent(robot) else ""
    lines = [
        f"{robot['robot_id']}  {robot['sightings']} sightings by {robot['model_id'] or 'no model yet'}, "
        f"{robot['disk_bytes'] / 1e6:.1f} MB on disk{state}"
    ]
    if robot["claims"] > 1:
        lines.append(f"  {robot['claims']} robots call themselves {robot['robot_id']}: give each its own name")
    for camera in robot["cameras"]:
        span = "nothing kept"
        if camera["newest"]:
            span = f"{show_utc(round(camera['oldest'] * 1e9))} to {show_utc(round(camera['newest'] * 1e9))} UTC"
        off = camera["clock_behind"]
        clock = (
            f", its clock {abs(off):.1f} s {'behind' if off > 0 else 'ahead'}"
            if off is not None and abs(off) > 1
            else ""
        )
        lines.append(
            f"  {camera['camera_id']:<10} {camera['frames']} frames in memory, {camera['sightings']} sightings, "
            f"{span}{clock}"
        )
    return "\n".join(lines)


def _camera(
    camera_id: str, frames: int, sightings: int, oldest_ns: int, newest_ns: int, clock_behind_s: float | None
) -> dict:
    return {
        "camera_id": camera_id,
        "frames": frames,
        "sightings": sightings,
        "oldest": oldest_ns / 1e9,
        "newest": newest_ns / 1e9,
        "clock_behind": clock_behind_s,
    }
