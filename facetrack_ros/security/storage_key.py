"""The key of a robot's stored files: where it comes from, and the data key that it wraps in each folder.

The files of a folder are encrypted with a data key of its own, which stands in ``storage-key.json`` of the folder,
encrypted with the key that is kept outside. To change that key, only this small file is written anew; to make a whole
folder unreadable, it is overwritten.
"""

import base64
import binascii
import json
import os
import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from facetrack_ros.bounded_file import open_regular, read_bounded
from facetrack_ros.core.disk.overwriting import replace_file, shred, sync_folder
from facetrack_ros.core.sealed_files.data_key import KEY_BYTES, NONCE_BYTES, DataKey
from facetrack_ros.core.sealed_files.folder_keys import NOTE, known_key, set_key, use_unlock
from facetrack_ros.errors import ConfigError, StoreError, store_errors

#: File of a folder with its data key, encrypted.
WRAPPED = "storage-key.json"
#: Environment variable that names the key, as the setting ``storage.key_file`` does.
VARIABLE = "FACETRACK_STORAGE_KEY"
#: Name of the credential that systemd hands over (``LoadCredential=``).
CREDENTIAL = "facetrack-storage"
OFF, KEY = "off", "key"
_HEAD = "facetrack-storage-key-1"
_MOST_BYTES = 4096
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_SALT_BYTES = 16


@dataclass(frozen=True)
class StorageKey:
    """The key that wraps data keys.

    :param secret: 32 random bytes.
    :param source: where it came from, for messages.
    :param path: its file; None: it came from a descriptor.
    """

    secret: bytes
    source: str
    path: Path | None = None

    @property
    def id(self) -> str:
        """A name of the key that tells nothing of it, 16 hexadecimal digits."""
        return _derived(self.secret, b"", "key id", 8).hex()

    @classmethod
    def read(cls, source: str) -> "StorageKey":
        """Read a key.

        :param source: of a file that its owner alone may use, or ``fd:N``, a descriptor that is open for reading.
        :raises ConfigError: it cannot be read, other users may use it, or it is no key.
        """
        if source.startswith("fd:"):
            return cls(_secret(_read_descriptor(source), source), source)
        path = Path(source).expanduser()
        try:
            with open_regular(path) as file:
                state = os.fstat(file.fileno())
                content = file.read(_MOST_BYTES + 1)
        except OSError as error:
            raise ConfigError(f"the storage key {path} cannot be read: {error.strerror or error}") from error
        handed_over = path.parent == _credentials()
        if stat.S_IMODE(state.st_mode) & _OTHERS and not handed_over:
            mode = stat.S_IMODE(state.st_mode)
            raise ConfigError(f"other users may use the storage key {path} (mode {mode:04o}): chmod 600 it")
        return cls(_secret(content, str(path)), str(path), path.resolve())

    @staticmethod
    def create(path: Path) -> "StorageKey":
        """Write a new key into a file that is not there yet.

        :raises StoreError: it is there, or cannot be written.
        """
        secret = os.urandom(KEY_BYTES)
        with store_errors(f"cannot write the storage key {path}"):
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with open(path, "x", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
                file.write(f"{_HEAD}:{base64.b64encode(secret).decode()}\n")
                file.flush()
                os.fsync(file.fileno())
            sync_folder(path.parent)
        return StorageKey(secret, str(path), path.resolve())

    def wrap(self, key: DataKey) -> dict[str, Any]:
        """A data key, encrypted."""
        salt, nonce = os.urandom(_SALT_BYTES), os.urandom(NONCE_BYTES)
        cipher = AESGCM(_derived(self.secret, salt, "wrap", KEY_BYTES))
        wrapped = nonce + cipher.encrypt(nonce, key.secret, self.id.encode())
        return {
            "format": 1,
            "key_id": self.id,
            "salt": base64.b64encode(salt).decode(),
            "wrapped": base64.b64encode(wrapped).decode(),
        }

    def unwrap(self, folder: Path, values: dict[str, Any]) -> DataKey:
        """The data key of :meth:`wrap`.

        :raises StoreError: it is another key's, or damaged.
        """
        if values.get("key_id") != self.id:
            wanted = f"{folder} is encrypted with the storage key {values.get('key_id')}"
            raise StoreError(f"{wanted}, and {self.source} is the key {self.id}: give the right one")
        try:
            salt, wrapped = (base64.b64decode(str(values[name]), validate=True) for name in ("salt", "wrapped"))
            cipher = AESGCM(_derived(self.secret, salt, "wrap", KEY_BYTES))
            return DataKey(cipher.decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], self.id.encode()))
        except (InvalidTag, ValueError, KeyError, binascii.Error) as error:
            raise StoreError(
                f"{folder / WRAPPED} is damaged, and nothing in that folder can be read without it: put it back from a "
                "backup"
            ) from error


