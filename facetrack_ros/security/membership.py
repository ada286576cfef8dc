"""A member's part in its fleet: signs and seals what it sends, checks and opens what comes."""

import hashlib
import secrets
import threading
from dataclasses import dataclass, replace
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from facetrack_ros.errors import ConfigError, InvalidInput
from facetrack_ros.security.fleet_file import FleetFile, Member
from facetrack_ros.security.keys import Identity
from facetrack_ros.security.sealing import open_sealed, seal
from facetrack_ros.security.signing import NONCE_BYTES, WINDOW_NS, ReplayGuard, canonical, check_window

#: Reader of what every member with the fleet key may read; no name of a member.
FLEET = "*"
#: Readers of what is signed and not sealed.
EVERYONE = ""
#: Permission of what only robots may send, and of what every member may.
ROBOTS_ONLY, ANY_MEMBER = "", "*"
_KIND = "envelope"
_CHECK_NS = 2_000_000_000


@dataclass(frozen=True)
class Envelope:
    """A signed message.

    :param signer: name of the member that signed it.
    :param reader: :data:`EVERYONE`, :data:`FLEET` or the one member that can read it.
    :param nonce: random, 16 bytes.
    :param issued_ns: when it was signed, by the signer's clock.
    :param answers: nonce of the request that it answers; empty: none.
    :param payload: the content; sealed unless it is for :data:`EVERYONE`.
    :param signature: of all that and of the subject: topic or service.
    """

    signer: str
    reader: str
    nonce: bytes
    issued_ns: int
    answers: bytes
    payload: bytes
    signature: bytes = b""

    def around(self, fleet: str, subject: str, payload: bytes = b"") -> bytes:
        """The canonical bytes of the envelope; of its payload, where that is given, they hold the SHA-256."""
        return canonical(
            _KIND,
            {
                "fleet": fleet,
                "subject": subject,
                "signer": self.signer,
                "reader": self.reader,
                "nonce": self.nonce,
                "issued_ns": self.issued_ns,
                "answers": self.answers,
                "payload": hashlib.sha256(payload).digest() if payload else b"",
            },
        )


