"""The pipeline on files, offline, through the command people type: the same result each time, and the right one."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import av
import cv2
import pytest

from facetrack_ros.demo.staging import make_stage
from facetrack_ros.history.audit.audit_log import SEARCH, AuditLog
from facetrack_ros.history.audit.verification import verify_chain

FACETRACK = Path(sys.executable).parent / "facetrack"
START = "2026-05-01T12:00:00"


def facetrack(*arguments, models: str = "", home: Path) -> subprocess.CompletedProcess:
    environment = {**os.environ, "FACETRACK_MODELS": models, "FACETRACK_DOWNLOAD": "0", "XDG_CACHE_HOME": str(home)}
    return subprocess.run(
        [str(FACETRACK), *map(str, arguments)], capture_output=True, text=True, env=environment, cwd=home, timeout=300
    )


def ingest(home, robot, camera, data, *more, models=""):
    arguments = ("--robot", robot, "--camera", camera, "--data", data, "--start", START, *more)
    return facetrack("ingest", *arguments, models=models, home=home)


def search(home, picture, *more, models=""):
    return facetrack("search", "--image", picture, "--data", home / "data", *more, models=models, home=home)


def found(done) -> set[tuple[str, str]]:
    return {(match["robot_id"], match["camera_id"]) for match in json.loads(done.stdout)["matches"]}


@pytest.fixture(scope="module")
def clips(real_data):
    return real_data("clips")


@pytest.fixture(scope="module")
def models(real_data):
    return str(real_data("models"))


@pytest.fixture(scope="module")
def two_histories(clips, models, tmp_path_factory):
    """Woman A walks up to robot1, man B sits before robot2."""
    home = tmp_path_factory.mktemp("histories")
    for robot, clip in (("robot1", "face-demographics-walking-and-pause"), ("robot2", "head-pose-face-detection-male")):
        done = ingest(home, robot, f"front={clips / clip}.gif", home / "data", models=models)
        assert done.returncode == 0, done.stderr
    return home


@pytest.fixture(scope="module")
def reference_frame(clips):
    """A frame of the clip that shows both: A on the left, B on the right."""
    with av.open(str(clips / "head-pose-face-detection-female-and-male.gif")) as container:
        return next(container.decode(video=0)).to_ndarray(format="bgr24")


@pytest.mark.parametrize(("half", "robot"), [("left", "robot1"), ("right", "robot2")])
def test_a_face_from_one_clip_finds_its_person_in_the_other_and_nobody_else(
    models, two_histories, reference_frame, half, robot
):
    middle = reference_frame.shape[1] // 2
    picture = two_histories / f"{half}.png"
    cv2.imwrite(str(picture), reference_frame[:, :middle] if half == "left" else reference_frame[:, middle:])
    done = search(two_histories, picture, "--json", models=models)
    assert done.returncode == 0, done.stderr
    assert found(done) == {(robot, "front")}
    response = json.loads(done.stdout)
    assert len({match["person_id"] for match in response["matches"]}) == 1
    assert response["complete"]
    assert response["not_searched"] == []
    assert response["searched"]["cameras"] == ["robot1/front", "robot2/front"]
    assert response["searched"]["from_iso"] == "2026-05-01T12:00:00.000Z"
    assert [line["status"] for line in response["robots"]] == ["answered", "answered"]


def test_a_picture_finds_all_that_is_kept_about_its_person(models, two_histories, reference_frame, tmp_path):
    picture, out = two_histories / "subject.png", tmp_path / "subject"
    cv2.imwrite(str(picture), reference_frame[:, : reference_frame.shape[1] // 2])
    asked = ("subject-access", "--image", picture, "--data", two_histories / "data", "--out", out)
    done = facetrack(*asked, models=models, home=two_histories)
    assert done.returncode == 0, done.stderr
    summary = json.loads((out / "subject.json").read_text())
    assert list(summary["robots"]) == ["robot1"]
    assert summary["not_searched"] == []
    sightings = json.loads((out / "robot1" / "sightings.json").read_text())
    assert {line["person_id"] for line in sightings} == set(summary["person_ids"])
    assert len(list((out / "robot1" / "faces").iterdir())) == len(sightings)


def test_every_search_of_stored_histories_is_recorded_in_each_of_them(models, two_histories, reference_frame):
    picture = two_histories / "logged.png"
    cv2.imwrite(str(picture), reference_frame[:, : reference_frame.shape[1] // 2])
    folders = [two_histories / "data" / robot for robot in ("robot1", "robot2")]

    def searches(folder):
        return list(AuditLog(folder, folder.name).records([SEARCH]))

    before = [len(searches(folder)) for folder in folders]
    why = ("--operator", "ada", "--reason", "a lost child")
    assert search(two_histories, picture, *why, models=models).returncode in (0, 3)
    for folder, count in zip(folders, before):
        recorded = searches(folder)
        assert len(recorded) == count + 1
        assert (recorded[-1]["operator"], recorded[-1]["reason"]) == ("ada", "a lost child")
        assert recorded[-1]["reference"] == "picture"
        assert recorded[-1]["asker"].startswith("cli_")
        assert verify_chain(AuditLog(folder, folder.name).chain).intact
    head = AuditLog(folders[0], "robot1").chain.head_path
    content = head.read_bytes()
    head.unlink()
    head.mkdir()  # nothing can be appended
    try:
        done = search(two_histories, picture, models=models)
        assert done.returncode in (0, 3), done.stderr
        assert "not in the audit log of robot1" in done.stderr
    finally:
        head.rmdir()
        head.write_bytes(content)


def test_a_policy_demands_a_reason_also_of_commands_on_stored_histories(models, two_histories, reference_frame):
    picture, policy = two_histories / "policy.png", two_histories / "policy.yaml"
    cv2.imwrite(str(picture), reference_frame)
    policy.write_text("audit: {require_reason: true}")
    done = search(two_histories, picture, "--config", str(policy), models=models)
    assert done.returncode == 2
    assert "without reason" in done.stderr


def test_a_time_slice_without_the_person_matches_nothing(models, two_histories, reference_frame):
    picture = two_histories / "b.png"
    cv2.imwrite(str(picture), reference_frame[:, reference_frame.shape[1] // 2 :])
    there = ("--at", "2026-05-01T12:00:01.5", "--window", "1", "--seen-by", "robot1")
    done = search(two_histories, picture, "--json", *there, models=models)
    assert done.returncode == 1, done.stderr
    assert found(done) == set()


def test_a_time_that_is_not_kept_is_no_answer_and_what_is_kept_is_told(models, two_histories, reference_frame):
    picture = two_histories / "b.png"
    cv2.imwrite(str(picture), reference_frame[:, reference_frame.shape[1] // 2 :])
    done = search(two_histories, picture, "--at", "2026-05-01T13:00:00", "--window", "60", models=models)
    assert done.returncode == 3, done.stderr
    assert "No match" not in done.stdout
    assert "robot1/front holds nothing of the time asked for, only 2026-05-01 12:00:00 to 12:00:03 UTC" in done.stdout
    assert "names no time zone and was taken as UTC" in done.stdout
    for unknown, named in ((("--camera", "nosuch"), "a camera nosuch"), (("--seen-by", "robot9"), "robot9")):
        done = search(two_histories, picture, *unknown, models=models)
        assert done.returncode == 3, done.stderr
        assert "No match" not in done.stdout
        assert named in done.stdout


def test_other_commands_name_what_they_could_not_read(two_histories, tmp_path):
    broken = tmp_path / "broken"
    shutil.copytree(two_histories / "data", broken)
    (broken / "robot2" / "robot.json").write_text("{")
    for command in (("events",), ("status",), ("persons", "list")):
        done = facetrack(*command, "--data", broken, home=tmp_path)
        assert done.returncode == 3, (command, done.stdout, done.stderr)
        assert "robot1" in done.stdout
        assert "robot2" in done.stdout + done.stderr
    (log,) = (broken / "robot1").glob("events-*.jsonl")
    log.write_bytes(log.read_bytes() + b"{ damaged\n")
    done = facetrack("events", "--data", broken / "robot1", home=tmp_path)
    assert done.returncode == 3
    assert "1 damaged lines" in done.stderr


def test_a_picture_with_two_faces_is_refused_with_what_to_do(models, two_histories, reference_frame):
    picture = two_histories / "both.png"
    cv2.imwrite(str(picture), reference_frame)
    done = search(two_histories, picture, models=models)
    assert done.returncode == 2
    assert "2 faces" in done.stderr
    assert "crop" in done.stderr


def test_each_robot_kept_the_people_of_its_clip(two_histories):
    done = facetrack("events", "--data", two_histories / "data", "--json", home=two_histories)
    events = [json.loads(line) for line in done.stdout.splitlines()]
    arrivals = [event["robot_id"] for event in events if event["event"] == "PERSON_IN"]
    assert (arrivals.count("robot1"), arrivals.count("robot2")) == (3, 1)
    assert [event["event"] for event in events].count("PERSON_OUT") == 4
    assert [event["timestamp"] for event in events] == sorted(event["timestamp"] for event in events)


@pytest.fixture(scope="module")
def staged(tmp_path_factory):
    """The demo's clips through the models that pip carries."""
    home = tmp_path_factory.mktemp("staged")
    stage = make_stage(home / "clips")
    done = ingest_staged(home, stage, "data")
    assert done.returncode == 0, done.stderr
    return home, stage


