"""Check of the network of this machine that needs no ROS."""

import os
from collections.abc import Iterator
from pathlib import Path

from facetrack_ros.cli.checks.check_result import WARNING, CheckResult

# First UDP port of DDS, and ports of a domain (DDSI-RTPS 2.5, 9.6.1).
_PORT, _PORTS_OF_A_DOMAIN = 7400, 250


def check_firewall(root: Path = Path("/")) -> Iterator[CheckResult]:
    """Whether a firewall is on that drops what other machines send, as far as a user may know.

    :param root: of the file system.
    """
    if (os.environ.get("ROS_AUTOMATIC_DISCOVERY_RANGE") or "SUBNET") in ("LOCALHOST", "OFF"):
        return  # nothing comes from other machines
    domain = os.environ.get("ROS_DOMAIN_ID") or "0"
    first = _PORT + _PORTS_OF_A_DOMAIN * (int(domain) if domain.isdigit() else 0)
    last = first + _PORTS_OF_A_DOMAIN - 1
    try:
        ufw = "ENABLED=yes" in (root / "etc/ufw/ufw.conf").read_text(errors="replace").split()
    except OSError:
        ufw = False
    if ufw:
        advice = f"sudo ufw allow proto udp from NETWORK to any port {first}:{last}, with the robots' network"
        yield CheckResult(WARNING, "firewall", "ufw is on, and by default drops what other robots send", advice)
    if (root / "run/firewalld").is_dir():
        advice = f"sudo firewall-cmd --permanent --add-port={first}-{last}/udp, then sudo firewall-cmd --reload"
        yield CheckResult(WARNING, "firewall", "firewalld is on, and by default drops what other robots send", advice)
