"""People come, go, return and cross: each event once, each person one id."""

import re

import numpy as np
import pytest

from facetrack_ros.core.detections import Detections
from facetrack_ros.core.event import FACE_MATCHED, PERSON_IN, PERSON_OUT
from facetrack_ros.core.face import Face
from facetrack_ros.core.track import TrackState
from facetrack_ros.tracking.id_allocator import IdAllocator
from facetrack_ros.tracking.identity.person_registry import TemplateRefused
from facetrack_ros.tracking.identity_merges import MergeDecision
from facetrack_ros.tracking.people_tracker import PeopleTracker
from facetrack_ros.tracking.settings import TrackingSettings

P1, P2, P3 = "p_robot1_1", "p_robot1_2", "p_robot1_3"


def test_a_person_comes_at_the_first_frame_and_leaves_two_seconds_after_the_last(scene, embedding_of):
    for step in range(5):
        scene.show(10 + 0.1 * step, (100 + 5 * step, embedding_of(1)))
    scene.show(12.3)
    assert scene.summary() == [(PERSON_IN, P1, 10.0)]
    scene.show(12.5)
    assert scene.summary() == [(PERSON_IN, P1, 10.0), (PERSON_OUT, P1, 12.4)]
    came, left = scene.events
    assert came.frame_number == 0
    assert came.bbox == (100, 100, 160, 280)
    assert came.robot_id == "robot1"
    assert left.last_seen_ns == 10_400_000_000
    assert left.duration_ns == 400_000_000
    assert left.last_bbox == (120, 100, 180, 280)
    assert left.frame_number == 5  # the last frame up to 12.4


def test_a_single_frame_confirms_no_track(scene, embedding_of):
    (track,) = scene.show(10, (100, embedding_of(1)))
    assert track.state is TrackState.IDLE
    assert track.person_id == ""
    scene.show(13)
    scene.close()
    assert scene.summary() == []


def test_a_track_is_idle_then_tracking_then_lost_then_idle_once(scene, embedding_of):
    states = []
    for time_s in (10.0, 10.5, 11.0):
        states += [track.state.name for track in scene.show(time_s, (100, embedding_of(1)))]
    for time_s in (11.5, 13.0, 13.5, 14.0):
        states += [track.state.name for track in scene.show(time_s)]
    assert states == ["IDLE", "TRACKING", "TRACKING", "LOST", "IDLE"]


def test_a_lost_track_keeps_its_last_box_and_shows_no_face(scene, embedding_of):
    scene.show(10, (100, embedding_of(1)))
    (seen,) = scene.show(10.1, (110, embedding_of(1)))
    (lost,) = scene.show(10.2)
    assert seen.face is not None
    assert seen.person_id == P1
    assert lost.state is TrackState.LOST
    assert lost.face is None
    assert lost.track_id == seen.track_id
    assert np.array_equal(lost.bbox, [110, 100, 170, 280])


@pytest.mark.parametrize("pause_s", [1.5, 2.0, 2.1, 3.9])
def test_a_visit_outlasts_a_pause_in_which_the_camera_is_not_watched(scene, embedding_of, pause_s):
    for start in (10, 10.8 + pause_s):
        for step in range(5):
            scene.show(start + 0.2 * step, (100, embedding_of(1, 0.9, step)))
        scene.pass_time(start + 0.8 + pause_s - 0.1)
    assert scene.summary() == [(PERSON_IN, P1, 10.0)]


def test_a_person_who_is_gone_after_a_pause_has_left_before_its_end(scene, embedding_of):
    for step in range(5):
        scene.show(10 + 0.2 * step, (100, embedding_of(1)))
    scene.pass_time(13.5)
    assert scene.summary() == [(PERSON_IN, P1, 10.0)]
    scene.show(13.6)
    assert scene.summary() == [(PERSON_IN, P1, 10.0), (PERSON_OUT, P1, 12.8)]


