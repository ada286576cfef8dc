"""Keys and key files: who can read them, what is refused."""

import os

import pytest

from facetrack_ros.errors import ConfigError, InvalidInput, StoreError
from facetrack_ros.security.keys import Identity, PublicKeys


def test_a_key_file_is_private_whatever_the_umask_and_reads_back(tmp_path):
    before = os.umask(0)
    try:
        identity = Identity.new("robot1")
        identity.write(tmp_path / "keys" / "robot1.key")
    finally:
        os.umask(before)
    assert (tmp_path / "keys" / "robot1.key").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "keys").stat().st_mode & 0o777 == 0o700
    again = Identity.read(tmp_path / "keys" / "robot1.key")
    assert again.name == "robot1"
    assert again.public == identity.public
    assert identity.public.verify(again.sign(b"x"), b"x")


def test_a_key_file_is_not_replaced(tmp_path):
    Identity.new("robot1").write(tmp_path / "robot1.key")
    before = (tmp_path / "robot1.key").read_bytes()
    with pytest.raises(StoreError):
        Identity.new("robot1").write(tmp_path / "robot1.key")
    assert (tmp_path / "robot1.key").read_bytes() == before


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_a_key_file_that_others_may_use_is_refused(tmp_path, mode):
    Identity.new("robot1").write(tmp_path / "robot1.key")
    (tmp_path / "robot1.key").chmod(mode)
    with pytest.raises(ConfigError, match="chmod 600"):
        Identity.read(tmp_path / "robot1.key")


def test_damaged_key_files_are_refused_in_a_sentence(tmp_path):
    path = tmp_path / "robot1.key"
    Identity.new("robot1").write(path)
    good = path.read_text()
    cuts = [good[:-20], "", "[" * 5000, "facetrack_key: 1\nname: robot1\n", "\x00\x01", "x" * 20_000]
    cuts.append(good.replace("facetrack_key: 1", "facetrack_key: 2"))
    cuts.append(good.replace("name: robot1", "name: ../robot1"))
    for content in cuts:
        path.write_text(content)
        with pytest.raises(ConfigError):
            Identity.read(path)
    path.unlink()
    with pytest.raises(ConfigError):
        Identity.read(path)
    os.mkfifo(path)
    with pytest.raises(ConfigError):
        Identity.read(path)


def test_public_keys_as_text():
    keys = Identity.new("alice").public
    assert PublicKeys.of_text(keys.text) == keys
    for text in ("", keys.text[:-1], keys.text + "=", keys.text.replace(keys.text[3], "?", 1), 7, None):
        with pytest.raises(InvalidInput):
            PublicKeys.of_text(text)


def test_a_signature_of_other_data_or_keys_or_length_does_not_hold():
    one, other = Identity.new("one"), Identity.new("other")
    signature = one.sign(b"data")
    assert one.public.verify(signature, b"data")
    assert not one.public.verify(signature, b"Data")
    assert not other.public.verify(signature, b"data")
    for wrong in (b"", signature[:-1], signature + b"\0", bytes(64)):
        assert not one.public.verify(wrong, b"data")
