"""Persons and faces of a frame are paired, and no frame is lost or reordered."""

from facetrack_ros.core.detections import Detections
from facetrack_ros.core.frame import Frame
from facetrack_ros.pipeline.detection_face_sync import DetectionFaceSynchronizer

SECOND = 1_000_000_000


def frame(tenths):
    return Frame("front", tenths * SECOND // 10, tenths, b"")


def numbers(joined):
    return [(waiting.number, faces) for waiting, _, faces in joined]


NO_DETECTIONS = Detections.none("test")
FACES = ("a face",)


def test_a_frame_waits_for_its_faces():
    join = DetectionFaceSynchronizer()
    assert join.add_detections(frame(1), NO_DETECTIONS) == []
    assert numbers(join.add_faces(frame(1), FACES)) == [(1, FACES)]


def test_frames_that_the_embedder_skipped_are_released_without_faces():
    join = DetectionFaceSynchronizer()
    for tenths in (1, 2, 3, 4):
        join.add_detections(frame(tenths), NO_DETECTIONS)
    assert numbers(join.add_faces(frame(3), FACES)) == [(1, ()), (2, ()), (3, FACES)]
    assert numbers(join.flush()) == [(4, ())]


def test_a_silent_embedder_delays_no_frame_longer_than_the_patience():
    join = DetectionFaceSynchronizer(patience_ns=SECOND)
    for tenths in range(11):
        assert join.add_detections(frame(tenths), NO_DETECTIONS) == []
    assert numbers(join.add_detections(frame(12), NO_DETECTIONS)) == [(0, ()), (1, ())]


def test_faces_that_come_too_late_are_dropped():
    join = DetectionFaceSynchronizer(patience_ns=SECOND)
    join.add_detections(frame(0), NO_DETECTIONS)
    join.add_detections(frame(20), NO_DETECTIONS)
    assert join.add_faces(frame(0), FACES) == []


def test_a_stamp_that_jumps_back_flushes_the_waiting_frames():
    join = DetectionFaceSynchronizer()
    join.add_detections(frame(50), NO_DETECTIONS)
    assert numbers(join.add_detections(frame(1), NO_DETECTIONS)) == [(50, ())]


def test_frames_that_the_detector_skipped_keep_their_place():
    join = DetectionFaceSynchronizer()
    assert numbers(join.add_detections(frame(0), None)) == [(0, ())]
    join.add_detections(frame(1), NO_DETECTIONS)
    assert join.add_detections(frame(2), None) == join.add_detections(frame(3), None) == []
    join.add_detections(frame(4), NO_DETECTIONS)
    released = join.add_faces(frame(1), FACES)
    assert numbers(released) == [(1, FACES), (2, ()), (3, ())]
    assert [detections for _, detections, _ in released] == [NO_DETECTIONS, None, None]
    assert numbers(join.add_detections(frame(20), None)) == [(4, ()), (20, ())], "they wait no longer than the patience"