class _Source:
    """What the settings of this process say of the key."""

    def __init__(self) -> None:
        self.encryption: str | None = None
        self.key_file = ""
        self._read: tuple[StorageKey, ...] = ()

    def use(self, encryption: str | None, key_file: str) -> None:
        if (encryption, key_file) != (self.encryption, self.key_file):
            self.encryption, self.key_file, self._read = encryption, key_file, ()

    def key(self, folder: Path) -> StorageKey:
        """
        :raises StoreError: no key is named, or it stands within the data folder.
        :raises ConfigError: it cannot be read.
        """
        needed = _key_id(folder)
        if not self._read:
            named = self.key_file or os.environ.get(VARIABLE, "") or _credential()
            if not named:
                wanted = f"the storage key {needed}" if needed else "a storage key"
                advice = "" if needed else "; `facetrack storage key FILE` makes one"
                raise StoreError(f"{folder} needs {wanted}: name its file with storage.key_file or {VARIABLE}{advice}")
            self._read = _keys_of(named)
        key = next((each for each in self._read if each.id == needed), self._read[0])
        if len(self._read) > 1 and key.id != needed:
            named = str(self._read[0].path.parent) if self._read[0].path else ""
            wanted = f"{folder} needs the storage key {needed}" if needed else f"{folder} is new"
            raise StoreError(f"{wanted}, and {named} holds {len(self._read)} others: name the file of one")
        path = key.path
        if path is not None and path.is_relative_to(folder.resolve().parent):
            raise StoreError(
                f"the storage key {path} is in the data folder {folder.parent}, where it protects nothing: move it to "
                "another folder, or better to another medium"
            )
        return key


def _keys_of(named: str) -> tuple[StorageKey, ...]:
    """The key of a file or descriptor, or those of a folder of files ``*.key``.

    :raises ConfigError: one cannot be read, or there is none.
    """
    folder = Path(named).expanduser()
    if named.startswith("fd:") or not folder.is_dir():
        return (StorageKey.read(named),)
    keys = tuple(StorageKey.read(str(path)) for path in sorted(folder.glob("*.key")))
    if not keys:
        raise ConfigError(f"there is no storage key in {folder}: it holds no file *.key")
    return keys


_source = _Source()


def use_storage_settings(encryption: str | None, key_file: str) -> None:
    """Say how this process stores files.

    :param encryption: of the setting ``storage.encryption``; None: as each folder is.
    :param key_file: of the setting ``storage.key_file``.
    """
    _source.use(encryption, key_file)


def encryption_set() -> str | None:
    """What the settings of this process say of new folders; None: nothing."""
    return _source.encryption


def storage_key(folder: Path) -> StorageKey:
    """The key that the settings name, for a robot's folder.

    :raises StoreError: no key is named, or it stands within the data folder.
    :raises ConfigError: it cannot be read.
    """
    return _source.key(folder)


def unlock(folder: Path) -> DataKey | None:
    """The data key of a robot's folder; None: it is not encrypted.

    :raises StoreError: it is encrypted, and its key is not at hand, another one, or was destroyed.
    """
    if not is_encrypted(folder):
        return None
    values = _wrapped(folder)
    if values is None:
        raise StoreError(
            f"the data key of {folder} was destroyed, so that nothing in it can be read: delete the folder to "
            "begin anew"
        )
    return storage_key(folder).unwrap(folder, values)


