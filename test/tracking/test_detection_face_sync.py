"""Persons and faces of one frame meet again, and no frame is lost or turned around."""

from facetrack_ros.core.detections import Detections
from facetrack_ros.core.frame import Frame
from facetrack_ros.tracking.detection_face_sync import DetectionFaceSynchronizer

SECOND = 1_000_000_000


def frame(tenths):
    return Frame("front", tenths * SECOND // 10, tenths, b"")


def numbers(joined):
    return [(waiting.number, faces) for waiting, _, faces in joined]


NOBODY = Detections.none("test")
FACES = ("a face",)


def test_a_frame_waits_for_its_faces():
    join = DetectionFaceSynchronizer()
    assert join.add_detections(frame(1), NOBODY) == []
    assert numbers(join.add_faces(frame(1), FACES)) == [(1, FACES)]


def test_frames_the_embedder_passed_over_go_first_and_without_faces():
    join = DetectionFaceSynchronizer()
    for tenths in (1, 2, 3, 4):
        join.add_detections(frame(tenths), NOBODY)
    assert numbers(join.add_faces(frame(3), FACES)) == [(1, ()), (2, ()), (3, FACES)]
    assert numbers(join.flush()) == [(4, ())]


def test_a_silent_embedder_delays_no_frame_longer_than_the_patience():
    join = DetectionFaceSynchronizer(patience_ns=SECOND)
    for tenths in range(11):
        assert join.add_detections(frame(tenths), NOBODY) == []
    assert numbers(join.add_detections(frame(12), NOBODY)) == [(0, ()), (1, ())]


def test_faces_that_come_too_late_are_dropped():
    join = DetectionFaceSynchronizer(patience_ns=SECOND)
    join.add_detections(frame(0), NOBODY)
    join.add_detections(frame(20), NOBODY)
    assert join.add_faces(frame(0), FACES) == []


def test_time_that_goes_back_flushes_what_waits():
    join = DetectionFaceSynchronizer()
    join.add_detections(frame(50), NOBODY)
    assert numbers(join.add_detections(frame(1), NOBODY)) == [(50, ())]


def test_frames_the_detector_passed_over_keep_their_place_and_wait_for_nothing_themselves():
    join = DetectionFaceSynchronizer()
    assert numbers(join.add_detections(frame(0), None)) == [(0, ())]
    join.add_detections(frame(1), NOBODY)
    assert join.add_detections(frame(2), None) == join.add_detections(frame(3), None) == []
    join.add_detections(frame(4), NOBODY)
    released = join.add_faces(frame(1), FACES)
    assert numbers(released) == [(1, FACES), (2, ()), (3, ())]
    assert [detections for _, detections, _ in released] == [NOBODY, None, None]
    assert numbers(join.add_detections(frame(20), None)) == [(4, ()), (20, ())], "they wait no longer than the patience"
