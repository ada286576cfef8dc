"""``facetrack status``: which robots are on the mesh, or what stored histories hold."""

import argparse
import json
import math
import sys
import time
from collections.abc import Sequence

from facetrack_ros.cli.console.plain_output import write_raw
from facetrack_ros.cli.exit_codes import DONE, NOTHING_FOUND, PARTIAL
from facetrack_ros.cli.mesh_option import add_mesh_argument, mesh_prefix
from facetrack_ros.core.utc import show_utc
from facetrack_ros.errors import ConfigError
from facetrack_ros.history.keeping_rules import KeepingRules
from facetrack_ros.search.fleet_roster import STALE_NS
from facetrack_ros.security.keys_folder import mesh_sentence

# Two heartbeats at 1 Hz, and the time discovery takes.
LISTEN_S = 2.5
# Longest wait for the heartbeats of robots that are discovered. Chosen by hand.
LONGEST_S = 10.0
_CLEAR = "\x1b[H\x1b[J"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the subcommand."""
    add = parser.add_argument
    add("--data", metavar="DIR", help="stored histories instead of the mesh, one folder per robot")
    add_mesh_argument(parser)
    add("--watch", action="store_true", help="print the mesh once a second, until Ctrl-C")
    add("--json", action="store_true", help="one JSON object per robot and line")


def run(arguments: argparse.Namespace) -> int:
    """Print one block per robot; return 0, 1: there is none, 3: a history cannot be used, or robots share a name."""
    if arguments.watch:
        if arguments.data:
            raise ConfigError("--watch is for running robots, not for --data")
        return _watch(arguments)
    missing, sentence, none = 0, "", "no history"
    if arguments.data:
        robots = _stored(arguments.data)
    else:
        from facetrack_ros.client.fleet_client import FIND_S, FleetClient
        from facetrack_ros.client.refusals import Refusals

        none = f"no robot on the mesh within {FIND_S:g} s"
        with FleetClient(mesh=mesh_prefix(arguments)) as client:
            refusals = Refusals(client.node)
            time.sleep(LISTEN_S)
            missing = client.wait_for_heartbeats(LONGEST_S)
            robots = _on_mesh(client, refusals)
            sentence = mesh_sentence(client.node.fleet)
    if sentence:
        print(sentence, file=sys.stderr if arguments.json else sys.stdout)
    for robot in robots:
        print(json.dumps(robot) if arguments.json else _block(robot))
    if not robots:
        print(none)
    if missing:
        print(f"not listed: {missing} more robots on the mesh, no heartbeat of which arrived", file=sys.stderr)
        return PARTIAL
    if not robots:
        return NOTHING_FOUND
    return PARTIAL if any(robot["error"] or robot["claims"] > 1 for robot in robots) else DONE


def _stored(folder: str) -> list[dict]:
    from facetrack_ros.search.offline.status import stored_status

    return [
        _robot(status, [_camera(camera, camera.oldest_ns, camera.newest_ns) for camera in status.cameras])
        for status in stored_status(folder)
    ]


def _on_mesh(client, refusals) -> list[dict]:
    from facetrack_ros.nodes.conversion.time import to_ns

    robots = []
    for entry in client.entries():
        # Heartbeats of an ended process do not reach a program that started later: those heard are of live robots.
        claims = max(entry.claims, len(entry.instances))
        for instance in entry.instances:
            line = client.heartbeat(entry.robot_id, instance)
            cameras = [
                _camera(camera, to_ns(camera.oldest), to_ns(camera.newest), camera.clock_behind_s)
                for camera in line.cameras
            ]
            others = [
                (each.model_id, each.sightings, to_ns(each.oldest), to_ns(each.newest)) for each in line.other_models
            ]
            robot = _robot(line, cameras, line.leaving, claims, round(entry.silent_ns / 1e9, 1), others)
            robot["audit"] = {
                "number": line.audit_number,
                "hash": line.audit_hash,
                "warnings": list(line.audit_warnings),
            }
            robots.append(robot | {"instance_id": instance, "refused": refusals.of(entry.robot_id)})
    return robots


def _watch(arguments: argparse.Namespace) -> int:
    """Print every robot once a second: on a terminal in place, else one after the other."""
    from facetrack_ros.client.fleet_client import FleetClient
    from facetrack_ros.client.refusals import Refusals

    with FleetClient(mesh=mesh_prefix(arguments)) as client:
        refusals = Refusals(client.node)
        while True:
            time.sleep(1.0)
            robots = _on_mesh(client, refusals)
            if arguments.json:
                print(json.dumps({"timestamp": time.time(), "robots": robots}), flush=True)
                continue
            present = sum(not robot["leaving"] and not _silent(robot) for robot in robots)
            count = f"{present} of {len(robots)} known robots are here" if robots else "no robot on the mesh yet"
            now = f"{show_utc(time.time_ns())} UTC  {count}"
            if sys.stdout.isatty():
                write_raw(_CLEAR)
            print("\n".join([now, mesh_sentence(client.node.fleet), *map(_block, robots)]), flush=True)


def _silent(robot: dict) -> bool:
    return robot.get("silent_s", 0.0) * 1e9 > STALE_NS


def _block(robot: dict) -> str:
    """Lines of one robot: what it holds, and one line per camera."""
    state = "  has left" if robot["leaving"] else f"  silent for {robot['silent_s']:.0f} s" if _silent(robot) else ""
    if robot["cameras"] or robot["sightings"]:
        held = f"{robot['sightings']} sightings by {robot['model_id'] or 'no model yet'}"
    else:
        held = "history not read" if robot["error"] else "nothing recorded"
    lines = [f"{robot['robot_id']}  {held}, {robot['disk_bytes'] / 1e6:.1f} MB on disk{state}"]
    if robot["error"]:
        lines.append(f"  {robot['error']}")
    lines += [
        f"  {other['sightings']} sightings of {other['model_id']}, {show_utc(round(other['oldest'] * 1e9))} to "
        f"{show_utc(round(other['newest'] * 1e9))} UTC, that searches do not compare: facetrack reindex"
        for other in robot["other_models"]
    ]
    if robot["rules"]:
        lines.append(f"  {robot['rules']['sentence']}")
    if robot["claims"] > 1:
        lines.append(f"  {robot['claims']} robots call themselves {robot['robot_id']}: give each its own name")
    audit = robot.get("audit")
    if audit is not None and audit["hash"]:
        lines.append(f"  audit log: record {audit['number']}, {audit['hash'][:16]}…")
        lines += [f"  {warning}" for warning in audit["warnings"]]
    lines += [
        f"  {node}: {', '.join(f'{name}: {count}' for name, count in counts.items())}"
        for node, counts in robot.get("refused", {}).items()
    ]
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


def _robot(
    status,
    cameras: list[dict],
    leaving: bool = False,
    claims: int = 1,
    silent_s: float | None = None,
    others: Sequence[tuple[str, int, int, int]] = (),
) -> dict:
    """One robot as JSON prints it.

    :param status: a stored ``HistoryStatus``, or the message of that name.
    :param silent_s: since its last heartbeat; None: stored.
    :param others: model, sightings, first and last stamp of what searches do not compare.
    """
    robot = {name: getattr(status, name) for name in ("robot_id", "model_id", "sightings", "disk_bytes", "error")}
    silence = {} if silent_s is None else {"silent_s": silent_s}
    names = ("model_id", "sightings", "oldest", "newest")
    models = [dict(zip(names, (model, count, first / 1e9, last / 1e9))) for model, count, first, last in others]
    rules = KeepingRules.of_json(status.rules) if isinstance(status.rules, str) else status.rules
    robot["rules"] = None if rules is None else {**rules.as_dict(), "sentence": rules.sentence}
    return {**robot, "leaving": leaving, "claims": claims, **silence, "other_models": models, "cameras": cameras}


def _camera(camera, oldest_ns: int | None, newest_ns: int | None, clock_behind_s: float = math.nan) -> dict:
    return {
        **{name: getattr(camera, name) for name in ("camera_id", "frames", "sightings")},
        "oldest": (oldest_ns or 0) / 1e9,
        "newest": (newest_ns or 0) / 1e9,
        "clock_behind": None if math.isnan(clock_behind_s) else clock_behind_s,
    }
