"""People over stored histories: one id over robots, merges that can be undone, and people with names."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

FACETRACK = Path(sys.executable).parent / "facetrack"
START = "2026-05-01T12:00:00"
A_AT_ROBOT1 = "face-demographics-walking-and-pause"
A_AND_B = "head-pose-face-detection-female-and-male"


@pytest.fixture(scope="module")
def clips(real_data):
    return real_data("clips")


@pytest.fixture(scope="module")
def run(real_data, tmp_path_factory):
    home = tmp_path_factory.mktemp("people")
    own = {"FACETRACK_MODELS": str(real_data("models")), "FACETRACK_DOWNLOAD": "0", "XDG_CACHE_HOME": str(home)}
    environment = {**os.environ, **own}
    return lambda *arguments: subprocess.run(
        [str(FACETRACK), *map(str, arguments)], capture_output=True, text=True, env=environment, cwd=home, timeout=300
    )


def ingest(run, clips, robot, clip, data):
    done = run("ingest", "--robot", robot, "--camera", f"front={clips / clip}.gif", "--data", data, "--start", START)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def apart(run, clips, tmp_path_factory):
    """Two robots that never heard of each other, in one folder afterwards."""
    data = tmp_path_factory.mktemp("apart")
    ingest(run, clips, "robot1", A_AT_ROBOT1, data / "one")
    ingest(run, clips, "robot2", A_AND_B, data / "two")
    shutil.copytree(data / "one", data / "both")
    shutil.copytree(data / "two", data / "both", dirs_exist_ok=True)
    return data / "both"


@pytest.fixture
def both(apart, tmp_path):
    return shutil.copytree(apart, tmp_path / "both")


@pytest.fixture(scope="module")
def pictures(clips, tmp_path_factory):
    """A and B by themselves, both in one picture, and nobody."""
    folder = tmp_path_factory.mktemp("pictures")
    with av.open(str(clips / f"{A_AND_B}.gif")) as container:
        both = next(container.decode(video=0)).to_ndarray(format="bgr24")
    middle = both.shape[1] // 2
    images = {"a": both[:, :middle], "b": both[:, middle:], "two": both, "none": np.full_like(both, 90)}
    for name, image in images.items():
        cv2.imwrite(str(folder / f"{name}.png"), image)
    return folder


def persons(run, data):
    done = run("persons", "list", "--data", data, "--json")
    assert done.returncode == 0, done.stderr
    return {line["person_id"]: line for line in map(json.loads, done.stdout.splitlines())}


def names_found(run, data, picture):
    done = run("search", "--image", picture, "--data", data, "--json")
    return {match["person_id"] for match in json.loads(done.stdout)["matches"]}


def test_the_next_robot_knows_whom_the_one_before_saw(run, clips, tmp_path):
    ingest(run, clips, "robot1", A_AT_ROBOT1, tmp_path)
    ingest(run, clips, "robot2", A_AND_B, tmp_path)
    known = persons(run, tmp_path)
    assert sorted(line["robots"] for line in known.values()).count(["robot1", "robot2"]) == 1
    assert len(known) == 4  # A, her two companions, and B


def test_ids_of_one_person_are_merged_searched_as_one_and_parted_again(run, both, pictures):
    names = names_found(run, both, pictures / "a.png")
    assert len(names) == 2
    one, other = sorted(names)
    done = run("persons", "merge", other, one, "--data", both, "--reason", "same coat")
    assert done.returncode == 0, done.stderr
    assert f"persons split {one}" in done.stdout
    assert names_found(run, both, pictures / "a.png") == {one}
    (record,) = persons(run, both)[one]["verdicts"]
    assert record["reason"] == "same coat"
    assert record["operator"]
    assert record["same"]
    assert run("persons", "merge", other, one, "--data", both).returncode == 2
    by_alias = json.loads(run("search", "--person", other, "--data", both, "--json").stdout)["matches"]
    assert {match["robot_id"] for match in by_alias} == {"robot1", "robot2"}
    done = run("persons", "split", other, "--data", both)
    assert done.returncode == 0, done.stderr
    found = json.loads(run("search", "--image", pictures / "a.png", "--data", both, "--json").stdout)
    assert {match["person_id"] for match in (*found["matches"], *found["alike"])} == {one, other}
    assert len({match["person_id"] for match in found["matches"]}) == 1, "one reference is one person"


def test_an_unknown_id_is_refused(run, both):
    for words in (("merge", "p_robot1_1", "p_robot9_1"), ("split", "p_robot9_1")):
        done = run("persons", *words, "--data", both)
        assert done.returncode == 2
        assert "p_robot9_1" in done.stderr


def test_a_robot_that_cannot_be_read_makes_the_list_partial(run, both):
    whole = persons(run, both)
    (both / "robot2" / "robot.json").write_text("{}")
    done = run("persons", "list", "--data", both, "--json")
    assert done.returncode == 3
    assert "robot2" in done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert 0 < len(lines) < len(whole)
    assert not any(line["complete"] for line in lines)
    done = run("persons", "split", "p_robot2_1", "--data", both)
    assert done.returncode == 3
    assert "p_robot2_1" in done.stderr
    assert "robot2" in done.stderr


def test_an_enrolled_person_is_recognised_once_a_visit_by_name_and_deleted_again(run, clips, pictures, tmp_path):
    done = run("enroll", "Ann Example", pictures / "a.png", "--data", tmp_path, "--robot", "robot1", "--watch")
    assert done.returncode == 0, done.stderr
    ingest(run, clips, "robot1", A_AT_ROBOT1, tmp_path)
    events = [json.loads(line) for line in run("events", "--data", tmp_path, "--json").stdout.splitlines()]
    (matched,) = [event for event in events if event["event"] == "FACE_MATCHED"]
    assert matched["reference_face_id"] == "g_robot1_1"
    assert matched["similarity"] > 0.4
    common = {"event", "person_id", "robot_id", "camera_id", "timestamp", "frame_number"}
    more = {"timestamp_iso", "current_id", "name", "reference_name"}
    assert set(matched) == {*common, "reference_face_id", "similarity", "search_id", *more}
    assert matched["name"] == matched["reference_name"] == "Ann Example"
    found = json.loads(run("search", "--person", "Ann Example", "--data", tmp_path, "--json").stdout)["matches"]
    assert {match["person_id"] for match in found} == {matched["person_id"]}
    assert "watched for" in run("enroll", "--list", "--data", tmp_path).stdout
    files = sorted((tmp_path / "robot1" / "gallery").glob("*.json"))
    assert len(files) == 1  # recognising added nothing
    assert run("enroll", "--remove", "Ann Example", "--data", tmp_path).returncode == 0
    assert not list((tmp_path / "robot1" / "gallery").glob("*.json"))
    assert run("enroll", "--list", "--data", tmp_path).returncode == 1


@pytest.mark.parametrize(("picture", "says"), [("two.png", "2 faces found"), ("none.png", "no face found")])
def test_a_picture_without_one_face_enrols_nobody(run, pictures, tmp_path, picture, says):
    done = run("enroll", "Ann", pictures / "a.png", pictures / picture, "--data", tmp_path, "--robot", "robot1")
    assert done.returncode == 2
    assert picture in done.stderr
    assert says in done.stderr
    assert not list(tmp_path.rglob("g_*.json"))


def test_a_face_of_another_person_is_not_enrolled_unless_forced(run, pictures, tmp_path):
    def enroll(*arguments):
        return run("enroll", *arguments, "--data", tmp_path, "--robot", "robot1")

    def enrolled():
        return run("enroll", "--list", "--data", tmp_path).stdout.splitlines()

    assert enroll("Ann", pictures / "a.png").returncode == 0
    done = enroll("Beth", pictures / "a.png")
    assert done.returncode == 2
    assert "a.png looks like Ann, who is enrolled (similarity 1.00)" in done.stderr
    done = enroll("Ann", pictures / "b.png")
    assert done.returncode == 2
    assert "b.png shows someone else than the other pictures of Ann" in done.stderr
    assert len(enrolled()) == 1
    done = enroll("Beth", pictures / "a.png", "--force")
    assert done.returncode == 0
    assert "Beth looks like Ann" in done.stdout
    done = enroll("Ann", pictures / "b.png", "--force")
    assert done.returncode == 0
    assert "b.png does not look like the other pictures of Ann" in done.stdout
    assert len(enrolled()) == 3


def test_the_same_picture_twice_is_one_entry_whatever_the_form_of_the_name(run, pictures, tmp_path):
    composed, decomposed = "Zo\u00eb", "Zoe\u0308"
    for name, flag, note in ((composed, (), ""), (decomposed, (), "enrolled already"), (composed, ("--watch",), "")):
        done = run("enroll", name, pictures / "a.png", *flag, "--data", tmp_path, "--robot", "robot1")
        assert done.returncode == 0, done.stderr
        assert note in done.stdout
        assert len(run("enroll", "--list", "--data", tmp_path).stdout.splitlines()) == 1
    assert "watched for" in run("enroll", "--list", "--data", tmp_path).stdout
    assert run("search", "--name", decomposed, "--data", tmp_path).returncode in (1, 3)
    assert run("enroll", "--remove", decomposed, "--data", tmp_path).returncode == 0


def test_one_of_several_faces_is_chosen_by_its_number_in_a_picture_that_is_written(run, pictures, tmp_path):
    done = run("enroll", "Ann", pictures / "two.png", "--data", tmp_path, "--robot", "robot1")
    assert done.returncode == 2
    (numbered,) = re.findall(r"numbered in (\S+\.jpg)", done.stderr)
    assert cv2.imread(numbered) is not None
    done = run("enroll", "Ann", pictures / "two.png", "--face", "2", "--data", tmp_path, "--robot", "robot1")
    assert done.returncode == 0, done.stderr
    assert "number 2 from the left was taken" in done.stdout
    assert run("enroll", "Bo", pictures / "two.png", "--face", "3", "--data", tmp_path).returncode == 2
    assert run("enroll", "Bo", pictures / "two.png", "--face", "1", "--face", "1", "--data", tmp_path).returncode == 2
