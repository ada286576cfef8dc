"""The folder of keys: where programs find the fleet file, their own key, and the founding key."""

import os
from pathlib import Path

from facetrack_ros.errors import ConfigError
from facetrack_ros.security.fleet_file import FOUNDER, FleetFile
from facetrack_ros.security.keys import Identity
from facetrack_ros.security.membership import Membership

#: Environment variable that names the folder.
KEYS_VARIABLE = "FACETRACK_KEYS"
#: Value of ``security.fleet_file`` for an open mesh, whatever the folder holds.
OPEN = "open"
_FLEET_FILE = "fleet.yaml"


class KeysFolder:
    """A folder of keys.

    :param path: empty: that of :data:`KEYS_VARIABLE`, else ``~/.config/facetrack``.
    """

    def __init__(self, path: str | Path = ""):
        given = path or os.environ.get(KEYS_VARIABLE, "")
        self.path = Path(given).expanduser() if given else Path.home() / ".config" / "facetrack"

    @property
    def fleet_path(self) -> Path:
        """Where the fleet file is."""
        return self.path / _FLEET_FILE

    def key_path(self, name: str) -> Path:
        """Where the private key of a name is."""
        return self.path / f"{name}.key"

    def public_path(self, name: str) -> Path:
        """Where the public key of a name is, for the machine of the founding key."""
        return self.path / f"{name}.pub"

    def founder(self) -> Identity:
        """The founding key.

        :raises ConfigError: it is not in this folder.
        """
        path = self.key_path(FOUNDER)
        if not path.exists():
            raise ConfigError(f"the key that founded the fleet is not here ({path}): run this where `fleet init` ran")
        return Identity.read(path)

    def own_keys(self) -> list[str]:
        """Names of the private keys in the folder, but for the founding key."""
        return sorted(path.stem for path in self.path.glob("*.key") if path.stem != FOUNDER)

    def operator(self, fleet: FleetFile) -> str:
        """The operator of the fleet whose key is in this folder.

        :raises ConfigError: there is none, or there are several.
        """
        operators = {member.name for member in fleet.of_kind("operator")}
        found = [name for name in self.own_keys() if name in operators]
        if len(found) == 1:
            return found[0]
        if found:
            raise ConfigError(f"{self.path} has the keys of {' and '.join(found)}: name one with security.key_file")
        raise ConfigError(
            f"{self.path} has no key of an operator of the fleet {fleet.name}: facetrack fleet join --operator NAME"
        )


def membership_of(fleet_file: str, key_file: str, robot: str = "") -> Membership | None:
    """The membership of a robot, or of this machine's operator; None: the mesh is open.

    :param fleet_file: the setting ``security.fleet_file``; empty: that of the folder of keys, where there is one.
    :param key_file: the setting ``security.key_file``; empty: the robot's or operator's in the folder of keys.
    :param robot: its name; empty: an operator.
    :raises ConfigError: there is a fleet file, and it or the key cannot be used.
    """
    if fleet_file == OPEN:
        return None
    folder = KeysFolder()
    path = Path(fleet_file).expanduser() if fleet_file else folder.fleet_path
    if not fleet_file and not os.path.lexists(path):
        return None
    fleet = FleetFile.read(path)
    if key_file:
        identity = Identity.read(Path(key_file).expanduser())
    else:
        identity = Identity.read(folder.key_path(robot or folder.operator(fleet)))
    if robot and identity.name != robot:
        raise ConfigError(f"the key is that of {identity.name}, and the robot is called {robot}")
    member = fleet.by_name.get(identity.name)
    if member is not None and member.is_robot != bool(robot):
        kind = "a robot" if member.is_robot else "an operator"
        raise ConfigError(f"{identity.name} is {kind} of the fleet {fleet.name}: a key of the other kind is needed")
    return Membership(path, identity)


def mesh_sentence(membership: Membership | None) -> str:
    """One line for every start and ``facetrack status``: who may take part in the mesh."""
    if membership is None:
        return (
            "the mesh is open: every program on this network may search, enrol and decide, and read what robots share; "
            "facetrack fleet init closes it"
        )
    fleet = membership.fleet
    counts = f"{_counted(len(fleet.of_kind('robot')), 'robot')}, {_counted(len(fleet.of_kind('operator')), 'operator')}"
    problem = f"; {membership.problem}" if membership.problem else ""
    return f"the mesh is closed: fleet {fleet.name}, version {fleet.version} ({counts}), as {membership.name}{problem}"


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
