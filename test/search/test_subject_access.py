"""All that is kept about one person, and nothing of anyone else."""

import base64
import json
import os

import av
import cv2
import numpy as np
import pytest

from facetrack_ros.cli.main import main
from facetrack_ros.core.event import FACE_MATCHED, PERSON_IN, PersonEvent
from facetrack_ros.core.face import Face
from facetrack_ros.core.frame import Frame, encode_jpeg
from facetrack_ros.core.track import Track, TrackState
from facetrack_ros.history.frames.settings import FrameSettings
from facetrack_ros.history.people.gallery_store import GalleryStore
from facetrack_ros.history.people.merge_log import MergeLog
from facetrack_ros.history.robot_history import RobotHistory
from facetrack_ros.history.sightings.model_contract import save_contract
from facetrack_ros.models.contract import ModelContract
from facetrack_ros.tracking.identity.gallery import GalleryEntry
from facetrack_ros.tracking.identity_merges import IdentityMerges, merge_decisions

CONTRACT = ModelContract("net", "embedding", "onnx", "net.onnx", "", 1, "MIT", dimension=4, threshold=0.5)
SECOND = 1_000_000_000
START = 1_700_000_000 * SECOND
COLOURS = {"anna": (40, 200, 40), "ben": (40, 40, 220)}
BOXES = {"anna": (20, 20, 90, 200), "ben": (200, 20, 270, 200)}
FACES = {name: np.eye(4, dtype=np.float32)[row] for row, name in enumerate(COLOURS)}


def record(history, ids, seconds):
    """Everyone of ``ids`` (name to person id) in view, at two frames a second."""
    image = np.full((220, 320, 3), 128, np.uint8)
    tracks = []
    for name, person in ids.items():
        x1, y1, x2, y2 = BOXES[name]
        image[y1:y2, x1:x2] = COLOURS[name]
        face = Face(np.array([x1 + 10, y1 + 5, x1 + 50, y1 + 55], np.float32), np.zeros((5, 2), np.float32), 0.9, 0.5)
        face = Face(face.bbox, face.landmarks, 0.9, 0.5, embedding=FACES[name])
        box = np.array(BOXES[name], np.float32)
        tracks.append(Track(f"t_{history.robot_id}_{name}", person, TrackState.TRACKING, box, 0.8, face))
    for i in range(2 * seconds):
        stamp = START + i * SECOND // 2
        frame = Frame("front", stamp, i, encode_jpeg(image))
        history.add_frame(frame)
        history.add_tracks("front", stamp, i, tuple(tracks), frame)
        history.add_analysed("front", stamp)
    for person in ids.values():
        history.add_event(PersonEvent(PERSON_IN, START, history.robot_id, "front", person, 0, (1, 2, 3, 4), 0.8))


@pytest.fixture
def data(tmp_path):
    """Robot1 saw Anna and Ben, robot2 saw Anna under another id, merged with the first, and keeps no frames."""
    folder = tmp_path / "data"
    first = RobotHistory(folder, "robot1", CONTRACT, FrameSettings(mode="continuous"))
    record(first, {"anna": "p_robot1_1", "ben": "p_robot1_2"}, 3)
    merges = IdentityMerges()
    ids = iter(("a_robot1_1", "a_robot1_2", "a_robot1_3"))
    MergeLog(first.path).append(merge_decisions(merges, "p_robot1_1", "p_robot2_7", ids, "ann", START, "same", True))
    gallery = GalleryStore(first.path, CONTRACT)
    for name, face in FACES.items():
        gallery.add(GalleryEntry(f"g_{name}", name.title(), "net", face, 0.9, by="robot1", stamp_ns=START))
    matched = {"reference_face_id": "g_anna", "similarity": 0.9}
    first.add_event(PersonEvent(FACE_MATCHED, START + 1, "robot1", "front", "p_robot1_1", 1, **matched))
    second = RobotHistory(folder, "robot2", CONTRACT, FrameSettings(mode="off"))
    record(second, {"anna": "p_robot2_7"}, 1)
    searched = [
        {"timestamp": 1.0, "kind": "search", "asker": "cli_bob", "operator": "bob", "persons": [f"p_robot1_{n}"]}
        for n in (1, 2)
    ]
    (first.path / "searches-2023-11-14.jsonl").write_text("".join(json.dumps(line) + "\n" for line in searched))
    for history in (first, second):
        history.flush()
        history.close()
    return folder


