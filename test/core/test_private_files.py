"""Permissions are taken from everyone but the owner, in whole folders, without following links."""

import os
import stat
from types import SimpleNamespace

import pytest

from facetrack_ros.core import private_files
from facetrack_ros.core.private_files import make_private, make_tree_private, others_may_write


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_a_tree_with_wide_permissions_is_narrowed_and_counted_once(tmp_path):
    folder = tmp_path / "robot1"
    (folder / "clips" / "one").mkdir(parents=True)
    file = folder / "clips" / "one" / "1.jpg"
    file.write_bytes(b"face")
    for path, wide in ((folder, 0o755), (folder / "clips", 0o777), (folder / "clips" / "one", 0o700), (file, 0o664)):
        path.chmod(wide)
    assert make_tree_private(folder) == 3
    assert [mode(path) for path in (folder, folder / "clips", file)] == [0o700, 0o700, 0o600]
    assert make_tree_private(folder) == 0


def test_what_a_link_leads_to_keeps_its_permissions(tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "shared.txt").write_text("not a face")
    outside.chmod(0o755)
    (outside / "shared.txt").chmod(0o644)
    folder = tmp_path / "robot1"
    folder.mkdir(mode=0o700)
    os.symlink(outside, folder / "link")
    os.symlink(outside / "shared.txt", folder / "file")
    assert make_tree_private(folder) == 0
    assert not make_private(folder / "file")
    assert (mode(outside), mode(outside / "shared.txt")) == (0o755, 0o644)


def test_a_path_that_is_absent_is_passed_over(tmp_path):
    assert not make_private(tmp_path / "none")
    assert make_tree_private(tmp_path / "none") == 0


@pytest.mark.parametrize(("bits", "shared"), [(0o700, False), (0o755, False), (0o757, True), (0o1777, True)])
def test_a_folder_that_everyone_may_write_is_told(tmp_path, bits, shared):
    tmp_path.chmod(bits)
    assert others_may_write(tmp_path) is shared


def test_a_folder_of_a_group_is_shared_unless_the_group_is_the_owners_alone(tmp_path, monkeypatch):
    tmp_path.chmod(0o770)
    status = tmp_path.stat()
    own, other = SimpleNamespace(pw_uid=status.st_uid, pw_gid=status.st_gid), SimpleNamespace(pw_uid=4242, pw_gid=7)
    named = {"me": own, "friend": other}
    for members, shared in ((["me"], False), (["me", "friend"], True), ([], False)):
        private_files._is_of_one_user.cache_clear()
        monkeypatch.setattr(private_files.grp, "getgrgid", lambda group, found=members: SimpleNamespace(gr_mem=found))
        monkeypatch.setattr(private_files.pwd, "getpwnam", named.__getitem__)
        monkeypatch.setattr(private_files.pwd, "getpwall", lambda: [own, other])
        assert others_may_write(tmp_path) is shared
    private_files._is_of_one_user.cache_clear()
    other.pw_gid = status.st_gid  # a group that is another user's first one, as of a shared account
    assert others_may_write(tmp_path)
    private_files._is_of_one_user.cache_clear()
    assert not others_may_write(tmp_path / "none")
