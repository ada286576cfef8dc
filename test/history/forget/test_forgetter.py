"""A person is forgotten in a stored folder: no byte is left in any file, and others lose only what was told before."""

import json
import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from forget_folder import (
    ALWAYS,
    ANN,
    ANN_TOO,
    BEN,
    CARL,
    CONTRACT,
    KILLED,
    ON_FORGETTING,
    SECOND,
    START,
    TracedRobot,
    files_with,
    unit,
)
from mcap.reader import make_reader

from facetrack_ros.core.event import PERSON_IN, PersonEvent
from facetrack_ros.errors import RequestError
from facetrack_ros.history.audit.hash_chain import HashChain
from facetrack_ros.history.events.format import read_events
from facetrack_ros.history.events.log import EventLog
from facetrack_ros.history.forget.forgetter import ForgetOutcome, Forgetter
from facetrack_ros.history.forget.log_lines import edit_log, event_edit
from facetrack_ros.history.forget.order import ForgetOrder, ForgetTarget
from facetrack_ros.history.forget.places import stored_places
from facetrack_ros.history.frames.archive import FrameArchive
from facetrack_ros.history.people.gallery_store import GalleryStore
from facetrack_ros.history.people.merge_log import MergeLog
from facetrack_ros.history.sightings.store import SightingStore

NOW = START + 3600 * SECOND


def forget(robot: TracedRobot, brake: bool = True, **target) -> ForgetOutcome:
    with stored_places(robot.path, "robot1", robot.path, robot.path / "frames") as places:
        forgetter = Forgetter(places, lambda: NOW)
        found = forgetter.look(ForgetTarget("f_1", operator="op", reason="asked", **target))
        assert not found.preview.empty
        done = forgetter.forget(found, brake)
        assert forgetter.look(ForgetTarget("f_2", **target)).preview.empty
    return ForgetOutcome(found.order, found.preview, found.presence, done.receipt)


def stored_frames(robot: TracedRobot) -> set[bytes]:
    archive = FrameArchive.open_readonly(robot.path / "frames", "robot1")
    return {frame.jpeg for camera in ("front", "rear") for frame in archive.reader.between(camera, 0, 2**62)}


@pytest.fixture
def robot(tmp_path):
    return TracedRobot(tmp_path / "data")


@pytest.mark.parametrize(
    "target",
    [{"person_id": ANN}, {"person_id": ANN_TOO}, {"name": "Ann"}, {"faces": {"net": unit(1, 500)}}],
    ids=["id", "joined id", "name", "picture"],
)
def test_no_byte_of_a_forgotten_person_is_left(robot, target):
    faces, words = robot.ann_faces(), robot.ann_words()
    thumbnails = thumbnails_of(robot, ANN, ANN_TOO)
    assert files_with(robot.data, faces)["robot1/sightings-net.sqlite"] > 20
    assert files_with(robot.data, robot.ann_frames)
    done = forget(robot, **target)
    assert files_with(robot.data, faces + thumbnails + robot.ann_frames) == {}
    assert files_with(robot.data, words, but=ON_FORGETTING) == {}
    assert not (robot.path / "clips" / "with_ann").exists()
    assert set(done.order.person_ids) == {ANN, ANN_TOO}
    assert done.order.names == ("Ann",)
    found = done.preview.as_dict()
    assert found["frames_deleted"]["front"] >= 20
    assert found["others_lose"][BEN] == {"frames": 12, "clips": 1}
    assert CARL not in found["others_lose"]


def thumbnails_of(robot, *persons) -> list[bytes]:
    store = SightingStore.open_readonly(robot.path, CONTRACT)
    found = [hit.thumbnail for hit, _ in store.search(unit(1), *ALWAYS, limit=500)[0] if hit.person_id in persons]
    store.close()
    assert found
    assert all(found)
    return found


