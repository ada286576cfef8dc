"""The option ``--keys``, and how public keys are passed on."""

import argparse
import hashlib
from pathlib import Path

from facetrack_ros.bounded_file import read_bounded_text
from facetrack_ros.errors import ConfigError, InvalidInput
from facetrack_ros.security.keys import Identity, PublicKeys
from facetrack_ros.security.keys_folder import KEYS_VARIABLE, KeysFolder
from facetrack_ros.security.permissions import PERMISSIONS

_MOST_BYTES = 1000


def add_keys_argument(parser: argparse.ArgumentParser) -> None:
    """Add ``--keys``."""
    parser.add_argument(
        "--keys",
        metavar="DIR",
        help=f"folder of the fleet file and of this machine's keys; default: {KEYS_VARIABLE} of the environment, or "
        "~/.config/facetrack",
    )


def keys_folder(arguments: argparse.Namespace) -> KeysFolder:
    """The folder of ``--keys``, or the usual one."""
    return KeysFolder(arguments.keys or "")


def parse_permissions(text: str) -> tuple[str, ...]:
    """Permissions separated by commas; ``all``: every one.

    :raises ConfigError: one is none.
    """
    named = [each.strip() for each in text.split(",") if each.strip()]
    if named == ["all"]:
        return tuple(PERMISSIONS)
    for each in named:
        if each not in PERMISSIONS:
            raise ConfigError(f"{each!r} is no permission; there are {', '.join(PERMISSIONS)}, and all")
    return tuple(named)


def fingerprint(keys: PublicKeys) -> str:
    """A short text that tells public keys apart, for people who compare them: 80 bits of SHA-256."""
    digest = hashlib.sha256(keys.signing + keys.sealing).hexdigest()[:20]
    return "-".join(digest[at : at + 4] for at in range(0, 20, 4))


def public_line(kind: str, identity: Identity) -> str:
    """The public keys of a robot or operator that wants to join, as one line."""
    return f"{kind} {identity.name} {identity.public.text}"


def read_public(path: str) -> tuple[str, str, PublicKeys]:
    """Kind, name and keys of a file with a :func:`public_line`.

    :raises ConfigError: it is none.
    """
    try:
        kind, name, keys = read_bounded_text(Path(path).expanduser(), _MOST_BYTES).split()
        if kind not in ("robot", "operator"):
            raise InvalidInput("it is neither robot nor operator")
        return kind, name, PublicKeys.of_text(keys)
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise ConfigError(f"{path} is not what `facetrack fleet join` writes") from error