def subject_access(capsys, *arguments):
    umask = os.umask(0)
    try:
        with pytest.raises(SystemExit) as ended:
            main(["subject-access", *map(str, arguments)])
    finally:
        os.umask(umask)
    return ended.value.code, capsys.readouterr()


def lines_of(folder, kind):
    return json.loads((folder / f"{kind}.json").read_text())


def shows(image, name):
    return int((np.abs(image.astype(int) - COLOURS[name]).max(axis=2) < 45).sum())


def test_the_folder_holds_everything_of_the_person_under_every_id(data, tmp_path, capsys):
    out = tmp_path / "anna"
    code, said = subject_access(capsys, "--person", "p_robot1_1", "--data", data, "--out", out)
    assert code == 0, said
    summary = json.loads((out / "subject.json").read_text())
    assert summary["person_ids"] == ["p_robot1_1", "p_robot2_7"]
    assert set(summary["robots"]) == {"robot1", "robot2"}
    for robot in ("robot1", "robot2"):
        sightings = lines_of(out / robot, "sightings")
        assert sightings
        assert {line["person_id"] for line in sightings} <= {"p_robot1_1", "p_robot2_7"}
        embedding = np.frombuffer(base64.b64decode(sightings[0]["embedding"]), "<f4")
        assert embedding.tolist() == FACES["anna"].tolist()
        assert len(list((out / robot / "faces").iterdir())) == summary["robots"][robot]["records"]["faces"]
    assert [event["event"] for event in lines_of(out / "robot1", "events")] == ["PERSON_IN", "FACE_MATCHED"]
    assert [entry["name"] for entry in lines_of(out / "robot1", "enrolment")] == ["Anna"]
    assert {each["first"] for each in lines_of(out / "robot1", "identities")} == {"p_robot1_1"}
    assert "robot2/front keeps no frame" in said.err


def test_nothing_in_it_is_of_anyone_else(data, tmp_path, capsys):
    out = tmp_path / "anna"
    subject_access(capsys, "--person", "p_robot2_7", "--data", data, "--out", out)
    pictures = [cv2.imread(str(file)) for file in sorted(out.rglob("*.jpg"))]
    with av.open(str(next(out.rglob("*.mp4")))) as film:
        frames = [frame.to_ndarray(format="bgr24") for frame in film.decode(video=0)]
    assert len(frames) == 6
    assert all(shows(image, "ben") == 0 for image in (*pictures, *frames))
    assert all(shows(image, "anna") > 1000 for image in (*pictures, *frames))
    for file in (file for file in out.rglob("*") if file.suffix in (".json", ".txt")):
        text = file.read_text()
        assert "p_robot1_2" not in text
        assert "Ben" not in text
        assert "bob" not in text  # who asked is another person's data
    encoded = base64.b64encode(FACES["ben"].tobytes()).decode()
    assert not any(encoded in file.read_text() for file in out.rglob("*.json"))


def test_the_export_is_logged_and_private(data, tmp_path, capsys):
    out = tmp_path / "anna"
    subject_access(capsys, "--person", "p_robot1_1", "--data", data, "--out", out)
    for robot in ("robot1", "robot2"):
        log = "".join(file.read_text() for file in (data / robot).glob("audit-*.jsonl"))
        assert "subject access" in log
    assert not [path for path in (out, *out.rglob("*")) if path.lstat().st_mode & 0o077]


def test_an_unknown_person_a_damaged_folder_and_a_folder_that_is_there(data, tmp_path, capsys):
    assert subject_access(capsys, "--person", "p_9", "--data", data, "--out", tmp_path / "none")[0] == 1
    save_contract(data / "robot2", CONTRACT)
    (data / "robot2" / "robot.json").write_text("no JSON")
    code, said = subject_access(capsys, "--person", "p_robot1_1", "--data", data, "--out", tmp_path / "part")
    assert code == 3
    assert "robot2" in said.err
    assert json.loads((tmp_path / "part" / "subject.json").read_text())["not_contained"]
    code, said = subject_access(capsys, "--person", "p_robot1_1", "--data", data, "--out", tmp_path / "part")
    assert code == 2
    assert "another name" in said.err