def test_others_keep_all_the_rest(robot):
    forget(robot, person_id=ANN)
    assert set(robot.other_frames) <= stored_frames(robot)
    assert (robot.path / "clips" / "without_ann" / "manifest.json").is_file()
    assert [entry.name for entry in GalleryStore(robot.path).read()] == ["Ben"]
    assert [decision.pair for decision in MergeLog(robot.path).read().decisions] == [(BEN, "p_robot2_9")]
    events = [(event["event"], event["person_id"]) for event in read_events(robot.path)]
    assert events == [(kind, person) for person in (BEN, CARL) for kind in ("PERSON_IN", "PERSON_OUT")]
    searches = [json.loads(line) for line in (robot.path / "searches-2023-11-14.jsonl").read_text().splitlines()]
    assert [line.get("persons") for line in searches] == [[BEN], [BEN], None]
    assert (searches[0]["reference"], searches[0]["question"], searches[2]["name"]) == ("forgotten", "", "forgotten")
    assert searches[1]["question"] == "cd"
    store = SightingStore.open_readonly(robot.path, CONTRACT)
    assert [person.person_id for person in store.persons()] == [BEN, CARL]
    assert store.search(unit(1), *ALWAYS, threshold=0.5)[0] == []
    assert store.search(unit(2), *ALWAYS, threshold=0.5)[0]
    store.close()


def test_recordings_stay_whole(robot):
    forget(robot, person_id=ANN)
    for path in (robot.path / "frames").glob("*.mcap"):
        with path.open("rb") as file:
            assert list(make_reader(file, validate_crcs=True).iter_messages())


def test_the_receipt_says_what_and_is_chained(robot):
    done = forget(robot, person_id=ANN)
    (receipt,) = HashChain(robot.path, "receipts", "robot1").read()
    assert done.receipt.items() <= receipt.items()
    assert receipt["what"] == {"person_ids": [ANN, ANN_TOO]}
    assert (receipt["operator"], receipt["reason"], receipt["done_ns"]) == ("op", "asked", NOW)
    assert receipt["found"]["sightings"] == {"net": len(done.order.hashes) - 1}
    assert (receipt["found"]["clips"], receipt["found"]["gallery_entries"], receipt["left"]) == (1, 1, 0)
    assert "Ann" not in json.dumps(receipt)


def test_more_than_half_is_braked(robot):
    with stored_places(robot.path, "robot1", robot.path, robot.path / "frames") as places:
        forgetter = Forgetter(places, lambda: NOW)
        found = forgetter.look(ForgetTarget("f_1", start_ns=START, end_ns=START + 45 * SECOND))
        with pytest.raises(RequestError, match="more than half"):
            forgetter.forget(found)
    assert files_with(robot.data, robot.ann_frames)
    assert not (robot.path / "forgetting.json").exists()


def test_a_stretch_of_time_is_forgotten_whoever_was_there(robot):
    within = stored_frames_between(robot, 10, 34)
    outside = stored_frames_between(robot, 34.5, 60)
    done = forget(robot, brake=False, start_ns=START + 10 * SECOND, end_ns=START + 34 * SECOND)
    assert files_with(robot.data, within) == {}
    assert set(outside) <= stored_frames(robot)
    assert not list((robot.path / "clips").iterdir())
    assert done.preview.recordings.deleted == {"front": 49, "rear": 49}
    events = [(event["event"], event["person_id"]) for event in read_events(robot.path)]
    assert events == [("PERSON_IN", CARL), ("PERSON_OUT", CARL)]
    store = SightingStore.open_readonly(robot.path, CONTRACT)
    assert [person.person_id for person in store.persons()] == [ANN_TOO, CARL]
    spans = store.coverage("front")
    store.close()
    assert not any(first < START + 20 * SECOND < last for first, last in spans)


def stored_frames_between(robot, first, last) -> list[bytes]:
    archive = FrameArchive.open_readonly(robot.path / "frames", "robot1")
    span = START + round(first * SECOND), START + round(last * SECOND)
    return [frame.jpeg for camera in ("front", "rear") for frame in archive.reader.between(camera, *span)]


