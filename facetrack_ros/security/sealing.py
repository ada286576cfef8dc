"""Sealed messages: encrypted for one reader, bound to the message around them.

An ephemeral X25519 key and the reader's give a secret, HKDF-SHA256 makes a key of it for this one message, and
ChaCha20-Poly1305 encrypts. As a key encrypts one message only, its nonce is zero.
"""

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from facetrack_ros.errors import InvalidInput
from facetrack_ros.security.keys import KEY_BYTES

_INFO = b"facetrack sealed 1"
_NONCE = bytes(12)
#: Bytes that a sealed message is longer than its content.
OVERHEAD_BYTES = KEY_BYTES + 16


def seal(reader: X25519PublicKey, content: bytes, around: bytes = b"") -> bytes:
    """Encrypt for the owner of a key.

    :param around: what the content belongs to; it opens only with the same.
    :returns: the ephemeral public key, then the ciphertext with its tag.
    """
    ephemeral = X25519PrivateKey.generate()
    public = ephemeral.public_key().public_bytes_raw()
    key = _key(ephemeral.exchange(reader), public, reader.public_bytes_raw())
    return public + ChaCha20Poly1305(key).encrypt(_NONCE, content, around)


def open_sealed(reader: X25519PrivateKey, sealed: bytes, around: bytes = b"") -> bytes:
    """The content of a sealed message.

    :raises InvalidInput: it is for another reader, was changed, or belongs to something else.
    """
    public = bytes(sealed[:KEY_BYTES])
    try:
        secret = reader.exchange(X25519PublicKey.from_public_bytes(public))
        key = _key(secret, public, reader.public_key().public_bytes_raw())
        return ChaCha20Poly1305(key).decrypt(_NONCE, bytes(sealed[KEY_BYTES:]), around)
    except (InvalidTag, ValueError) as error:  # of a short message, or a key that gives no secret
        raise InvalidInput("it is sealed for another reader, or was changed", "sealed") from error


def _key(secret: bytes, ephemeral: bytes, reader: bytes) -> bytes:
    return HKDF(hashes.SHA256(), KEY_BYTES, salt=ephemeral + reader, info=_INFO).derive(secret)
