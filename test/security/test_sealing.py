"""Sealed messages open for their reader only, and unchanged only."""

import pytest

from facetrack_ros.errors import InvalidInput
from facetrack_ros.security.keys import Identity
from facetrack_ros.security.sealing import OVERHEAD_BYTES, open_sealed, seal


@pytest.fixture(scope="module")
def reader():
    return Identity.new("alice")


@pytest.mark.parametrize("content", [b"", b"x", bytes(100_000)])
def test_the_reader_opens_it(reader, content):
    sealed = seal(reader.public.sealing_key, content, b"around")
    assert len(sealed) == len(content) + OVERHEAD_BYTES
    assert open_sealed(reader.sealing_key, sealed, b"around") == content


def test_nobody_else_does(reader):
    sealed = seal(reader.public.sealing_key, b"content")
    with pytest.raises(InvalidInput):
        open_sealed(Identity.new("bob").sealing_key, sealed)


def test_the_same_content_is_never_sealed_alike(reader):
    assert len({seal(reader.public.sealing_key, b"content") for _ in range(20)}) == 20


def test_a_change_of_any_byte_or_of_what_is_around_is_found(reader):
    sealed = seal(reader.public.sealing_key, b"some content", b"around")
    for index in range(len(sealed)):
        for bit in range(7 if index == 31 else 8):  # X25519 ignores the last bit of a key
            changed = bytearray(sealed)
            changed[index] ^= 1 << bit
            with pytest.raises(InvalidInput):
                open_sealed(reader.sealing_key, bytes(changed), b"around")
    for length in range(len(sealed)):
        with pytest.raises(InvalidInput):
            open_sealed(reader.sealing_key, sealed[:length], b"around")
    for around in (b"", b"Around", b"around "):
        with pytest.raises(InvalidInput):
            open_sealed(reader.sealing_key, sealed, around)


def test_a_key_without_a_secret_is_refused(reader):
    with pytest.raises(InvalidInput):
        open_sealed(reader.sealing_key, bytes(32) + bytes(50))
