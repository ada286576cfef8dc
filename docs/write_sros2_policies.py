"""Write config/sros2/: SROS2 policies of nodes and commands, from what they publish, subscribe and serve. Needs ROS 2.

    python docs/write_sros2_policies.py [--check]

Nodes and clients are constructed on an open mesh and in a fleet with a fleet file, and their endpoints are read. The
policies are of a robot `robot1`; `*` stands for a camera, and in those of commands for any robot. `--check` writes
nothing and lists the outdated files.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from write_node_pages import NODES

from facetrack_ros import msg, srv
from facetrack_ros.client.fleet_client import FleetClient
from facetrack_ros.client.fleet_requester import FleetRequester
from facetrack_ros.client.mesh_search import MeshSearch
from facetrack_ros.client.people_client import PeopleClient
from facetrack_ros.client.refusals import Refusals
from facetrack_ros.config import Config
from facetrack_ros.nodes.base.process import ros
from facetrack_ros.nodes.base.qos import SEARCH_RESULT_SUB
from facetrack_ros.nodes.camera_node import CameraNode
from facetrack_ros.nodes.overlay_node import OverlayNode
from facetrack_ros.nodes.robot_node import RobotNode
from facetrack_ros.security.fleet_file import OPERATOR, ROBOT, FleetFile
from facetrack_ros.security.keys import Identity
from facetrack_ros.security.permissions import PERMISSIONS

FOLDER = Path(__file__).resolve().parents[1] / "config" / "sros2"
ROBOT_NAME, CAMERA, OPERATOR_NAME = "robot1", "CAMERA", "operator"
#: Services that each command calls, besides what its clients make of themselves.
CALLS = {
    "status": (),
    "search": ((srv.FaceSearch, "face_search"),),
    "persons": (),
    "enroll": ((srv.EnrollFace, "enroll_face"),),
    "requests": (),
}

#: Topics of requests and of their answers.
ANSWERS = (("fleet/request", "fleet/receipt"), ("search/request", "search/result"))

#: Permitted names of one program, by what it does with them.
Permissions = dict[tuple[str, str], set[str]]


def endpoints(node: Any) -> Permissions:
    """What a node publishes, subscribes, serves and calls."""
    published = {publisher.topic_name for publisher in node.publishers}
    # Who asks subscribes the answers, while it asks.
    answers = {name.replace(*pair) for pair in ANSWERS for name in published if name.endswith(pair[0])}
    return {
        ("topics", "publish"): published,
        ("topics", "subscribe"): {subscription.topic_name for subscription in node.subscriptions} | answers,
        ("services", "reply"): {service.srv_name for service in node.services},
        ("services", "request"): {client.srv_name for client in node.clients},
    }


def joined(parts: Iterable[Permissions]) -> Permissions:
    """All that several nodes do."""
    found: Permissions = {}
    for part in parts:
        for what, names in part.items():
            found.setdefault(what, set()).update(names)
    return found


def node_permissions(config: Config) -> dict[str, Permissions]:
    """Of each node; that of ``robot``, in whose process all others run, has those of all."""
    found = {}
    for kind in NODES:
        own = {"camera_id": CAMERA, "source": "0"} if kind is CameraNode else {}
        node = kind(robot_id=ROBOT_NAME, cameras=(CAMERA,), config=config, **own)
        if kind is OverlayNode:  # it subscribes results while an overlay is watched
            topic = node.mesh_topic("search/result")
            node.create_subscription(msg.FaceSearchResult, topic, lambda _: None, SEARCH_RESULT_SUB)
        found[kind.NAME] = endpoints(node)
        node.end()
        node.destroy_node()
    found[RobotNode.NAME] = joined(found.values())
    return found


def command_permissions(config: Config) -> dict[str, Permissions]:
    """Of each command that takes part in the mesh."""
    found = {}
    for command, calls in CALLS.items():
        client = FleetClient(config=config) if command in ("status", "search") else PeopleClient(config=config)
        with client:
            fleet = client if isinstance(client, FleetClient) else client.fleet
            if command == "status":
                Refusals(fleet.node)
            if command == "search":
                MeshSearch(fleet, config, lambda *part: None)
                FleetRequester(fleet)
                for name, kind in (("search/result", msg.FaceSearchResult), ("face_search/parts", msg.FaceSearchPart)):
                    topic = f"/{ROBOT_NAME}/{name}" if name.endswith("parts") else fleet.node.mesh_topic(name)
                    fleet.node.create_subscription(kind, topic, lambda _: None, SEARCH_RESULT_SUB)
            for kind, name in calls:
                fleet.node.create_client(kind, f"/{ROBOT_NAME}/{name}")
            found[command] = endpoints(fleet.node)
    return found


def fleet_file(folder: Path) -> Path:
    """A fleet of the robot and an operator, with their keys."""
    founder = Identity.new("founder")
    fleet = FleetFile.new("fleet", founder)
    for name, kind, may in ((ROBOT_NAME, ROBOT, ()), (OPERATOR_NAME, OPERATOR, PERMISSIONS)):
        identity = Identity.new(name)
        identity.write(folder / f"{name}.key")
        fleet = fleet.with_member(founder, name, kind, identity.public, may)
    fleet.write(folder / "fleet.yaml", founder, time.time_ns())
    return folder / "fleet.yaml"


def policy(name: str, permissions: Permissions, command: bool) -> str:
    """The policy of a node or command."""
    asker = f"facetrack_asker_{os.getpid()}"
    lines = []
    for (kind, what), names in sorted(permissions.items()):
        shown = {each.replace(f"/{CAMERA}/", "/*/").replace(asker, "facetrack_asker_*") for each in names}
        if command:
            shown = {each.replace(f"/{ROBOT_NAME}/", "/*/") for each in shown}
        if shown:
            lines.append(f'          <{kind} {what}="ALLOW">')
            lines += [f"            <{kind[:-1]}>{escape(each)}</{kind[:-1]}>" for each in sorted(shown)]
            lines.append(f"          </{kind}>")
    path = f"/operators/{name}" if command else f"/{ROBOT_NAME}/{name}"
    profile = ("/", "facetrack_asker_*") if command else (f"/{ROBOT_NAME}", name)
    body = "\n".join(lines)
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<!-- Written by docs/write_sros2_policies.py. For another robot, replace {ROBOT_NAME} by its name. -->
<policy version="0.2.0">
  <enclaves>
    <enclave path="{path}">
      <profiles>
        <profile ns="{profile[0]}" node="{profile[1]}">
{body}
        </profile>
      </profiles>
    </enclave>
  </enclaves>
</policy>
"""


