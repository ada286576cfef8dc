"""The fleet file: which robots and operators belong to a fleet, their public keys, and what each operator may do.

YAML, readable by everyone, signed by the founding key: only ``facetrack fleet`` on the machine of that key changes it.
It also holds the private half of the fleet key, sealed for each member that may read what the fleet shares.
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from facetrack_ros.bounded_file import read_bounded_text
from facetrack_ros.core.validation import ros_name
from facetrack_ros.errors import ConfigError, InvalidInput, store_errors
from facetrack_ros.plain_yaml import load_yaml
from facetrack_ros.security.keys import KEY_BYTES, SIGNATURE_BYTES, Identity, PublicKeys, decoded, encoded
from facetrack_ros.security.permissions import PERMISSIONS
from facetrack_ros.security.sealing import OVERHEAD_BYTES, open_sealed, seal
from facetrack_ros.security.signing import sign, verify

ROBOT, OPERATOR = "robot", "operator"
#: Name of the key that signs the fleet file; no member may have it.
FOUNDER = "founder"
#: Most robots and operators of a fleet: as many as a roster holds, and as many operators.
MOST_MEMBERS = 1000
_FORMAT = "facetrack_fleet"
_HEAD = "# The robots and operators of a fleet. Signed: change it with `facetrack fleet`, not by hand.\n"


@dataclass(frozen=True)
class Member:
    """A robot or an operator of a fleet.

    :param kind: :data:`ROBOT` or :data:`OPERATOR`.
    :param may: permissions of an operator, of :data:`~facetrack_ros.security.permissions.PERMISSIONS`.
    :param fleet_key: private key of the fleet, sealed for this member; empty: it reads nothing that the fleet shares.
    """

    name: str
    kind: str
    keys: PublicKeys
    may: tuple[str, ...] = ()
    fleet_key: bytes = b""

    @property
    def is_robot(self) -> bool:
        """Whether it is a robot, which may do what operators asked of it."""
        return self.kind == ROBOT

    @property
    def reads(self) -> bool:
        """Whether it holds the fleet key: robots, and operators that may search."""
        return self.is_robot or "search" in self.may

    def may_do(self, permission: str) -> bool:
        """Whether an operator has a permission, or it is a robot."""
        return self.is_robot or permission in self.may


@dataclass(frozen=True)
class FleetFile:
    """A fleet.

    :param version: grows with each change.
    :param founder: public keys of the founding key.
    :param fleet_key: X25519 public key; what all members may read is sealed with it.
    :param founders_fleet_key: the private one, sealed for the founding key.
    """

    name: str
    version: int
    founder: PublicKeys
    fleet_key: bytes
    founders_fleet_key: bytes
    members: tuple[Member, ...] = ()
    changed: str = ""

    @classmethod
    def new(cls, name: str, founder: Identity) -> "FleetFile":
        """A fleet without members.

        :raises InvalidInput: the name is not possible.
        """
        private = X25519PrivateKey.generate()
        public = private.public_key().public_bytes_raw()
        own = _sealed(private, founder.public, FOUNDER)
        return cls(ros_name(name, "the fleet's name"), 0, founder.public, public, own)

    @property
    def id(self) -> str:
        """What tells this fleet from all others: its founding key."""
        return encoded(self.founder.signing)

    @cached_property
    def by_name(self) -> dict[str, Member]:
        """The members by name."""
        return {member.name: member for member in self.members}

    @cached_property
    def fleet_sealing_key(self) -> X25519PublicKey:
        """The fleet's public key as :mod:`.sealing` takes it."""
        return X25519PublicKey.from_public_bytes(self.fleet_key)

    def of_kind(self, kind: str) -> tuple[Member, ...]:
        """The robots, or the operators, by name."""
        return tuple(member for member in self.members if member.kind == kind)

    def open_fleet_key(self, identity: Identity) -> X25519PrivateKey | None:
        """The fleet's private key, for a member that has it; None: this one has not.

        :raises InvalidInput: the file was made for another key of that name.
        """
        member = self.by_name.get(identity.name)
        if member is None or not member.fleet_key:
            return None
        return _opened(member.fleet_key, identity, identity.name)

    def with_member(self, founder: Identity, name: str, kind: str, keys: PublicKeys, may: Iterable[str]) -> "FleetFile":
        """The file with one more member, or with another key or other permissions of a known one.

        :param founder: the founding key, which opens the fleet key.
        :raises InvalidInput: a name, key or permission that is not possible, or more members than :data:`MOST_MEMBERS`.
        """
        if name == FOUNDER:
            raise InvalidInput(f"no member can be called {FOUNDER}", "name")
        known = self.by_name.get(name)
        if known is not None and known.kind != kind:
            raise InvalidInput(f"{name} is {'a robot' if known.is_robot else 'an operator'} of this fleet", "name")
        if any(keys == member.keys for member in self.members if member.name != name):
            raise InvalidInput("another member of this fleet has that key", "key")
        may = tuple(permission for permission in PERMISSIONS if permission in may) if kind == OPERATOR else ()
        member = Member(ros_name(name, "the name"), kind, keys, may)
        if member.reads:
            member = replace(member, fleet_key=_sealed(_opened(self.founders_fleet_key, founder, FOUNDER), keys, name))
        members = sorted((*(each for each in self.members if each.name != name), member), key=_order)
        if len(members) > MOST_MEMBERS:
            raise InvalidInput(f"a fleet has at most {MOST_MEMBERS} members", "count")
        return replace(self, members=tuple(members))

    def without_member(self, name: str) -> "FleetFile":
        """The file without a member. The fleet gets a new key, so that the member reads nothing from now on.

        :raises InvalidInput: there is no such member.
        """
        if name not in self.by_name:
            raise InvalidInput(f"no member of this fleet is called {name}", "name")
        private = X25519PrivateKey.generate()
        members = tuple(
            replace(member, fleet_key=_sealed(private, member.keys, member.name) if member.reads else b"")
            for member in self.members
            if member.name != name
        )
        own = _sealed(private, self.founder, FOUNDER)
        public = private.public_key().public_bytes_raw()
        return replace(self, members=members, fleet_key=public, founders_fleet_key=own)

    def write(self, path: Path, founder: Identity, now_ns: int) -> "FleetFile":
        """Sign the next version and write it; an existing file is replaced at once or not at all. The version written.

        :raises ConfigError: the key is not the founding one.
        :raises StoreError: it cannot be written.
        """
        if founder.public != self.founder:
            raise ConfigError("this is not the key that founded the fleet")
        changed = datetime.fromtimestamp(now_ns // 10**9, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        new = replace(self, version=self.version + 1, changed=changed)
        tree = new._tree()
        tree["signature"] = encoded(sign(founder, _FORMAT, tree))
        partial = path.with_name(f".{path.name}.new")
        with store_errors(f"the fleet file {path} cannot be written"):
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with open(partial, "w") as file:
                file.write(_HEAD + yaml.safe_dump(tree, sort_keys=False))
                file.flush()
                os.fsync(file.fileno())
            partial.replace(path)
        return new

    @classmethod
    def read(cls, path: Path) -> "FleetFile":
        """Read a fleet file and check its signature.

        :raises ConfigError: it cannot be read, is damaged, or was changed by other means than the founding key.
        """
        try:
            tree = load_yaml(read_bounded_text(path))
            return cls._of_tree(tree)
        except OSError as error:
            raise ConfigError(f"the fleet file {path} cannot be read: {error.strerror or error}") from error
        except (InvalidInput, ValueError) as error:
            said = str(error) if isinstance(error, InvalidInput) else "it is not YAML"
            raise ConfigError(f"{path} is no fleet file, or was changed by hand: {said}") from error

    def _tree(self) -> dict[str, Any]:
        return {
            _FORMAT: 1,
            "name": self.name,
            "version": self.version,
            "changed": self.changed,
            "founder": self.founder.text,
            "founders_fleet_key": encoded(self.founders_fleet_key),
            "fleet_key": encoded(self.fleet_key),
            "members": [
                {
                    "name": member.name,
                    "kind": member.kind,
                    "keys": member.keys.text,
                    "may": list(member.may),
                    "fleet_key": encoded(member.fleet_key),
                }
                for member in self.members
            ],
        }

    @classmethod
    def _of_tree(cls, tree: Any) -> "FleetFile":
        if not isinstance(tree, dict) or tree.get(_FORMAT) != 1:
            raise InvalidInput(f"it does not begin with {_FORMAT}: 1")
        signature = decoded(tree.pop("signature", None), SIGNATURE_BYTES, "its signature")
        founder = PublicKeys.of_text(tree.get("founder"))
        try:
            if not verify(founder, _FORMAT, tree, signature):
                raise InvalidInput("its signature does not hold")
        except (TypeError, AttributeError) as error:
            raise InvalidInput("it holds what no fleet file holds") from error
        members = tuple(map(_member, _list(tree.get("members"))))
        if len({member.name for member in members}) < len(members):
            raise InvalidInput("a member is in it twice")
        version = tree.get("version")
        if not isinstance(version, int) or isinstance(version, bool) or version < 1:
            raise InvalidInput("its version is no number")
        return cls(
            ros_name(tree.get("name"), "the fleet's name"),  # type: ignore[arg-type]  # it checks the type
            version,
            founder,
            decoded(tree.get("fleet_key"), KEY_BYTES, "the fleet key"),
            decoded(tree.get("founders_fleet_key"), KEY_BYTES + OVERHEAD_BYTES, "the sealed fleet key"),
            members,
            str(tree.get("changed")),
        )


def _list(value: Any) -> list:
    if not isinstance(value, list) or len(value) > MOST_MEMBERS:
        raise InvalidInput("its members are no list")
    return value


def _member(tree: Any) -> Member:
    if not isinstance(tree, dict) or tree.get("kind") not in (ROBOT, OPERATOR):
        raise InvalidInput("a member is neither robot nor operator")
    may = tree.get("may")
    if not isinstance(may, list) or not all(isinstance(each, str) for each in may):
        raise InvalidInput("what a member may do is no list")
    name = ros_name(tree.get("name"), "a member's name")  # type: ignore[arg-type]  # it checks the type
    sealed = decoded(tree.get("fleet_key"), None, "a sealed fleet key")
    return Member(name, tree["kind"], PublicKeys.of_text(tree.get("keys")), tuple(may), sealed)


def _order(member: Member) -> tuple[bool, str]:
    return member.kind != ROBOT, member.name


def _sealed(private: X25519PrivateKey, reader: PublicKeys, name: str) -> bytes:
    try:
        return seal(reader.sealing_key, private.private_bytes_raw(), f"fleet key for {name}".encode())
    except ValueError as error:  # a key that gives no secret
        raise InvalidInput("that public key is none", "key") from error


def _opened(sealed: bytes, identity: Identity, name: str) -> X25519PrivateKey:
    return X25519PrivateKey.from_private_bytes(
        open_sealed(identity.sealing_key, sealed, f"fleet key for {name}".encode())
    )