def ingest_staged(home, stage, data, *more):
    return ingest(home, "robot1", f"rear={stage.clips['robot1', 'rear']}", home / data, *more)


def kept(folder):
    """All sightings with their pictures."""
    (path,) = folder.glob("sightings*.sqlite")
    with closing(sqlite3.connect(path)) as database:
        return database.execute("SELECT * FROM sightings JOIN thumbnails ON sighting_id = id ORDER BY id").fetchall()


def test_offline_with_the_models_that_pip_carries(staged):
    home, stage = staged
    done = search(home, stage.references["Grace Hopper"], "--json")
    assert done.returncode == 0, done.stderr
    assert found(done) == {("robot1", "rear")}
    (visit,) = [visit for visit in stage.visits if (visit.robot, visit.camera) == ("robot1", "rear")]
    (match,) = json.loads(done.stdout)["matches"]
    start = 1777636800.0  # START
    # Every frame was analysed: the visit is found from its first whole face to its last, give or take two frames, or
    # longer: a part of a face at the edge of the picture shows a person, before the face can be compared.
    assert visit.body_s[0] <= match["first_stamp"] - start <= visit.face_s[0] + 0.2
    assert visit.face_s[1] - 0.2 <= match["last_stamp"] - start <= visit.body_s[1]
    done = search(home, stage.references["Eileen Collins"])
    assert done.returncode == 1, done.stdout


