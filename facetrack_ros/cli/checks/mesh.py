"""Checks of discovery and of the robots on the mesh."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

from facetrack_ros.cli.checks.check_result import ERROR, OK, WARNING, CheckResult
from facetrack_ros.cli.checks.network import check_firewall
from facetrack_ros.nodes.base.transports import describe_transports

# How long another process on this machine may take to be discovered: far more than it does.
DISCOVERY_S = 8.0
_PEER = """
import sys, rclpy
from std_msgs.msg import Empty
rclpy.init(args=[])
node = rclpy.create_node("facetrack_doctor_peer")
publisher = node.create_publisher(Empty, sys.argv[1], 1)
sys.stdin.read()
"""
# Group and port of DDS discovery in domain 0 (DDSI-RTPS 2.5, 9.6.1).
_GROUP, _PORT = "239.255.0.1", 7400
# Difference from which clocks are reported: facetrack status does, too.
_CLOCK_S = 1.0


def check_domain() -> Iterator[CheckResult]:
    """Results on domain, multicast and firewall, as the environment is before ROS is initialised."""
    yield _range()
    yield _multicast()
    yield from check_firewall()


def check_mesh(mesh: str, robot: str = "") -> Iterator[CheckResult]:
    """Results on discovery and robots.

    :param robot: name that a robot started here will have; empty: none.
    """
    from facetrack_ros.client.fleet_client import FleetClient

    with FleetClient(mesh=mesh) as client:
        yield CheckResult(OK, "transports", describe_transports(os.environ))
        yield _discovery(client)
        missing = client.wait_for_heartbeats(DISCOVERY_S)
        entries = client.entries()
        if missing:
            advice = "does a firewall drop UDP? see docs/guides/several_robots.md"
            yield CheckResult(
                ERROR, "mesh", f"{missing} robots are discovered, but no heartbeat of them arrives", advice
            )
        if not entries:
            yield CheckResult(OK, "mesh", f"no robot on {mesh}")
        for entry in entries:
            yield _robot(entry)
            yield from _clocks(client, entry)
            if entry.robot_id == robot and not entry.left and not entry.stale:
                advice = "give each robot its own name: --robot, or robot_id"
                yield CheckResult(ERROR, "mesh", f"a robot called {robot} is running already", advice)


def _range() -> CheckResult:
    domain = os.environ.get("ROS_DOMAIN_ID") or "0"
    reach = os.environ.get("ROS_AUTOMATIC_DISCOVERY_RANGE") or "SUBNET"
    peers, server = os.environ.get("ROS_STATIC_PEERS"), os.environ.get("ROS_DISCOVERY_SERVER")
    found = f"ROS_DOMAIN_ID {domain}, discovery range {reach}"
    found += f", static peers {peers}" if peers else ""
    found += f", discovery server {server}" if server else ""
    if reach == "OFF" or (reach == "LOCALHOST" and not peers and not server):
        return CheckResult(
            WARNING, "domain", found, "robots on other machines are not found: set SUBNET, or ROS_STATIC_PEERS"
        )
    return CheckResult(OK, "domain", found)


def _clocks(client, entry) -> Iterator[CheckResult]:
    """The cameras of a robot whose clocks differ from the robot's."""
    for instance in entry.instances:
        for camera in client.heartbeat(entry.robot_id, instance).cameras:
            behind_s = camera.clock_behind_s
            if abs(behind_s) > _CLOCK_S:  # not of NaN, unknown
                how = f"{abs(behind_s):.1f} s {'behind' if behind_s > 0 else 'ahead of'}"
                yield CheckResult(
                    WARNING,
                    "clock",
                    f"the images of {entry.robot_id}/{camera.camera_id} are stamped {how} the robot's clock",
                    "run an NTP or PTP client on the computer of the camera, or let its driver stamp on arrival",
                )


def _multicast() -> CheckResult:
    """Whether this machine has a route for the group of DDS discovery; the datagram does not leave the machine."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 0)
        try:
            sender.sendto(b"", (_GROUP, _PORT))
        except OSError as error:
            advice = (
                "connect a network whose interface has multicast on, or set ROS_STATIC_PEERS or ROS_DISCOVERY_SERVER"
            )
            return CheckResult(WARNING, "multicast", f"{_GROUP} cannot be reached: {error.strerror}", advice)
    return CheckResult(OK, "multicast", f"there is a route to {_GROUP}")


def _discovery(client) -> CheckResult:
    """Whether this process discovers another one on this machine."""
    topic = f"{client.mesh}/doctor_{os.getpid()}"
    peer = subprocess.Popen(
        [sys.executable, "-c", _PEER, topic], stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    began_s = time.monotonic()
    try:
        while time.monotonic() - began_s < DISCOVERY_S and peer.poll() is None:
            if client.node.count_publishers(topic):
                took = time.monotonic() - began_s
                return CheckResult(
                    OK, "discovery", f"another process on this machine was discovered within {took:.1f} s"
                )
            time.sleep(0.05)
    finally:
        ended = peer.poll() is not None
        peer.kill()
        said = peer.communicate()[1].strip().splitlines()
    if ended:
        return CheckResult(ERROR, "discovery", f"a second process cannot start ROS: {said[-1] if said else 'it ended'}")
    advice = "does a firewall drop UDP on the loopback interface? is the user allowed to use /dev/shm?"
    return CheckResult(
        ERROR, "discovery", f"another process on this machine is not discovered within {DISCOVERY_S:g} s", advice
    )


def _robot(entry) -> CheckResult:
    name = entry.robot_id
    claims = max(entry.claims, len(entry.instances))
    if claims > 1:
        return CheckResult(ERROR, "mesh", f"{claims} robots are called {name}", "give each its own name")
    if entry.left:
        return CheckResult(OK, "mesh", f"{name} has left")
    if entry.told_by:
        advice = "is it switched on, and does a firewall stand between?"
        return CheckResult(WARNING, "mesh", f"{name} is known to {entry.told_by} and not heard here", advice)
    if entry.stale:
        return CheckResult(WARNING, "mesh", f"{name} is silent for {entry.silent_ns / 1e9:.0f} s", "is it switched on?")
    return CheckResult(OK, "mesh", f"{name} is heard, model {entry.model_id or 'not loaded yet'}")
