"""A running robot forgets: on disk, in its memory, and for the tracks that go on."""

import pytest
from forget_folder import (
    ALWAYS,
    ANN,
    BEN,
    CONTRACT,
    ON_FORGETTING,
    SECOND,
    START,
    TracedRobot,
    files_with,
    picture,
    unit,
)
from forget_folder import track as track_of

from facetrack_ros.config import Config
from facetrack_ros.core.event import PERSON_OUT, PersonEvent
from facetrack_ros.errors import RequestError
from facetrack_ros.history.forget.order import ForgetTarget
from facetrack_ros.history.frames.retention import Limits
from facetrack_ros.history.frames.settings import FrameSettings
from facetrack_ros.history.live_forgetting import RobotForgetting
from facetrack_ros.history.robot_history import RobotHistory

NOW = START + 3600 * SECOND


@pytest.fixture
def robot(tmp_path):
    return TracedRobot(tmp_path / "data")


@pytest.fixture
def history(robot):
    settings = FrameSettings(50, "continuous", limits=Limits(frames=0))
    opened = RobotHistory(robot.data, "robot1", CONTRACT, settings)
    yield opened
    opened.close()


def forgetting(robot, history=lambda: None):
    return RobotForgetting(Config({"data_dir": str(robot.data)}), robot.data, "robot1", history, lambda: NOW)


def live(history, second, person, number, name="t_new", axis=1):
    """A frame with one person, added as the nodes do."""
    frame = picture("front", second, number)
    history.add_frame(frame)
    history.add_tracks("front", frame.stamp_ns, number, (track_of(person, axis, number, name, 5),), frame)
    return frame


def test_an_open_history_forgets_and_goes_on(robot, history):
    frames = [live(history, second, ANN, 1000 + second) for second in range(100, 110)]
    later = live(history, 130, BEN, 1130, "t_ben_again", axis=2)
    jpegs = [frame.jpeg for frame in frames] + robot.ann_frames
    done = forgetting(robot, lambda: history).forget(ForgetTarget("f_1", person_id=ANN), brake=False)
    assert done.receipt["found"]["sightings"]["net"] > 30
    assert files_with(robot.data, jpegs + robot.ann_faces()) == {}
    assert files_with(robot.data, [*robot.ann_words(), b"t_new"], but=ON_FORGETTING) == {}
    assert history.find_frame("front", frames[0].stamp_ns, SECOND) is None
    assert history.find_frame("front", later.stamp_ns, 0).jpeg == later.jpeg

    # The tracker still has the id for a moment: nothing of it is stored.
    live(history, 131, ANN, 1131)
    history.add_event(PersonEvent(PERSON_OUT, NOW, "robot1", "front", ANN, 1, last_seen_ns=NOW, duration_ns=1))
    live(history, 132, "p_robot1_77", 1132, "t_77")
    history.flush()
    history.recorder.drain()
    assert files_with(robot.data, [*robot.ann_words(), b"t_new"], but=ON_FORGETTING) == {}
    persons = [hit.person_id for hit, _ in history.sightings.search(unit(1), *ALWAYS, threshold=0.5)[0]]
    assert persons == ["p_robot1_77"]


def test_the_brake_holds_before_anything_is_dropped(robot, history):
    frame = live(history, 30, "p_robot1_9", 1000)
    target = ForgetTarget("f_1", start_ns=START, end_ns=START + 45 * SECOND)
    with pytest.raises(RequestError, match="more than half"):
        forgetting(robot, lambda: history).forget(target)
    assert history.find_frame("front", frame.stamp_ns, 0).jpeg == frame.jpeg


def test_a_robot_finishes_before_it_opens_its_history(robot, tmp_path):
    whole = forgetting(robot).forget(ForgetTarget("f_1", person_id=ANN))
    assert whole.receipt is not None
    (robot.path / "events-2023-11-14.jsonl").open("a").write(f'{{"person_id": "{ANN}"}}\n')  # as of a backup
    forgetting(robot).at_start()
    assert files_with(robot.data, robot.ann_words(), but=ON_FORGETTING) == {}
