"""Transports of Fast DDS for this process: without shared memory where that costs no images."""

from collections.abc import MutableMapping
from pathlib import Path

#: Variable of Fast DDS that names its transports; ``DEFAULT`` is UDP and shared memory.
TRANSPORTS = "FASTDDS_BUILTIN_TRANSPORTS"
#: Variables of Fast DDS 3 and 2 that name a file of profiles.
PROFILES = ("FASTDDS_DEFAULT_PROFILES_FILE", "FASTRTPS_DEFAULT_PROFILES_FILE")
#: How far discovery reaches.
RANGE = "ROS_AUTOMATIC_DISCOVERY_RANGE"
#: Profile of UDP on the loopback interface.
LOOPBACK = Path(__file__).with_name("fastdds_loopback.xml")
_UDP = "UDPv4"
_FILES = ("DEFAULT_FASTDDS_PROFILES.xml", "DEFAULT_FASTRTPS_PROFILES.xml")
_PEERS = ("ROS_STATIC_PEERS", "ROS_DISCOVERY_SERVER")


def choose_transports(
    environment: MutableMapping[str, str], middleware: str, images: bool, folder: Path | str = "."
) -> None:
    """Turn the shared memory of Fast DDS off, unless the environment or an XML profile of Fast DDS decides.

    That memory is readable by every user of the machine, and its files outlive a killed process, after which others may
    get no messages (eProsima/Fast-DDS, issues 5053 and 5469).

    - For the discovery range ``LOCALHOST`` ROS sets transports of its own, with shared memory. There, unless peers are
      named, the range becomes ``SYSTEM_DEFAULT`` with the profile :data:`LOOPBACK`, which binds to the loopback
      interface only, and finds and is found by nodes that ROS keeps to this machine.
    - Elsewhere a process without images uses UDP. One with images keeps what the middleware does: over UDP, images of
      200 kB and more that a driver sends at best effort are lost (``docs/measurements/images.md``).

    :param environment: of this process, before ROS is initialised.
    :param middleware: identifier of the ROS middleware.
    :param images: whether the process may receive images of other processes.
    :param folder: in which Fast DDS looks for a profile.
    """
    profiles = {environment[name] for name in PROFILES if environment.get(name)} - {str(LOOPBACK)}
    transports = environment.get(TRANSPORTS) or _UDP
    here = Path(folder)
    if not middleware.startswith("rmw_fastrtps") or profiles or transports != _UDP:
        return
    if any((here / name).exists() for name in _FILES):
        return
    if environment.get(RANGE, "").upper() != "LOCALHOST":
        if not images and not any(environment.get(name) for name in PROFILES):
            environment[TRANSPORTS] = _UDP
    elif not any(environment.get(name) for name in _PEERS) and LOOPBACK.exists():
        environment.pop(TRANSPORTS, None)
        environment[RANGE] = "SYSTEM_DEFAULT"
        environment.update(dict.fromkeys(PROFILES, str(LOOPBACK)))


def describe_transports(environment: MutableMapping[str, str]) -> str:
    """What :func:`choose_transports` has left in an environment, in words."""
    profile = next((environment[name] for name in PROFILES if environment.get(name)), "")
    if profile == str(LOOPBACK):
        return "UDP on this machine only"
    return f"as {profile} says" if profile else environment.get(TRANSPORTS) or "the middleware's own"
