"""The key that the files of one folder are encrypted with, and the keys derived from it."""

import re
from collections import OrderedDict
from threading import Lock

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

#: Bytes of a data key, and of the id of a file.
KEY_BYTES, ID_BYTES = 32, 16
NONCE_BYTES, TAG_BYTES = 12, 16
#: Ciphers kept in memory, chosen by hand; deriving one takes 20 µs.
_MOST_CIPHERS = 512
# What a name gets while a file is written, and when it is set aside.
_PASSING = re.compile(r"(\.part|\.new|\.damaged-\d+)+$")


class DataKey:
    """A secret of 32 random bytes; each file has a key of its own, of this one, the file's id and its name.

    So a file that is put in the place of another one cannot be read. The name is that of the file in its folder; what
    it is called while it is written, or after it was set aside, is the same. Thread-safe.

    :param secret: 32 bytes.
    """

    def __init__(self, secret: bytes) -> None:
        if len(secret) != KEY_BYTES:
            raise ValueError(f"a data key has {KEY_BYTES} bytes")
        self.secret = secret
        self._ciphers: OrderedDict[tuple[str, str, bytes], AESGCM] = OrderedDict()
        self._lock = Lock()

    def cipher(self, kind: str, name: str, file_id: bytes) -> AESGCM:
        """The cipher of one file.

        :param kind: of file, such as ``lines``.
        :param name: of the file.
        :param file_id: 16 random bytes that the file begins with.
        """
        place = kind, name, file_id
        with self._lock:
            cipher = self._ciphers.get(place)
            if cipher is None:
                info = f"file 1 {kind} {_PASSING.sub('', name)}"
                cipher = self._ciphers[place] = AESGCM(self._derived(info, file_id))
                if len(self._ciphers) > _MOST_CIPHERS:
                    self._ciphers.popitem(last=False)
            return cipher

    @property
    def of_databases(self) -> str:
        """The key of SQLite files, 64 hexadecimal digits."""
        return self._derived("sqlite 1", b"").hex()

    def _derived(self, info: str, salt: bytes) -> bytes:
        return HKDF(SHA256(), KEY_BYTES, salt or None, f"facetrack {info}".encode()).derive(self.secret)
