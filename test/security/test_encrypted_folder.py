"""An encrypted robot's folder holds nothing of people in the clear, and all that reads it works with the key."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from forget_folder import ALWAYS, ANN, BEN, CARL, CONTRACT, KILLED, SECOND, START, TracedRobot, files_with, unit

from facetrack_ros.clips.clip import Clip
from facetrack_ros.clips.sources import StoredSource
from facetrack_ros.clips.writer import save_clip
from facetrack_ros.errors import ConfigError, StoreError
from facetrack_ros.history.audit.audit_log import SEARCH, AuditLog
from facetrack_ros.history.audit.hash_chain import HashChain
from facetrack_ros.history.audit.verification import verify_chain
from facetrack_ros.history.encryption import encrypt_folder, finish_interrupted
from facetrack_ros.history.events.format import read_events
from facetrack_ros.history.forget.forgetter import Forgetter
from facetrack_ros.history.forget.order import ForgetTarget
from facetrack_ros.history.forget.places import stored_places
from facetrack_ros.history.frames.archive import FrameArchive
from facetrack_ros.history.frames.settings import FrameSettings
from facetrack_ros.history.layout import history_folders, robot_folder
from facetrack_ros.history.people.gallery_store import GalleryStore
from facetrack_ros.history.people.merge_log import MergeLog
from facetrack_ros.history.robot_history import RobotHistory
from facetrack_ros.history.sightings.store import SightingStore
from facetrack_ros.history.stored_ids import highest_numbers
from facetrack_ros.security.storage_key import (
    StorageKey,
    change_key,
    destroy_key,
    storage_key,
    use_storage_settings,
    wrapped_with,
)

pytest.importorskip("sqlcipher3")
NOW = START + 3600 * SECOND
FORMATS = ("mcap", "jpg", "png", "gif", "mp4")


@pytest.fixture
def key_file(tmp_path):
    yield StorageKey.create(tmp_path / "keys" / "storage.key").path
    use_storage_settings(None, "")


def traced(data, **options) -> TracedRobot:
    robot = TracedRobot(data, clip_formats=FORMATS, **options)
    AuditLog(robot.path, "robot1").append(SEARCH, {"operator": "Dana Doe", "reference": "Ann", "persons": [ANN]}, NOW)
    AuditLog(robot.path, "robot1").append(SEARCH, {"operator": "Dana Doe", "reference": "Ben", "persons": [BEN]}, NOW)
    return robot


@pytest.fixture
def encrypted(tmp_path, key_file):
    use_storage_settings("key", str(key_file))
    return traced(tmp_path / "data", searches=False)


def needles(robot: TracedRobot) -> list[bytes]:
    faces = [unit(axis, number).tobytes() for axis in (1, 2, 3) for number in range(200)]
    words = [
        b'"Ann"',
        b"Dana Doe",
        b"p_robot1_",
        b"g_robot1_1",
        b"t_ann",
        b"t_ben",
        b"PERSON_IN",
        b"\xff\xd8\xff\xe0\x00\x10JFIF",
        b"ftypisom",
    ]
    return [*faces, *words, *robot.ann_frames, *robot.other_frames, b"GIF89a", b"\x89PNG\r\n", b"SQLite format"]


def read_all(robot: TracedRobot) -> dict:
    """What each reader finds in the folder."""
    archive = FrameArchive.open_readonly(robot.path / "frames", "robot1")
    store = SightingStore.open_readonly(robot.path, CONTRACT)
    try:
        hits = [hit.person_id for hit, _ in store.search(unit(1), *ALWAYS, threshold=0.5, limit=500)[0]]
        thumbnails = [hit.thumbnail for hit, _ in store.search(unit(2), *ALWAYS, limit=500)[0]]
    finally:
        store.close()
    return {
        "frames": {frame.jpeg for camera in ("front", "rear") for frame in archive.reader.between(camera, 0, 2**62)},
        "hits": sorted(hits),
        "thumbnails": sorted(each for each in thumbnails if each),
        "events": [(event["event"], event["person_id"]) for event in read_events(robot.path)],
        "gallery": [(entry.name, entry.embedding.tobytes()) for entry in GalleryStore(robot.path).read()],
        "merges": [decision.pair for decision in MergeLog(robot.path).read().decisions],
        "audit": [record.get("operator") for record in AuditLog(robot.path, "robot1").records([SEARCH])],
        "numbers": highest_numbers(robot.path, "robot1")["person"],
    }


def test_nothing_of_a_person_is_in_the_clear_and_all_of_it_can_be_read(tmp_path, key_file):
    plain = traced(tmp_path / "plain", searches=False)
    assert len(files_with(plain.data, needles(plain))) > 10
    use_storage_settings("key", str(key_file))
    robot = traced(tmp_path / "data", searches=False)
    assert files_with(robot.data, needles(robot)) == {}
    assert {path.name for path in robot.path.iterdir()} >= {"clips", "frames", "gallery", "aliases.jsonl"}
    found, expected = read_all(robot), read_all(plain)
    assert found == expected
    assert set(robot.ann_frames) <= found["frames"]
    assert verify_chain(AuditLog(robot.path, "robot1").chain).intact


def test_also_while_the_robot_runs_and_after_it_was_killed(tmp_path, key_file):
    command = [
        sys.executable,
        "-c",
        RUNNING,
        str(tmp_path / "data"),
        str(key_file),
        str(Path(__file__).parents[1] / "support"),
    ]
    running = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert running.stdout.readline() == "written\n"
    use_storage_settings("key", str(key_file))
    faces = [unit(1, number).tobytes() for number in range(40)]
    assert (tmp_path / "data/robot1/sightings-net.sqlite-wal").stat().st_size > 10_000
    assert (
        files_with(tmp_path / "data", [*faces, b"p_robot1_", b"\xff\xd8\xff\xe0\x00\x10JFIF", b"SQLite format"]) == {}
    )
    running.kill()
    running.wait()
    with next((tmp_path / "data/robot1/frames").glob("*.mcap")).open("ab") as file:
        file.write(b"torn" * 100)
    with next((tmp_path / "data/robot1").glob("events-*.jsonl")).open("ab") as file:
        file.write(b"torn")
    history = RobotHistory(tmp_path / "data", "robot1", CONTRACT, FrameSettings(200, "continuous"))
    assert history.sightings.count > 0
    assert len(list(history.recorder.archive.reader.between("front", 0, 2**62))) == 40
    assert len(list(read_events(history.path))) == 1
    assert len(history.close_left_open()) == 1
    history.close()
    assert [event["event"] for event in read_events(history.path)] == ["PERSON_IN", "PERSON_OUT"]


RUNNING = """
import sys
sys.path.insert(0, sys.argv[3])
from forget_folder import ANN, CONTRACT, SECOND, START, picture, track
from facetrack_ros.core.event import PERSON_IN, PersonEvent
from facetrack_ros.history.frames.settings import FrameSettings
from facetrack_ros.history.robot_history import RobotHistory
from facetrack_ros.security.storage_key import use_storage_settings
use_storage_settings("key", sys.argv[2])
history = RobotHistory(sys.argv[1], "robot1", CONTRACT, FrameSettings(200, "continuous"))
for number in range(40):
    frame = picture("front", number / 2, number)
    history.add_frame(frame)
    history.add_tracks("front", frame.stamp_ns, number, (track(ANN, 1, number, f"t_{number // 10}", 5),), frame)