def is_encrypted(folder: Path) -> bool:
    """Whether a robot's folder is encrypted, as its ``robot.json`` says, or where that is gone its key."""
    with suppress(OSError, ValueError, RecursionError):
        values = json.loads(read_bounded(folder / NOTE, _MOST_BYTES))
        if isinstance(values, dict):
            return values.get("encryption") == KEY
    return (folder / WRAPPED).exists()


def begin_encryption(folder: Path) -> None:
    """Give a robot's folder a data key if it has none.

    :raises StoreError: the key is not at hand, or the disk refuses.
    """
    place = folder / WRAPPED
    if not place.exists():
        key = known_key(folder) or DataKey(os.urandom(KEY_BYTES))  # that of a folder deleted while a robot runs
        draft = folder / f"{WRAPPED}.{os.getpid()}.new"
        with store_errors(f"cannot write {place}", "make room or check the permissions"):
            try:
                draft.write_text(json.dumps(storage_key(folder).wrap(key)) + "\n")
                with suppress(FileExistsError):  # of another process of the robot, which was faster
                    os.link(draft, place)
            finally:
                draft.unlink(missing_ok=True)
            sync_folder(folder)
    values = _wrapped(folder)
    if values is None:
        raise StoreError(f"cannot read {place}")
    set_key(folder, storage_key(folder).unwrap(folder, values))


def change_key(folder: Path, old: StorageKey, new: StorageKey) -> None:
    """Encrypt a folder's data key with another key; its files stay as they are.

    :raises StoreError: ``old`` is not its key, the data key was destroyed, or the disk refuses.
    """
    values = _wrapped(folder)
    if values is None:
        raise StoreError(f"the data key of {folder} was destroyed")
    text = json.dumps(new.wrap(old.unwrap(folder, values))).encode() + b"\n"
    with store_errors(f"cannot write {folder / WRAPPED}", "make room or check the permissions"):
        replace_file(folder / WRAPPED, lambda file: file.write(text))


def destroy_key(folder: Path) -> None:
    """Overwrite and delete the data key of a folder: nothing in it can be read any more.

    :raises StoreError: the disk refuses.
    """
    with store_errors(f"cannot destroy {folder / WRAPPED}"):
        shred(folder / WRAPPED)
        sync_folder(folder)
    set_key(folder, None)


def wrapped_with(folder: Path) -> str:
    """The id of the key that a folder needs; empty: its data key was destroyed."""
    values = _wrapped(folder)
    return str(values.get("key_id")) if values is not None else ""


def _key_id(folder: Path) -> str:
    with suppress(StoreError):
        return wrapped_with(folder)
    return ""


def _wrapped(folder: Path) -> dict[str, Any] | None:
    path = folder / WRAPPED
    if not path.exists():
        return None
    with store_errors(f"cannot read {path}", "check its permissions"):
        content = read_bounded(path, _MOST_BYTES)
    try:
        values = json.loads(content)
    except (ValueError, RecursionError):
        values = None
    return values if isinstance(values, dict) else {"key_id": "(damaged)"}


def _read_descriptor(source: str) -> bytes:
    try:
        number = int(source[3:])
        content = b""
        while len(content) <= _MOST_BYTES and (part := os.read(number, _MOST_BYTES)):
            content += part
    except (ValueError, OSError) as error:
        raise ConfigError(f"the storage key cannot be read from {source}: {error}") from error
    return content


def _credentials() -> Path | None:
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    return Path(folder) if folder else None


def _credential() -> str:
    folder = _credentials()
    return str(folder / CREDENTIAL) if folder is not None and (folder / CREDENTIAL).exists() else ""


def _secret(content: bytes, source: str) -> bytes:
    head, _, text = content.strip().partition(b":")
    with suppress(binascii.Error, ValueError):
        secret = base64.b64decode(text, validate=True)
        if head == _HEAD.encode() and len(secret) == KEY_BYTES:
            return secret
    raise ConfigError(f"{source} is no storage key, or is damaged; `facetrack storage key FILE` makes one")


def _derived(secret: bytes, salt: bytes, info: str, length: int) -> bytes:
    return HKDF(SHA256(), length, salt or None, f"facetrack storage {info} 1".encode()).derive(secret)


use_unlock(unlock)
