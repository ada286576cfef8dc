"""``facetrack status``: which robots are on the mesh, or what stored histories hold."""

import argparse
import json
import math
import sys
import time

from facetrack_ros.cli.mesh_option import add_mesh_argument, mesh_prefix
from facetrack_ros.cli.plain_output import write_raw
from facetrack_ros.core.utc import show_utc
from facetrack_ros.errors import ConfigError
from facetrack_ros.search.fleet_roster import STALE_NS

# Two heartbeats at 1 Hz, and the time discovery takes.
LISTEN_S = 2.5
_CLEAR = "\x1b[H\x1b[J"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the subcommand."""
    add = parser.add_argument
    add("--data", metavar="DIR", help="stored histories instead of the mesh, one folder per robot")
    add_mesh_argument(parser)
    add("--watch", action="store_true", help="print the mesh once a second, until Ctrl-C")
    add("--json", action="store_true", help="one JSON object per robot and line")


def run(arguments: argparse.Namespace) -> int:
    """Print one block per robot; 0 where there is one, else 1."""
    if arguments.watch:
        if arguments.data:
            raise ConfigError("--watch is for running robots, not for --data")
        return _watch(arguments)
    if arguments.data:
        robots = _stored(arguments.data)
    else:
        from facetrack_ros.client.fleet_client import FleetClient

        with FleetClient(mesh=mesh_prefix(arguments)) as client:
            time.sleep(LISTEN_S)
            robots = _on_mesh(client)
    for robot in robots:
        print(json.dumps(robot) if arguments.json else _block(robot))
    if not robots:
        print(f"no robot on the mesh within {LISTEN_S:g} s" if not arguments.data else "no history")
        return 1
    return 0


def _stored(folder: str) -> list[dict]:
    from facetrack_ros.search.offline.status import stored_status

    return [
        _robot(status, [_camera(camera, camera.oldest_ns, camera.newest_ns) for camera in status.cameras])
        for status in stored_status(folder)
    ]


def _on_mesh(client) -> list[dict]:
    from facetrack_ros.nodes.conversion.time import to_ns

    entries = {entry.robot_id: entry for entry in client.entries()}
    robots = []
    for line in client.roster().values():
        if entry := entries.get(line.robot_id):
            cameras = [
                _camera(camera, to_ns(camera.oldest), to_ns(camera.newest), camera.clock_behind_s)
                for camera in line.cameras
            ]
            robots.append(_robot(line, cameras, line.leaving, entry.claims, round(entry.silent_ns / 1e9, 1)))
    return robots


def _watch(arguments: argparse.Namespace) -> int:
    """Print every robot once a second: on a terminal in place, else one after the other."""
    from facetrack_ros.client.fleet_client import FleetClient

    with FleetClient(mesh=mesh_prefix(arguments)) as client:
        while True:
            time.sleep(1.0)
            robots = _on_mesh(client)
            if arguments.json:
                print(json.dumps({"timestamp": time.time(), "robots": robots}), flush=True)
                continue
            present = sum(not robot["leaving"] and not _silent(robot) for robot in robots)
            count = f"{present} of {len(robots)} known robots are here" if robots else "no robot on the mesh yet"
            now = f"{show_utc(time.time_ns())} UTC  {count}"
            if sys.stdout.isatty():
                write_raw(_CLEAR)
            print("\n".join([now, *map(_block, robots)]), flush=True)


def _silent(robot: dict) -> bool:
    return robot.get("silent_s", 0.0) * 1e9 > STALE_NS


def _block(robot: dict) -> str:
    """Lines of one robot: what it holds, and one line per camera."""
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
        behind_s, clock = camera["clock_behind"], ""
        if behind_s is not None and abs(behind_s) > 1:
            clock = f", its clock {abs(behind_s):.1f} s {'behind' if behind_s > 0 else 'ahead'}"
        lines.append(
            f"  {camera['camera_id']:<10} {camera['frames']} frames in memory, {camera['sightings']} sightings, "
            f"{span}{clock}"
        )
    return "\n".join(lines)


def _robot(status, cameras: list[dict], leaving: bool = False, claims: int = 1, silent_s: float | None = None) -> dict:
    """One robot as JSON prints it.

    :param status: a stored ``HistoryStatus``, or the message of that name.
    :param silent_s: since its last heartbeat; None: stored.
    """
    robot = {name: getattr(status, name) for name in ("robot_id", "model_id", "sightings", "disk_bytes")}
    silence = {} if silent_s is None else {"silent_s": silent_s}
    return {**robot, "leaving": leaving, "claims": claims, **silence, "cameras": cameras}


def _camera(camera, oldest_ns: int | None, newest_ns: int | None, clock_behind_s: float = math.nan) -> dict:
    return {
        **{name: getattr(camera, name) for name in ("camera_id", "frames", "sightings")},
        "oldest": (oldest_ns or 0) / 1e9,
        "newest": (newest_ns or 0) / 1e9,
        "clock_behind": None if math.isnan(clock_behind_s) else clock_behind_s,
    }