def test_a_longer_pause_ends_the_visit(scene, embedding_of):
    for start in (10, 14.9):
        for step in range(5):
            scene.show(start + 0.2 * step, (100, embedding_of(1, 0.9, step)))
    assert [event for event in scene.summary() if event[0] != FACE_MATCHED] == [
        (PERSON_IN, P1, 10.0),
        (PERSON_OUT, P1, 12.8),
        (PERSON_IN, P1, 14.9),
    ]


def test_absence_is_established_by_time_without_frames(scene, embedding_of):
    scene.show(10, (100, embedding_of(1)))
    scene.show(10.5, (100, embedding_of(1)))
    scene.pass_time(12.4)
    assert len(scene.events) == 1
    scene.pass_time(12.6)
    scene.pass_time(20)
    assert scene.summary()[1:] == [(PERSON_OUT, P1, 12.5)]


def test_closing_ends_each_visit_once(scene, embedding_of):
    for time_s in (10, 10.5):
        scene.show(time_s, (100, embedding_of(1)), (300, embedding_of(2)))
    scene.close("front")
    scene.close()
    assert sorted(scene.summary()[2:]) == [(PERSON_OUT, P1, 10.5), (PERSON_OUT, P2, 10.5)]


def test_seen_again_after_exactly_two_seconds_is_no_absence(scene, embedding_of):
    for time_s in (10, 12, 14, 16):
        scene.show(time_s, (100, embedding_of(1)))
    assert scene.summary() == [(PERSON_IN, P1, 10.0)]


def test_a_return_within_two_seconds_elsewhere_makes_no_new_events(scene, embedding_of):
    for time_s in (10, 10.2, 10.4):
        scene.show(time_s, (100, embedding_of(1)))
    scene.show(11)
    for time_s in (12.2, 12.4, 12.6, 12.8):
        scene.show(time_s, (500, embedding_of(1)))
    assert scene.summary() == [(PERSON_IN, P1, 10.0)]


def test_a_return_within_two_seconds_counts_though_the_face_shows_later(scene, embedding_of):
    for time_s in (10, 10.2, 10.4):
        scene.show(time_s, (100, embedding_of(1)))
    for time_s in (12.3, 12.5, 12.7):
        scene.show(time_s, (500, None))
    tracks = scene.show(12.9, (500, embedding_of(1)))
    assert [track.person_id for track in tracks if track.state is TrackState.TRACKING] == [P1]
    assert scene.summary() == [(PERSON_IN, P1, 10.0)]


def test_a_later_return_is_reported_as_known_once_a_visit(scene, embedding_of):
    for start in (10, 20, 30):
        for step in range(5):
            scene.show(start + 0.2 * step, (100, embedding_of(1, 0.9, step)))
        scene.show(start + 4)
    assert scene.summary() == [
        (PERSON_IN, P1, 10.0),
        (PERSON_OUT, P1, 12.8),
        (PERSON_IN, P1, 20.0),
        (FACE_MATCHED, P1, 20.2),
        (PERSON_OUT, P1, 22.8),
        (PERSON_IN, P1, 30.0),
        (FACE_MATCHED, P1, 30.2),
        (PERSON_OUT, P1, 32.8),
    ]
    matched = scene.events[3]
    assert matched.reference_face_id == P1
    assert matched.similarity > 0.8
    assert matched.search_id is None


def test_two_cameras_may_see_one_person_at_once(scene, embedding_of):
    for time_s in (10, 10.2, 10.4):
        scene.show(time_s, (100, embedding_of(1)), camera="front")
        scene.show(time_s, (300, embedding_of(1)), camera="back")
    assert scene.summary() == [(PERSON_IN, P1, 10.0), (PERSON_IN, P1, 10.0), (FACE_MATCHED, P1, 10.2)]
    assert [event.camera_id for event in scene.events] == ["front", "back", "back"]


def test_two_people_in_one_picture_are_never_one_person(scene, embedding_of):
    for step in range(20):
        scene.show(10 + 0.2 * step, (100, embedding_of(1)), (400, embedding_of(1, 0.99)))
    assert {person for _, person, _ in scene.summary()} == {P1, P2}
    assert [event for event, _, _ in scene.summary()] == [PERSON_IN, PERSON_IN]