def test_what_may_hold_faces_is_for_its_owner_only(staged):
    home, stage = staged
    page = home / "answer" / "index.html"
    page.parent.mkdir(0o700)
    page.touch()
    page.chmod(0o644)  # of an earlier version, or of another program
    search(home, stage.references["Grace Hopper"], "--out", home / "answer", "--frames", "--clips")
    assert page.read_text().count("<article") == 1
    made = [*(home / "data").rglob("*"), home / "answer", *(home / "answer").rglob("*")]
    assert any(path.suffix == ".png" for path in made)
    assert {oct(path.stat().st_mode & 0o077) for path in made} == {"0o0"}


def test_ingesting_twice_changes_nothing_and_elsewhere_gives_the_same(staged):
    home, stage = staged
    before = facetrack("events", "--data", home / "data", "--json", home=home).stdout
    again = ingest_staged(home, stage, "data")
    assert again.returncode == 0
    assert "already" in again.stdout
    assert facetrack("events", "--data", home / "data", "--json", home=home).stdout == before
    one, three = home / "one.yaml", home / "three.yaml"
    for path, workers in ((one, 1), (three, 3)):
        path.write_text(f"models:\n  workers: {workers}\n")
        data = home / f"by_{workers}"
        assert ingest_staged(home, stage, data, "--config", path).returncode == 0
        assert facetrack("events", "--data", data, "--json", home=home).stdout == before
        assert kept(data / "robot1") == kept(home / "data" / "robot1")


def test_another_recording_of_the_same_time_is_refused_and_what_was_stored_stays(staged):
    home, stage = staged
    done = ingest(home, "robot1", f"rear={stage.clips['robot2', 'front']}", home / "data")
    assert done.returncode == 2
    assert "another --start" in done.stderr
    done = search(home, stage.references["Grace Hopper"], "--json")
    assert found(done) == {("robot1", "rear")}


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("search", "--image", "x.jpg", "--data", "nowhere"), "x.jpg"),
        (("search", "--image", "/dev/null", "--data", "data"), "not a regular file"),
        (("search", "--image", "empty.jpg", "--data", "data"), "is an empty file"),
        (("search", "--person", "p_robot1_99", "--data", "data"), "p_robot1_99"),
        (("search", "--image", "x.jpg", "--data", "data", "--at", START), "--window"),
        (("search", "--person", "p_robot1_1", "--data", "data", "--at", "noon", "--window", "5"), "noon"),
        (("events", "--data", "nowhere"), "nowhere"),
        (("status", "--data", "nowhere"), "nowhere"),
        (("ingest", "--robot", "robot1", "--camera", "front=missing.mp4", "--data", "data"), "missing.mp4"),
        (
            ("ingest", "--robot", "robot1", "--camera", "front=a", "--camera", "front=b", "--data", "data"),
            "two cameras",
        ),
        (("sing",), "sing"),
        ((), "COMMAND"),
    ],
)
def test_wrong_use_is_told_in_a_sentence(staged, arguments, expected):
    home, _ = staged
    (home / "empty.jpg").touch()
    done = facetrack(*arguments, home=home)
    assert done.returncode == 2, (done.stdout, done.stderr)
    assert expected in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr


def test_help_imports_nothing_heavy(tmp_path):
    code = (
        "import sys; sys.argv = ['facetrack', '--help']\n"
        "from facetrack_ros.cli.main import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = ('cv2', 'numpy', 'rclpy', 'torch', 'onnxruntime', 'dlib', 'av')\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path)
    assert done.stdout.strip().splitlines()[-1] == "[]", done.stdout + done.stderr