history.add_event(PersonEvent(PERSON_IN, START, "robot1", "front", ANN, 0, bbox=(5, 5, 35, 55), confidence=0.9))
history.flush()
history.recorder.drain()
print("written", flush=True)
sys.stdin.read()
"""


def test_a_person_is_forgotten_and_the_others_stay(encrypted):
    robot = encrypted
    with stored_places(robot.path, "robot1", robot.path, robot.path / "frames") as places:
        forgetter = Forgetter(places, lambda: NOW)
        done = forgetter.forget(forgetter.look(ForgetTarget("f_1", operator="op", reason="asked", person_id=ANN)))
        assert forgetter.look(ForgetTarget("f_2", person_id=ANN)).preview.empty
    assert done.receipt["found"]["clips"] == 1
    found = read_all(robot)
    assert found["hits"] == []
    assert not found["frames"] & set(robot.ann_frames)
    assert set(robot.other_frames) <= found["frames"]
    assert [name for name, _ in found["gallery"]] == ["Ben"]
    assert files_with(robot.data, needles(robot)) == {}


@pytest.mark.parametrize("steps", [8, 30, 60])
def test_what_a_killed_process_began_to_forget_is_finished(encrypted, tmp_path, steps):
    command = [sys.executable, "-c", KILLED, str(encrypted.path), str(steps)]
    environment = {**os.environ, "FACETRACK_STORAGE_KEY": str(tmp_path / "keys/storage.key")}
    killed = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment)
    assert killed.returncode == -9, killed
    with stored_places(encrypted.path, "robot1", encrypted.path, encrypted.path / "frames") as places:
        forgetter = Forgetter(places, lambda: NOW)
        if forgetter.finish() is None:  # it was killed before anything was deleted
            forgetter.forget(forgetter.look(ForgetTarget("f_1", person_id=ANN)))
    found = read_all(encrypted)
    assert found["hits"] == []
    assert not found["frames"] & set(encrypted.ann_frames)
    assert set(encrypted.other_frames) <= found["frames"]
    assert [name for name, _ in found["gallery"]] == ["Ben"]
    assert {person for _, person in found["events"]} == {BEN, CARL}
    assert len(list(HashChain(encrypted.path, "receipts", "robot1").read())) == 1
    assert files_with(encrypted.data, needles(encrypted)) == {}


def test_a_person_is_blurred_in_frames_and_clips(encrypted):
    robot = encrypted
    with stored_places(robot.path, "robot1", robot.path, robot.path / "frames") as places:
        forgetter = Forgetter(places, lambda: NOW)
        forgetter.forget(forgetter.look(ForgetTarget("f_1", person_id=ANN, blur=True)))
    assert (robot.path / "clips/with_ann/manifest.json").is_file()
    assert files_with(robot.data, needles(robot)) == {}


def test_programs_that_use_only_a_part_of_the_package_have_the_key_or_fail(encrypted, tmp_path):
    program = """