def policies() -> dict[str, str]:
    """All policies, by file name."""
    nodes, commands = [], []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        settings = {"data_dir": name, "autostart": False}
        for file in ("open", str(fleet_file(folder))):

            def config(member: str, file: str = file) -> Config:
                keys = {"security.fleet_file": file, "security.key_file": str(folder / f"{member}.key")}
                return Config(settings | keys)

            with ros([]):
                nodes.append(node_permissions(config(ROBOT_NAME)))
            commands.append(command_permissions(config(OPERATOR_NAME)))
    made = {}
    for found, command in ((nodes, False), (commands, True)):
        for each in found[0]:
            text = policy(each, joined(part[each] for part in found), command)
            made[f"facetrack_{each}.policy.xml" if command else f"{each}.policy.xml"] = text
    return made


def main() -> None:
    """Write or check the policies."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; exit code 1 where a file is outdated")
    arguments = parser.parse_args()
    os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    outdated = []
    FOLDER.mkdir(exist_ok=True)
    for name, text in policies().items():
        file = FOLDER / name
        if not file.is_file() or file.read_text() != text:
            outdated.append(name)
            if not arguments.check:
                file.write_text(text)
    state = "is outdated" if arguments.check else "is written"
    print("\n".join(f"config/sros2/{name} {state}" for name in outdated) or "all policies are up to date")
    sys.exit(1 if arguments.check and outdated else 0)


if __name__ == "__main__":
    main()
