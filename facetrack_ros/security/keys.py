"""Keys of a robot, an operator or a fleet: one pair to sign, one to receive sealed messages."""

import base64
import binascii
import os
import stat
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from facetrack_ros.bounded_file import open_regular
from facetrack_ros.core.validation import ros_name
from facetrack_ros.errors import ConfigError, InvalidInput, store_errors
from facetrack_ros.plain_yaml import load_yaml

#: Bytes of a private or public key of either kind.
KEY_BYTES = 32
#: Bytes of a signature.
SIGNATURE_BYTES = 64
_FORMAT = "facetrack_key"
_MOST_BYTES = 10_000
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


@dataclass(frozen=True)
class PublicKeys:
    """What others need of a member: a key that checks its signatures, and one that seals what only it shall read.

    :param signing: Ed25519, 32 bytes.
    :param sealing: X25519, 32 bytes.
    """

    signing: bytes
    sealing: bytes

    def __post_init__(self):
        if len(self.signing) != KEY_BYTES or len(self.sealing) != KEY_BYTES:
            raise InvalidInput(f"a public key has {KEY_BYTES} bytes", "key")

    @cached_property
    def _verifier(self) -> Ed25519PublicKey:
        return Ed25519PublicKey.from_public_bytes(self.signing)

    @cached_property
    def sealing_key(self) -> X25519PublicKey:
        """The key as :mod:`.sealing` takes it."""
        return X25519PublicKey.from_public_bytes(self.sealing)

    def verify(self, signature: bytes, data: bytes) -> bool:
        """Whether a signature of the data was made with the private key that belongs to this one."""
        if len(signature) != SIGNATURE_BYTES:
            return False
        try:
            self._verifier.verify(signature, data)
        except InvalidSignature:
            return False
        return True

    @property
    def text(self) -> str:
        """Both keys in one word, for files and for people to pass on; :meth:`of_text` reads it."""
        return encoded(self.signing + self.sealing)

    @classmethod
    def of_text(cls, text: Any) -> "PublicKeys":
        """The keys of :attr:`text`.

        :raises InvalidInput: it is none.
        """
        both = decoded(text, 2 * KEY_BYTES, "a public key")
        return cls(both[:KEY_BYTES], both[KEY_BYTES:])


class Identity:
    """The private keys of a robot, an operator or the founder of a fleet.

    :ivar name: under which a fleet file has the public keys.
    :ivar public: the public keys.
    """

    def __init__(self, name: str, signing: bytes, sealing: bytes):
        """
        :param signing: Ed25519 private key, 32 bytes.
        :param sealing: X25519 private key, 32 bytes.
        """
        self.name = ros_name(name, "the key's name")
        self._signing = Ed25519PrivateKey.from_private_bytes(signing)
        self.sealing_key = X25519PrivateKey.from_private_bytes(sealing)
        self.public = PublicKeys(
            self._signing.public_key().public_bytes_raw(), self.sealing_key.public_key().public_bytes_raw()
        )

    @classmethod
    def new(cls, name: str) -> "Identity":
        """New random keys.

        :raises InvalidInput: the name is not possible.
        """
        signing, sealing = Ed25519PrivateKey.generate(), X25519PrivateKey.generate()
        return cls(name, signing.private_bytes_raw(), sealing.private_bytes_raw())

    def sign(self, data: bytes) -> bytes:
        """The Ed25519 signature of the data, 64 bytes."""
        return self._signing.sign(data)

    def write(self, path: Path) -> None:
        """Write a key file, readable by its owner only (0600); an existing file is never replaced.

        :raises StoreError: it cannot be written, or exists.
        """
        text = yaml.safe_dump(
            {
                _FORMAT: 1,
                "name": self.name,
                "signing": encoded(self._signing.private_bytes_raw()),
                "sealing": encoded(self.sealing_key.private_bytes_raw()),
            },
            sort_keys=False,
        )
        head = f"# Private key of {self.name}: who has this file can act in that name. Copy it nowhere.\n"
        with store_errors(f"the key file {path} cannot be written"):
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with open(path, "x", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
                file.write(head + text)
                file.flush()
                os.fsync(file.fileno())

    @classmethod
    def read(cls, path: Path) -> "Identity":
        """Read a key file.

        :raises ConfigError: it is missing, damaged, or other users may read or change it.
        """
        try:
            with open_regular(path) as file:
                mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
                content = file.read(_MOST_BYTES + 1)
        except OSError as error:
            raise ConfigError(f"the key file {path} cannot be read: {error.strerror or error}") from error
        if mode & _OTHERS:
            raise ConfigError(
                f"other users may use the key file {path} (mode {mode:04o}): chmod 600 it, and make a new key if they "
                "may have read it"
            )
        try:
            return cls._of_tree(load_yaml(content) if len(content) <= _MOST_BYTES else None)
        except (InvalidInput, ValueError) as error:
            raise ConfigError(f"{path} is no key file, or is damaged") from error

    @classmethod
    def _of_tree(cls, tree: Any) -> "Identity":
        if not isinstance(tree, dict) or tree.get(_FORMAT) != 1 or not isinstance(tree.get("name"), str):
            raise InvalidInput("it has not the fields of a key file", "key")
        keys = [decoded(tree.get(name), KEY_BYTES, "a private key") for name in ("signing", "sealing")]
        return cls(tree["name"], *keys)


def encoded(data: bytes) -> str:
    """Bytes in base64, for YAML and JSON."""
    return base64.b64encode(data).decode()


def decoded(text: Any, length: int | None, what: str) -> bytes:
    """The bytes of :func:`encoded`.

    :param length: that they must have; None: any.
    :raises InvalidInput: it is no text, no base64, or of another length.
    """
    try:
        data = base64.b64decode(text, validate=True) if isinstance(text, str) else None
    except (binascii.Error, ValueError):
        data = None
    if data is None or (length is not None and len(data) != length) or encoded(data) != text:
        raise InvalidInput(f"{what} is not written as it should be", "key")
    return data