def test_a_track_seen_with_a_person_is_not_that_person_after_they_have_left(scene, embedding_of):
    for step in range(3):
        scene.show(10 + 0.2 * step, (100, embedding_of(1)))
    scene.show(10.6, (100, embedding_of(1)), (400, None))
    for step in range(4):
        tracks = scene.show(10.8 + 0.2 * step, (400, embedding_of(1, 0.99)))
    assert {track.person_id for track in tracks if track.state is TrackState.TRACKING} == {P2}


def test_people_who_cross_keep_their_ids_by_their_faces(scene, embedding_of):
    # They meet at x = 300 and are hidden there for a second; each goes back the way it came, which motion
    # alone would take for passing through.
    for step in range(10):
        offset = 20 * step
        scene.show(10 + 0.1 * step, (100 + offset, embedding_of(1)), (500 - offset, embedding_of(2)))
    for step in range(5):
        scene.show(11 + 0.1 * step, (300, None))
    for step in range(10):
        offset = 20 * (9 - step)
        tracks = scene.show(11.5 + 0.1 * step, (100 + offset, embedding_of(1)), (500 - offset, embedding_of(2)))
    at = {track.person_id: track.bbox[0] for track in tracks if track.state is TrackState.TRACKING}
    assert at == {P1: 100, P2: 500}
    assert [event for event, _, _ in scene.summary()] == [PERSON_IN, PERSON_IN]


def test_people_who_cross_without_faces_keep_their_tracks_by_motion(scene):
    ids = []
    for step in range(21):
        tracks = scene.show(10 + 0.1 * step, (100 + 20 * step, None), (500 - 20 * step, None))
        ids.append({track.track_id: track.bbox[0] for track in tracks})
    assert ids[0].keys() == ids[-1].keys()
    for track_id, x in ids[0].items():
        assert ids[-1][track_id] == 600 - x


@pytest.mark.parametrize(("fps", "speed"), [(2, 60), (2, 100), (3, 100), (4, 100)])
def test_people_who_walk_at_low_frame_rates_are_one_track(scene, fps, speed):
    tracks = [scene.show(10 + step / fps, (50 + speed * step / fps, None)) for step in range(10)]
    assert len({track.track_id for shown in tracks for track in shown}) == 1


def test_irregular_frames_are_no_break(scene):
    times = np.cumsum([0.03, 0.5, 0.04, 0.9, 0.1, 0.33, 0.7, 0.05])
    tracks = [scene.show(10 + time, (50 + 60 * time, None)) for time in times]
    assert len({track.track_id for shown in tracks for track in shown}) == 1


def test_a_track_without_a_face_gets_an_id_after_a_second(scene):
    for step in range(4):
        scene.show(10 + 0.4 * step, (100, None))
        assert len(scene.events) == (step == 4)
    scene.show(11.4, (100, None))
    assert scene.summary() == [(PERSON_IN, P1, 10.0)]


def test_a_track_without_a_face_gets_an_id_though_no_frame_comes(scene):
    for time_s in (10, 10.9, 11.0):
        scene.show(time_s, (100, None))
    scene.pass_time(11.9)
    scene.pass_time(15.1)
    assert scene.summary() == [(PERSON_IN, P1, 10.0), (PERSON_OUT, P1, 13.0)]


def test_a_short_track_without_a_face_is_no_person(scene):
    """Detectors put a second box around a person half hidden, for a frame or five."""
    for step in range(5):
        scene.show(10 + 0.1 * step, (100, None))
    for step in range(40):
        scene.show(10.5 + 0.1 * step)
    scene.close()
    assert scene.summary() == []


def test_a_visit_that_turns_out_to_be_known_reports_it_once_and_keeps_its_id(scene, embedding_of):
    for step in range(3):
        scene.show(10 + 0.2 * step, (100, embedding_of(1)))
    for step in range(8):
        scene.show(20 + 0.2 * step, (100, None))
    for step in range(3):
        scene.show(21.6 + 0.2 * step, (100, embedding_of(1)))
    assert scene.summary() == [
        (PERSON_IN, P1, 10.0),
        (PERSON_OUT, P1, 12.4),
        (PERSON_IN, P2, 20.0),
        (FACE_MATCHED, P2, 21.6),
    ]
    assert scene.events[-1].reference_face_id == P1