class Membership:
    """A robot or operator in its fleet. Thread-safe.

    The fleet file is read again when it changes: members that it no longer names are refused from then on. A file of
    another fleet, an older one, or one that is damaged is not taken.

    :ivar identity: its keys.
    :ivar problem: why the fleet file on disk is not the one in use; empty: it is.
    """

    def __init__(self, path: Path, identity: Identity):
        """
        :raises ConfigError: the file cannot be used, or does not name this member with this key.
        """
        self._path, self.identity, self.problem = path, identity, ""
        self._lock = threading.Lock()
        self._stamp, self._checked_ns = _stamp(path), 0
        self._use(FleetFile.read(path))

    @property
    def name(self) -> str:
        """The member's name."""
        return self.identity.name

    @property
    def fleet(self) -> FleetFile:
        """The fleet file in use."""
        return self._fleet

    def _use(self, fleet: FleetFile) -> None:
        own = fleet.by_name.get(self.name)
        if own is None:
            raise ConfigError(f"the fleet {fleet.name} has no member called {self.name}: facetrack fleet join")
        if own.keys != self.identity.public:
            raise ConfigError(f"the fleet {fleet.name} knows {self.name} by another key: facetrack fleet join")
        try:
            key: X25519PrivateKey | None = fleet.open_fleet_key(self.identity)
        except InvalidInput as error:
            raise ConfigError(f"the fleet key in {self._path} is not sealed for {self.name}") from error
        self._fleet, self._own, self._fleet_key = fleet, own, key

    def refresh(self, now_ns: int) -> None:
        """Read the fleet file again if it has changed; every two seconds at most."""
        with self._lock:
            if 0 <= now_ns - self._checked_ns < _CHECK_NS:
                return
            self._checked_ns = now_ns
            stamp = _stamp(self._path)
            if stamp == self._stamp:
                return
            self._stamp = stamp
            try:
                new = FleetFile.read(self._path)
                if new.id != self._fleet.id:
                    raise ConfigError(f"{self._path} is of another fleet")
                if new.version < self._fleet.version:
                    raise ConfigError(f"{self._path} is older than the one in use")
                self._use(new)
                self.problem = ""
            except ConfigError as error:
                self.problem = f"{error}; version {self._fleet.version} stays in use"

    def wrap(self, subject: str, content: bytes, reader: str, now_ns: int, answers: bytes = b"") -> Envelope:
        """Sign a message, and seal it for its reader.

        :param subject: topic or service that it is sent on.
        :param reader: :data:`EVERYONE`, :data:`FLEET`, or a member's name.
        :raises InvalidInput: there is no such member.
        """
        self.refresh(now_ns)
        envelope = Envelope(self.name, reader, secrets.token_bytes(NONCE_BYTES), now_ns, bytes(answers), content)
        if reader != EVERYONE:
            sealed = seal(self._reader(reader), content, envelope.around(self._fleet.id, subject))
            envelope = replace(envelope, payload=sealed)
        signature = self.identity.sign(envelope.around(self._fleet.id, subject, envelope.payload))
        return replace(envelope, signature=signature)

    def _reader(self, name: str) -> X25519PublicKey:
        if name == FLEET:
            return self._fleet.fleet_sealing_key
        member = self._fleet.by_name.get(name)
        if member is None:
            raise InvalidInput(f"no member of the fleet is called {name}", "reader")
        return member.keys.sealing_key

    def is_for_another(self, envelope: Envelope) -> bool:
        """Whether only another member can read a message; it concerns this one in no way."""
        return envelope.reader not in (EVERYONE, FLEET, self.name)

    def unwrap(
        self, subject: str, envelope: Envelope, permission: str, now_ns: int, guard: ReplayGuard | None = None
    ) -> tuple[bytes, Member]:
        """The content of a message, and its signer.

        :param permission: that the signer needs; :data:`ROBOTS_ONLY`, :data:`ANY_MEMBER`.
        :param guard: against messages sent again; None: the message may be old, but not of the future.
        :raises InvalidInput: it is not signed by a member, was changed, is for another reader, was sent before, is too
            old, or its signer may not do that.
        """
        self.refresh(now_ns)
        if not envelope.signature:
            raise InvalidInput("it is not signed", "unsigned")
        member = self._fleet.by_name.get(envelope.signer)
        if member is None:
            raise InvalidInput("its signer is no member of the fleet", "member")
        around = envelope.around(self._fleet.id, subject, envelope.payload)
        if not member.keys.verify(envelope.signature, around):
            raise InvalidInput("its signature does not hold", "signature")
        if permission == ROBOTS_ONLY and not member.is_robot:
            raise InvalidInput(f"{member.name} is no robot", "permission")
        if permission not in (ROBOTS_ONLY, ANY_MEMBER) and not member.may_do(permission):
            raise InvalidInput(f"{member.name} may not {permission}", "permission")
        if guard is not None:
            guard.admit(member.name, envelope.nonce, envelope.issued_ns, now_ns)
        else:
            check_window(max(envelope.issued_ns, now_ns), now_ns)
        return self._opened(subject, envelope), member

    def _opened(self, subject: str, envelope: Envelope) -> bytes:
        if envelope.reader == EVERYONE:
            return envelope.payload
        if envelope.reader not in (FLEET, self.name):
            raise InvalidInput("it is sealed for another reader", "reader")
        key = self._fleet_key if envelope.reader == FLEET else self.identity.sealing_key
        if key is None:
            raise InvalidInput(f"{self.name} may not search, and has no key to what the fleet shares", "reader")
        return open_sealed(key, envelope.payload, envelope.around(self._fleet.id, subject))


def request_guard(now_ns: int) -> ReplayGuard:
    """A guard for requests, which also refuses those signed before it began: a process that starts again remembers none
    of them."""
    return ReplayGuard(WINDOW_NS, floor_ns=now_ns)


def _stamp(path: Path) -> tuple[int, int, int]:
    try:
        found = path.stat()
    except OSError:
        return 0, 0, 0
    return found.st_mtime_ns, found.st_size, found.st_ino