import sys
from pathlib import Path
from facetrack_ros.history.people.merge_log import MergeLog
print(len(MergeLog(Path(sys.argv[1])).read().decisions))
"""
    lowest = """
import sys
from pathlib import Path
from facetrack_ros.core.line_file import append_lines
append_lines(Path(sys.argv[1]) / "aliases.jsonl", b"in the clear")
"""

    def run(text, **environment):
        command = [sys.executable, "-c", text, str(encrypted.path)]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, env={**os.environ, **environment})

    assert run(program, FACETRACK_STORAGE_KEY=str(tmp_path / "keys/storage.key")).stdout == "2\n"
    for text in (program, lowest):
        failed = run(text, FACETRACK_STORAGE_KEY="")
        assert failed.returncode == 1
        assert "StoreError" in failed.stderr
    assert b"in the clear" not in (encrypted.path / "aliases.jsonl").read_bytes()


def test_a_copied_out_clip_is_in_the_clear(encrypted, tmp_path):
    (folder,) = history_folders(encrypted.data)
    with StoredSource(folder) as source:
        saved = save_clip(source, Clip(("front",), START, START + 2 * SECOND, FORMATS), tmp_path / "out")
    manifest = json.loads((saved.folder / "manifest.json").read_text())
    for line in manifest["files"]:
        assert (saved.folder / line["file"]).stat().st_size == line["bytes"]
    assert (saved.folder / "front.mp4").read_bytes()[4:8] == b"ftyp"
    assert (saved.folder / "front.gif").read_bytes().startswith(b"GIF89a")


def test_without_the_key_a_sentence_says_which_is_missing(encrypted, tmp_path, monkeypatch):
    needed = wrapped_with(encrypted.path)
    monkeypatch.delenv("FACETRACK_STORAGE_KEY", raising=False)
    use_storage_settings(None, "")
    set_key_unknown(encrypted.path)
    with pytest.raises(StoreError, match=needed):
        history_folders(encrypted.data)
    other = StorageKey.create(tmp_path / "keys" / "other.key")
    use_storage_settings(None, str(other.path))
    with pytest.raises(StoreError, match=f"{needed}.*{other.id}"):
        history_folders(encrypted.data)
    use_storage_settings(None, str(tmp_path / "nothing.key"))
    with pytest.raises(ConfigError, match=r"nothing\.key cannot be read"):
        history_folders(encrypted.data)


def set_key_unknown(folder: Path) -> None:
    """As in a process that has not opened the folder yet."""
    from facetrack_ros.core.sealed_files.folder_keys import use_unlock
    from facetrack_ros.security.storage_key import unlock

    use_unlock(unlock)


def test_without_sqlcipher_a_sentence_says_what_to_install(encrypted, monkeypatch):
    monkeypatch.setattr("facetrack_ros.history.sightings.connection._sqlcipher", lambda: None)
    with pytest.raises(StoreError, match="pip install sqlcipher3"):
        SightingStore.open_readonly(encrypted.path, CONTRACT)
    with pytest.raises(StoreError, match="pip install sqlcipher3"):
        RobotHistory(encrypted.data, "robot1", CONTRACT, FrameSettings(200, "continuous"))


def test_settings_and_folder_must_agree(encrypted, tmp_path):
    key_file = tmp_path / "keys" / "storage.key"
    use_storage_settings("off", "")
    with pytest.raises(StoreError, match=r"is encrypted, and storage\.encryption is off"):
        robot_folder(encrypted.data, "robot1")
    plain = traced(tmp_path / "plain")
    use_storage_settings("key", str(key_file))
    with pytest.raises(StoreError, match="facetrack storage encrypt"):
        robot_folder(plain.data, "robot1")
    inside = StorageKey.create(tmp_path / "new" / "inside.key").path
    use_storage_settings("key", str(inside))
    with pytest.raises(StoreError, match="protects nothing"):
        robot_folder(tmp_path / "new", "robot2")
    os.chmod(key_file, 0o640)
    use_storage_settings("key", str(key_file))
    with pytest.raises(ConfigError, match="chmod 600"):
        robot_folder(tmp_path / "newer", "robot2")


def test_what_was_stored_in_the_clear_is_encrypted(tmp_path, key_file):
    robot = traced(tmp_path / "data")
    before = read_all(robot)
    use_storage_settings("key", str(key_file))
    assert encrypt_folder(robot.path, "robot1") > 20
    assert sorted(path.name for path in robot.data.iterdir()) == ["robot1"]
    assert files_with(robot.data, needles(robot)) == {}
    assert read_all(robot) == before
    assert verify_chain(AuditLog(robot.path, "robot1").chain).intact
    AuditLog(robot.path, "robot1").append(SEARCH, {"operator": "Dana Doe"}, NOW)
    assert verify_chain(AuditLog(robot.path, "robot1").chain).intact
    assert encrypt_folder(robot.path, "robot1") == 0


def test_the_storage_key_is_changed_and_files_stay(encrypted, tmp_path):
    before = read_all(encrypted)
    content = {path: path.read_bytes() for path in encrypted.path.rglob("*.mcap")}
    new = StorageKey.create(tmp_path / "keys" / "new.key")
    change_key(encrypted.path, storage_key(encrypted.path), new)
    set_key_unknown(encrypted.path)
    with pytest.raises(StoreError, match=new.id):
        history_folders(encrypted.data)
    use_storage_settings(None, str(new.path))
    assert read_all(encrypted) == before
    assert {path: path.read_bytes() for path in encrypted.path.rglob("*.mcap")} == content


def test_without_its_data_key_a_folder_cannot_be_read(encrypted):
    (wrapped,) = (json.loads((encrypted.path / "storage-key.json").read_text())["wrapped"],)
    destroy_key(encrypted.path)
    assert files_with(encrypted.data, [wrapped.encode()]) == {}
    set_key_unknown(encrypted.path)
    with pytest.raises(StoreError, match="was destroyed"):
        history_folders(encrypted.data)
    with pytest.raises(StoreError, match="was destroyed"):
        robot_folder(encrypted.data, "robot1")


def test_robots_with_keys_of_their_own_are_read_together(tmp_path, key_file):
    other = StorageKey.create(tmp_path / "keys" / "other.key").path
    for robot, key in (("robot1", key_file), ("robot2", other)):
        use_storage_settings("key", str(key))
        if robot == "robot2":
            set_key_unknown(tmp_path)
        robot_folder(tmp_path / "data", robot)
    set_key_unknown(tmp_path)
    use_storage_settings(None, str(tmp_path / "keys"))
    assert len(history_folders(tmp_path / "data")) == 2
    use_storage_settings("key", str(tmp_path / "keys"))
    with pytest.raises(StoreError, match=r"is new, and .* holds 2 others"):
        robot_folder(tmp_path / "data", "robot3")


def test_encrypting_that_was_interrupted_is_finished_or_undone(tmp_path, key_file):
    robot = traced(tmp_path / "data")
    before = read_all(robot)
    use_storage_settings("key", str(key_file))
    (tmp_path / "data" / "robot1.encrypting").mkdir()
    finish_interrupted(tmp_path / "data")
    assert [path.name for path in robot.data.iterdir()] == ["robot1"]
    encrypt_folder(robot.path, "robot1")
    robot.path.rename(tmp_path / "data" / "robot1.encrypting")
    (tmp_path / "data" / "robot1.plain").mkdir()
    (tmp_path / "data" / "robot1.plain" / "events.jsonl").write_text("Ann")
    set_key_unknown(tmp_path)
    finish_interrupted(tmp_path / "data")
    assert [path.name for path in robot.data.iterdir()] == ["robot1"]
    assert read_all(robot) == before


def test_a_key_comes_by_a_descriptor_or_from_systemd(tmp_path, key_file, monkeypatch):
    reading, writing = os.pipe()
    os.write(writing, key_file.read_bytes())
    os.close(writing)
    use_storage_settings("key", f"fd:{reading}")
    robot_folder(tmp_path / "data", "robot1")
    os.close(reading)
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    (credentials / "facetrack-storage").write_bytes(key_file.read_bytes())
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(credentials))
    use_storage_settings("key", "")
    set_key_unknown(tmp_path)
    assert robot_folder(tmp_path / "data", "robot1").is_dir()
    monkeypatch.delenv("CREDENTIALS_DIRECTORY")
    monkeypatch.setenv("FACETRACK_STORAGE_KEY", str(key_file))
    use_storage_settings(None, "")
    set_key_unknown(tmp_path)
    assert [folder.robot_id for folder in history_folders(tmp_path / "data")] == ["robot1"]