def test_after_two_ids_of_one_person_the_older_one_is_found_again(scene, embedding_of):
    test_a_visit_that_turns_out_to_be_known_reports_it_once_and_keeps_its_id(scene, embedding_of)
    for step in range(3):
        scene.show(30 + 0.2 * step, (100, embedding_of(1)))
    assert scene.summary()[-2:] == [(PERSON_IN, P1, 30.0), (FACE_MATCHED, P1, 30.2)]


def test_one_poor_embedding_makes_no_second_id_of_a_known_person(scene, embedding_of):
    for step in range(3):
        scene.show(10 + 0.2 * step, (100, embedding_of(1)))
    scene.show(20, (100, embedding_of(1, 0.3, 5)))
    scene.show(20.2, (100, embedding_of(1, 0.3, 5)))
    scene.show(20.4, (100, embedding_of(1, 0.95)))
    assert {person for _, person, _ in scene.summary()} == {P1}


def test_a_stranger_gets_an_id_at_the_third_embedding_where_others_are_known(scene, embedding_of):
    for step in range(3):
        scene.show(10 + 0.2 * step, (100, embedding_of(1)))
    for step in range(3):
        assert P2 not in {person for _, person, _ in scene.summary()}
        scene.show(20 + 0.2 * step, (100, embedding_of(2)))
    assert scene.summary()[-1] == (PERSON_IN, P2, 20.0)


def test_a_face_between_two_known_persons_is_neither(scene, embedding_of):
    for step in range(3):
        scene.show(10 + 0.2 * step, (100, embedding_of(1)), (400, embedding_of(2)))
    between = (embedding_of(1) + embedding_of(2)) / np.sqrt(2)
    for step in range(8):
        scene.show(20 + 0.2 * step, (100, between))
    assert scene.summary()[-1] == (PERSON_IN, P3, 20.0)


def test_a_bag_that_loops_begins_a_new_session(scene, embedding_of):
    for _ in range(2):
        for step in range(5):
            scene.show(10 + 0.2 * step, (100, embedding_of(1)))
    assert scene.summary() == [
        (PERSON_IN, P1, 10.0),
        (PERSON_OUT, P1, 10.8),
        (PERSON_IN, P1, 10.0),
        (FACE_MATCHED, P1, 10.2),
    ]
    assert scene.events[1].duration_ns == 800_000_000


def test_a_repeated_frame_changes_nothing(scene, embedding_of):
    scene.show(10, (100, embedding_of(1)))
    first = scene.show(10.2, (100, embedding_of(1)))
    assert scene.show(10.2, (400, embedding_of(2))) == first
    assert scene.summary() == [(PERSON_IN, P1, 10.0)]


def test_one_camera_that_jumps_back_leaves_the_other_alone(scene, embedding_of):
    for time_s in (10, 10.2, 10.4):
        scene.show(time_s, (100, embedding_of(1)), camera="front")
        scene.show(time_s, (100, embedding_of(2)), camera="back")
    scene.show(5, camera="front")
    assert [(event.event, event.camera_id) for event in scene.events] == [
        (PERSON_IN, "front"),
        (PERSON_IN, "back"),
        (PERSON_OUT, "front"),
    ]


def test_damaged_boxes_and_faces_do_no_harm(scene, embedding_of):
    nan = np.full(64, np.nan, np.float32)
    bad_boxes = ((np.nan, embedding_of(1)), (-200, embedding_of(2)), (np.inf, embedding_of(3)))
    for step in range(3):
        scene.show(10 + 0.1 * step, (100, nan), *bad_boxes)
    scene.show(10.4, (100, np.zeros(64, np.float32)))
    scene.show(10.5, (100, embedding_of(1)[:10] * 1))
    tracks = scene.show(10.6, (100, embedding_of(1)))
    assert len(tracks) == 1
    assert tracks[0].person_id == P1
    empty = Detections(np.empty((0,), np.float32), np.empty(0, np.float32), "boxes")
    assert scene.people.update("front", 10_700_000_000, 9, empty, ())[0][0].state is TrackState.LOST