@pytest.mark.parametrize("format", ["jpg", "h264"])
def test_blurred_frames_keep_the_others(tmp_path, format):
    robot = TracedRobot(tmp_path / "data", format=format, clip_formats=("mcap", "jpg", "png", "mp4"))
    before = {frame.stamp_ns: frame.image for frame in frames_of(robot)}
    done = forget(robot, person_id=ANN, blur=True)
    after = {frame.stamp_ns: frame.image for frame in frames_of(robot)}
    assert after.keys() == before.keys()
    assert files_with(robot.data, robot.ann_faces() + (robot.ann_frames if format == "jpg" else [])) == {}
    for second in (10, 12, 15, 19.5):
        left, right = after[START + round(second * SECOND)][8:52, 8:32], slice(80, 110)
        assert np.abs(left.astype(int) - 96).mean() < 4
        both = (images[START + round(second * SECOND)][8:52, right].astype(int) for images in (before, after))
        assert np.abs(np.subtract(*both)).mean() < 25
    assert done.preview.recordings.blurred == {"front": 23, "rear": 12}
    assert done.preview.recordings.deleted == {}
    assert bool(done.preview.recordings.encoded_again) == (format == "h264")
    clip = robot.path / "clips" / "with_ann"
    manifest = json.loads((clip / "manifest.json").read_text())
    assert {Path(line["file"]).suffix for line in manifest["files"]} == {".mcap", ".jpg", ".png"}
    assert all(person["person_id"] == BEN for line in manifest["frames"] for person in line["people"])
    for picture in [*clip.glob("front/*.jpg"), *clip.glob("front/*.png")]:
        assert np.abs(cv2.imread(str(picture))[8:52, 8:32].astype(int) - 96).mean() < 4
    assert {line["file"] for line in manifest["files"]} == {
        str(path.relative_to(clip)) for path in clip.rglob("*") if path.is_file() and path.name != "manifest.json"
    }


def frames_of(robot):
    archive = FrameArchive.open_readonly(robot.path / "frames", "robot1")
    return list(archive.reader.between("front", 0, 2**62))


@pytest.mark.parametrize("steps", [2, 8, 20, 40, 60])
def test_what_a_killed_process_began_is_finished(robot, steps):
    frames = robot.ann_frames
    command = [sys.executable, "-c", KILLED, str(robot.path), str(steps)]
    killed = subprocess.run(command, capture_output=True, text=True, timeout=60, env=os.environ)
    assert killed.returncode == -9, killed
    with stored_places(robot.path, "robot1", robot.path, robot.path / "frames") as places:
        forgetter = Forgetter(places, lambda: NOW)
        done = forgetter.finish()
        if done is None:  # it was killed before anything was deleted
            assert files_with(robot.data, frames)
            forgetter.forget(forgetter.look(ForgetTarget("f_1", person_id=ANN)))
        else:
            assert done.receipt["interrupted"]
            assert done.receipt["found"]["sightings"]
    assert files_with(robot.data, robot.ann_faces() + frames) == {}
    assert files_with(robot.data, robot.ann_words(), but=ON_FORGETTING) == {}
    assert set(robot.other_frames) <= stored_frames(robot)
    assert len(list(HashChain(robot.path, "receipts", "robot1").read())) == 1


def test_events_in_csv_go_too(tmp_path):
    log = EventLog(tmp_path, "csv")
    for person in (ANN, BEN):
        log.append(PersonEvent(PERSON_IN, START, "robot1", "front", person, 1, (1, 2, 3, 4), 0.9))
    log.close()
    (path,) = tmp_path.iterdir()
    assert edit_log(path, event_edit(ForgetOrder("f_1", "robot1", (ANN,)), ".csv"), change=True) == 1
    assert [event["person_id"] for event in read_events(tmp_path)] == [BEN]
    assert ANN not in path.read_text()
