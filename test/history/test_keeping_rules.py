"""What a robot keeps and why, and what goes with time."""

import json
import os

import numpy as np
import pytest

from facetrack_ros.clips.clip import Clip
from facetrack_ros.clips.sources import StoredSource
from facetrack_ros.clips.writer import save_clip
from facetrack_ros.config import Config
from facetrack_ros.core.event import PERSON_IN, PersonEvent
from facetrack_ros.core.face import Face
from facetrack_ros.core.frame import Frame, encode_jpeg
from facetrack_ros.core.track import Track, TrackState
from facetrack_ros.errors import ConfigError, StoreError
from facetrack_ros.history.keeping_rules import KeepingRules
from facetrack_ros.history.layout import history_folders, robot_folder
from facetrack_ros.history.robot_history import RobotHistory
from facetrack_ros.models.contract import ModelContract
from facetrack_ros.search.offline.status import stored_status

CONTRACT = ModelContract("net", "embedding", "onnx", "net.onnx", "", 1, "MIT", dimension=4, threshold=0.5)
HOUR_NS = 3_600_000_000_000
START_NS = 20_000 * 24 * HOUR_NS
SETTINGS = {
    "privacy.purpose": "access to the hall",
    "privacy.legal_basis": "consent, Art. 6(1)(a)",
    "frame_history.mode": "continuous",
    "frame_history.max_disk_age_h": 24.0,
    "sightings.max_age_h": 720.0,
}


def opened(folder, **settings):
    return RobotHistory.of_config(Config({**SETTINGS, **settings}), folder, "robot1", CONTRACT)


def show(history, stamp_ns, number=0):
    """A face in a frame with a picture, each time of another track."""
    frame = Frame("front", stamp_ns, number, encode_jpeg(np.full((60, 80, 3), 99, np.uint8)))
    box = np.array([10, 10, 40, 40], np.float32)
    face = Face(box, np.zeros((5, 2), np.float32), 0.9, 0.5, embedding=np.eye(4, dtype=np.float32)[0])
    history.add_frame(frame)
    history.add_tracks(
        "front", stamp_ns, number, (Track(f"t_{stamp_ns}", "p_robot1_1", TrackState.TRACKING, box, 0.8, face),), frame
    )
    history.add_event(PersonEvent(PERSON_IN, stamp_ns, "robot1", "front", "p_robot1_1", number, (1, 2, 3, 4), 0.8))


def test_the_rules_are_stored_and_shown_in_status_and_clips(tmp_path):
    history = opened(tmp_path)
    show(history, START_NS)
    assert history.status().rules == KeepingRules.of_config(Config(SETTINGS))
    history.flush()
    history.close()
    (status,) = stored_status(tmp_path)
    assert status.rules.sentence == (
        "access to the hall (consent, Art. 6(1)(a)); faces of everyone; frames up to 5000 or 24 h, sightings up to "
        "720 h, thumbnails up to 720 h, events without limit, clips up to 200 or 2000 MB"
    )
    with StoredSource(history_folders(tmp_path)[0]) as source:
        saved = save_clip(source, Clip(("front",), START_NS, START_NS), tmp_path / "clip")
    manifest = json.loads((saved.folder / "manifest.json").read_text())
    assert (manifest["purpose"], manifest["legal_basis"]) == ("access to the hall", "consent, Art. 6(1)(a)")


def test_rules_that_change_are_stored_anew_and_damaged_ones_are_unknown(tmp_path):
    history = opened(tmp_path)
    history.change(Config({**SETTINGS, "sightings.max_count": 7, "recognition.keep": "watchlist"}))
    assert KeepingRules.read(history.path).limits["sightings"]["max_count"] == 7
    history.close()
    (history.path / "keeping.json").write_text('{"purpose": 3, "legal_basis": "", "keep": "all", "limits": {}}')
    assert KeepingRules.read(history.path) is None
    assert stored_status(tmp_path)[0].rules is None


@pytest.mark.parametrize("text", ["", "[]", "{", '{"limits": {"frames": {"max_mb": NaN}}}', '{"limits": 3}'])
def test_what_is_no_rules_is_unknown(text):
    assert KeepingRules.of_json(text) is None


def test_a_purpose_of_many_lines_is_refused(tmp_path):
    for text in ("a\nb", "x" * 201):
        with pytest.raises(ConfigError, match=r"privacy\.purpose"):
            opened(tmp_path, **{"privacy.purpose": text})


def thumbnails(history):
    return [bool(sighting.thumbnail) for sighting in history.sightings.of_persons(["p_robot1_1"])]


def test_thumbnails_and_events_go_before_the_sightings(tmp_path):
    history = opened(tmp_path, **{"sightings.thumbnails_max_age_h": 24.0, "event_logging.max_age_h": 48.0})
    for days in range(3):
        show(history, START_NS + days * 24 * HOUR_NS + 1)
        history.flush()
    assert thumbnails(history) == [False, True, True]
    assert len(list(history.path.glob("events-*.jsonl"))) == 3
    show(history, START_NS + 97 * HOUR_NS)
    history.flush()
    assert thumbnails(history) == [False, False, False, True]
    assert len(list(history.path.glob("events-*.jsonl"))) == 2  # of the third day, which ended 25 h ago, and this
    history.close()


def test_no_byte_of_a_deleted_thumbnail_is_left(tmp_path):
    history = opened(tmp_path, **{"sightings.thumbnails_max_age_h": 1.0, "frame_history.mode": "off"})
    show(history, START_NS)
    history.flush()
    (jpeg,) = (sighting.thumbnail for sighting in history.sightings.of_persons(["p_robot1_1"]))

    def on_disk():
        return any(jpeg[200:264] in file.read_bytes() for file in history.path.rglob("*") if file.is_file())

    assert on_disk()
    history.add_frame(Frame("front", START_NS + 2 * HOUR_NS, 1, b"later"))
    history.flush()
    assert not on_disk()
    history.close()


def test_a_data_folder_that_others_may_write_is_refused(tmp_path):
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o777)
    with pytest.raises(StoreError, match="chmod go-w"):
        robot_folder(shared, "robot1")
    with pytest.raises(StoreError, match="chmod go-w"):
        opened(tmp_path, **{"frame_history.disk_cache_dir": str(shared)})
    assert not list(shared.iterdir())
    shared.chmod(0o755)
    assert robot_folder(shared, "robot1").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("umask", [0o000, 0o077])
def test_a_new_data_folder_is_its_owners_whatever_the_umask(tmp_path, umask):
    before = os.umask(umask)
    try:
        folder = robot_folder(tmp_path / "a" / "data", "robot1")
    finally:
        os.umask(before)
    assert folder.parent.stat().st_mode & 0o077 == 0
    assert folder.stat().st_mode & 0o077 == 0