def test_confidence_is_the_score_and_more_when_seen_again_and_when_the_face_agrees(scene, embedding_of):
    def confidence(time_s, face, score):
        return round(scene.show(time_s, (100, face), score=score)[0].confidence, 3)

    assert confidence(10.0, embedding_of(1), 0.5) == 0.5
    assert confidence(10.4, None, 0.5) == 0.6
    assert confidence(10.8, embedding_of(1), 0.5) == 0.75
    assert confidence(11.6, embedding_of(1), 0.5) == 0.65
    assert confidence(12.9, embedding_of(1), 0.5) == 0.5
    assert confidence(13.0, embedding_of(1), 0.9) == 1.0


def test_another_tracker_can_be_used(embedding_of):
    class ByOrder:
        """Follows the first box only."""

        def update(self, stamp_ns, observation):
            return np.array([0] + [-1] * (len(observation) - 1))[: len(observation)]

        def began(self, key):
            return None

    people = PeopleTracker("robot1", IdAllocator(), TrackingSettings(), 0.36, "a-model", new_tracker=ByOrder)
    boxes = np.array([[0, 0, 60, 180], [100, 0, 160, 180]], np.float32)
    shown = Detections(boxes, np.ones(2, np.float32), "boxes")
    for number in range(2):
        tracks, _ = people.update("front", number * 10**8, number, shown, ())
    assert [track.state for track in tracks] == [TrackState.TRACKING]


@pytest.mark.parametrize(("robot", "camera"), [("robot 1", "front-left"), ("1", "0"), ("机器人", "前")])
def test_ids_begin_with_a_letter_and_are_plain_whatever_robot_and_camera_are_called(robot, camera):
    people = PeopleTracker(robot, IdAllocator(), TrackingSettings(identity_wait_ns=0), 0.36, "a-model")
    boxes = np.array([[0, 0, 60, 180]], np.float32)
    shown = Detections(boxes, np.ones(1, np.float32), "boxes")
    for number in range(2):
        tracks, events = people.update(camera, number * 10**8, number, shown, ())
    for made in (tracks[0].track_id, events[0].person_id):
        assert re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", made)
    assert (events[0].robot_id, events[0].camera_id) == (robot, camera)


def test_persons_come_with_their_templates(scene, embedding_of):
    for step in range(4):
        scene.show(10 + 0.2 * step, (100, embedding_of(1, 0.8, step)), (400, None))
    persons = scene.people.persons()
    assert list(persons) == [P1]
    assert len(persons[P1]) == 4
    assert np.allclose(np.linalg.norm(persons[P1].embeddings, axis=1), 1)


def test_a_person_learned_from_another_robot_keeps_that_id(scene, embedding_of):
    scene.people.learn("p_robot2_7", "a-model", embedding_of(1)[None], np.array([0.9]))
    for step in range(3):
        scene.show(10 + 0.2 * step, (100, embedding_of(1, 0.9)))
    assert scene.summary() == [(PERSON_IN, "p_robot2_7", 10.0), (FACE_MATCHED, "p_robot2_7", 10.2)]


def test_a_forgotten_person_is_a_stranger_again(scene, embedding_of):
    for start in (10, 20):
        for step in range(3):
            scene.show(start + 0.2 * step, (100, embedding_of(1)))
        scene.show(start + 4)
        scene.people.forget(P1)
    assert {person for _, person, _ in scene.summary()} == {P1, P2}
    assert FACE_MATCHED not in {event for event, _, _ in scene.summary()}


