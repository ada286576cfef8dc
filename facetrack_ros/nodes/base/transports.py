"""Transports of Fast DDS for this process: UDP alone, unless the environment names others."""

from collections.abc import MutableMapping
from pathlib import Path

#: Variable of Fast DDS that names its transports; ``DEFAULT`` is UDP and shared memory.
TRANSPORTS = "FASTDDS_BUILTIN_TRANSPORTS"
_PROFILE_VARIABLES = ("FASTDDS_DEFAULT_PROFILES_FILE", "FASTRTPS_DEFAULT_PROFILES_FILE")
_PROFILES = ("DEFAULT_FASTDDS_PROFILES.xml", "DEFAULT_FASTRTPS_PROFILES.xml")


def choose_transports(environment: MutableMapping[str, str], folder: Path | str = ".") -> None:
    """Turn shared memory off, unless the environment or an XML profile of Fast DDS decides.

    The shared memory of Fast DDS is readable by every user of the machine, and frames with faces pass through it. Its
    files also outlive a killed process: a program that starts later gets old messages out of them, or none at all
    (eProsima/Fast-DDS, issues 5053 and 5469). Frames between two processes arrive as fast over UDP
    (``docs/measurements/images.md``).

    :param environment: of this process, before ROS is initialised.
    :param folder: in which Fast DDS looks for a profile.
    """
    if environment.get(TRANSPORTS) or any(environment.get(name) for name in _PROFILE_VARIABLES):
        return
    if not any((Path(folder) / name).exists() for name in _PROFILES):
        environment[TRANSPORTS] = "UDPv4"
