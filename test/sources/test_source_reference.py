"""SOURCE texts that refer to the environment or to a file."""

import pytest

from facetrack_ros.errors import SourceError
from facetrack_ros.sources.factory import is_live, open_source
from facetrack_ros.sources.source_reference import resolve_source


def test_variables_and_files_stand_for_the_source(tmp_path, monkeypatch):
    monkeypatch.setenv("CAMERA_PASSWORD", "p@ss")
    address = "rtsp://admin:${CAMERA_PASSWORD}@10.0.0.5/live"
    (tmp_path / "front.txt").write_text(f"\n{address}\n")
    assert resolve_source(address) == "rtsp://admin:p@ss@10.0.0.5/live"
    assert resolve_source(f"@{tmp_path}/front.txt") == "rtsp://admin:p@ss@10.0.0.5/live"
    assert is_live(f"@{tmp_path}/front.txt")


def test_paths_that_exist_are_paths(tmp_path, monkeypatch, write_film):
    monkeypatch.chdir(tmp_path)
    for name in ("@film.mp4", "${film}.mp4", "a=b #1?.mp4", "one: two.mp4", "50%25.mp4"):
        write_film(tmp_path / name, [0, 40])
        assert not is_live(name)
        with open_source(name) as source:
            assert len(list(source)) == 2


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("${NOT_SET_ANYWHERE}", "set that variable"),
        ("rtsp://admin:secret@${NOT_SET_ANYWHERE}/live", "set that variable"),
        ("@no/such/file", "cannot be read"),
        ("@empty.txt", "first line"),
        ("admin:secret@10.0.0.5/live", "does not exist"),
        ("ftp://admin:secret@10.0.0.5/live", "no source"),
        ("rtsp://admin:secret@127.0.0.1:9/live", "did not answer"),
        ("http://admin:secret@127.0.0.1:notaport/live?pwd=secret", "."),
    ],
)
def test_what_does_not_hold_is_said_without_the_password(tmp_path, monkeypatch, text, says):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty.txt").write_text("\n")
    with pytest.raises(SourceError, match=says) as caught:
        open_source(text)
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None or "secret" not in str(caught.value.__cause__)