def test_a_track_that_moves_to_another_person_ends_and_both_keep_their_ids(embedding_of):
    """What joins boxes may be wrong where people cross: here the two keys change places at 12 s."""

    class Swapped:
        def update(self, stamp_ns, observation):
            return np.arange(len(observation))[::-1] if stamp_ns >= 12 * 10**9 else np.arange(len(observation))

        def began(self, key):
            return None

    people, at = PeopleTracker("robot1", IdAllocator(), TrackingSettings(), 0.36, "a-model", new_tracker=Swapped), {}
    boxes = np.array([[100, 100, 160, 280], [400, 100, 460, 280]], np.float32)
    landmarks, shown = np.zeros((5, 2), np.float32), Detections(boxes, np.ones(2, np.float32), "boxes")
    faces = [Face(box, landmarks, 0.9, 0.8, person=i, embedding=embedding_of(i + 1)) for i, box in enumerate(boxes)]
    for number in range(40):
        tracks, _ = people.update("front", 10 * 10**9 + number * 10**8, number, shown, faces)
        at[number] = {track.person_id: track.bbox[0] for track in tracks if track.state is TrackState.TRACKING}
    assert at[19] == at[39] == {P1: 100, P2: 400}


def test_ids_of_one_person_are_merged_and_a_visit_keeps_its_id(scene, embedding_of):
    for step in range(3):
        scene.show(10 + 0.2 * step, (100, embedding_of(1)))
    for step in range(8):
        scene.show(20 + 0.2 * step, (100, None))
    for step in range(3):
        tracks = scene.show(21.6 + 0.2 * step, (100, embedding_of(1)))
    assert tracks[0].person_id == P2
    assert scene.people.merges.group(P2) == (P1, P2)
    (decision,) = scene.people.take_new_decisions()
    assert decision.same
    assert decision.similarity == pytest.approx(1)
    assert decision.model_id == "a-model"
    assert not decision.operator
    assert scene.people.take_new_decisions() == ()


def test_two_robots_that_exchange_people_agree(make_scene, embedding_of):
    """Each made an id of its own for one person, and each tells the other, in either order."""
    one, other = make_scene(), make_scene()
    other.people = PeopleTracker("robot2", IdAllocator(), TrackingSettings(), 0.36, "a-model")
    for step in range(4):
        one.show(10 + 0.2 * step, (100, embedding_of(1, 0.95, step)))
        other.show(10 + 0.2 * step, (300, embedding_of(1, 0.95, 10 + step)))
    for teller, listener in ((one, other), (other, one)):
        for person_id, template in teller.people.persons().items():
            if person_id.startswith(f"p_{teller.people.robot_id}"):
                listener.people.learn(person_id, "a-model", template.embeddings, template.qualities)
    for teller, listener in ((one, other), (other, one)):
        for decision in teller.people.take_new_decisions():
            listener.people.add_decision(decision)
    assert {scene.people.merges.canonical(each) for scene in (one, other) for each in (P1, "p_robot2_1")} == {P1}


def test_a_robot_that_saw_two_persons_in_one_frame_splits_their_merge(scene, embedding_of):
    for step in range(3):
        scene.show(10 + 0.2 * step, (100, embedding_of(1)), (400, embedding_of(2)))
    joined = MergeDecision("a_robot2_1", P1, P2, True, "robot2", False, 1, 0, "faces match", 0.6, "a-model")
    scene.people.add_decision(joined)
    (split,) = scene.people.take_new_decisions()
    assert not split.same
    assert split.reason == "seen in one picture"
    assert scene.people.merges.canonical(P2) == P2
    # A person's word counts more.
    scene.people.add_decision(MergeDecision("a_ann_1", P1, P2, True, "ann", True, 1, 0, "twins, I asked"))
    assert scene.people.take_new_decisions() == ()
    assert scene.people.merges.canonical(P2) == P1


@pytest.mark.parametrize(("first", "second"), [("1", "p_2"), ("p_1", "p 2"), ("p_2", "p_1"), ("p_1", "p_1")])
def test_a_decision_with_invalid_ids_is_refused(scene, first, second):
    with pytest.raises(TemplateRefused):
        scene.people.add_decision(MergeDecision("a_1", first, second, True, "robot2", False, 1, 0, ""))
    assert scene.people.merges.decisions == ()


def test_a_person_of_middling_score_comes_with_the_first_of_several_boxes(scene):
    for step in range(20):
        scene.show(10 + 0.1 * step, (100 + 3 * step, None), score=0.6)
    (came,) = scene.events
    assert (came.event, came.stamp_ns, came.frame_number) == (PERSON_IN, 10 * 10**9, 0)
    assert came.bbox == (100, 100, 160, 280)
