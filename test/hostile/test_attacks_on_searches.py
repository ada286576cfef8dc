"""Attacks on searches and services: forged and repeated answers, floods, bombs, impossible requests."""

import time
import zlib
from struct import pack

import numpy as np
import pytest
from builtin_interfaces.msg import Duration, Time
from hostile_fleet import DIMENSION, MODEL
from lifecycle_msgs.srv import ChangeState
from rcl_interfaces.srv import SetParameters
from rclpy.parameter import Parameter
from rclpy.qos import QoSDurabilityPolicy, QoSProfile
from robot_processes import wait_until
from sensor_msgs.msg import CompressedImage, Image

from facetrack_ros import msg, srv
from facetrack_ros.nodes.conversion.fields import byte_array, float_array

MESH = "/facetrack"
#: Most megabytes that one bad input may cost a robot at its peak.
PEAK_MB = 100


@pytest.fixture(scope="module", autouse=True)
def unharmed(fleet, attacker):
    """After all attacks of this file both robots search, restart, hold what they held, and logged no traceback."""
    held = fleet.held()
    yield
    attacker.abandon()
    fleet.check_searches(attacker)
    fleet.restart()
    fleet.check_held(held)
    fleet.check_searches(attacker)
    assert "Traceback" not in fleet.said()


def gif_bomb(side=20_000):
    """35 bytes that say they are a picture of 400 million pixels."""
    screen = b"GIF89a" + pack("<HHBBB", side, side, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
    return screen + b"," + pack("<HHHHB", 0, 0, side, side, 0) + b"\x02\x02\x4c\x01\x00;"


def png_bomb(side=12_000):
    """A real PNG of one colour: small in bytes, 144 million pixels."""

    def chunk(kind, data):
        return pack(">I", len(data)) + kind + data + pack(">I", zlib.crc32(kind + data))

    squeeze = zlib.compressobj(9)
    rows = b"".join(squeeze.compress(bytes(1 + 3 * side)) for _ in range(side)) + squeeze.flush()
    header = pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


BOMBS = {"GIF of 400 megapixels": gif_bomb(), "PNG of 144 megapixels": png_bomb()}


@pytest.fixture
def peak(fleet, attacker):
    """Both robots' peak memory rises by no more than :data:`PEAK_MB` during the test; their models are loaded."""
    fleet.check_searches(attacker)
    before = {}
    for robot in fleet.robots:
        fleet.reset_peak(robot)
        before[robot] = fleet.rss_mb(robot)
    yield
    risen = {robot: fleet.peak_mb(robot) - before[robot] for robot in fleet.robots}
    assert max(risen.values()) < PEAK_MB, risen


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_bomb_as_the_reference_picture_is_refused(fleet, attacker, peak, bomb):
    request = srv.FaceSearch.Request()
    request.image.data = byte_array(BOMBS[bomb])
    answer = attacker.call(srv.FaceSearch, "/robot1/face_search", request)
    assert not answer.success
    assert answer.message


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_bomb_to_be_enrolled_is_refused(fleet, attacker, peak, bomb):
    picture = CompressedImage(data=byte_array(BOMBS[bomb]))
    answer = attacker.call(srv.EnrollFace, "/robot1/enroll_face", srv.EnrollFace.Request(name="Eve", images=[picture]))
    assert not answer.success
    assert answer.message


def test_a_thousand_pictures_to_be_enrolled_at_once_are_refused_or_enrolled(fleet, attacker, peak):
    picture = CompressedImage(data=byte_array(b"\xff\xd8\xff\xe0 no picture"))
    request = srv.EnrollFace.Request(name="Eve", images=[picture] * 1000)
    answer = attacker.call(srv.EnrollFace, "/robot1/enroll_face", request)
    assert not answer.success
    assert len(answer.message) < 2000


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_bomb_as_a_cameras_image_is_dropped(fleet, attacker, peak, bomb):
    for robot in fleet.robots:
        topic = f"/{robot}/door/image/compressed"
        for number in range(3):
            frame = CompressedImage(format="jpeg", data=byte_array(BOMBS[bomb]))
            frame.header.stamp = Time(sec=int(time.time()), nanosec=number)
            attacker.send(topic, frame)
    fleet.check_searches(attacker)


def test_a_bomb_as_a_face_crop_or_thumbnail_is_dropped(fleet, attacker, peak, faces):
    """Face crops go to robots with another embedder, thumbnails to the asker."""
    face = next(iter(faces.values()))
    crop = msg.FaceSearchRequest(
        search_id="crop",
        asker="robot9",
        model_id="mobilefacenet_foamliu",
        embedding=float_array(face),
        face_crop=byte_array(gif_bomb()),
        timeout=Duration(sec=2),
    )
    attacker.send(f"{MESH}/search/request", crop)
    bomb = msg.FaceMatch(robot_id="robot2", camera_id="front", similarity=0.9, thumbnail=byte_array(png_bomb()))
    with answering(attacker, lambda request: [forged(request, "robot2", [bomb])]):
        answer = ask(attacker, fleet)
    assert all(len(match.thumbnail) <= 65_536 for match in answer.matches)


class answering:
    """Answers every search request of the mesh with what ``answers`` makes of it."""

    def __init__(self, attacker, answers):
        self._attacker, self._answers = attacker, answers

    def __enter__(self):
        node = self._attacker.node
        # Deep: a full history would make each message wait for all robots.
        deep = QoSProfile(depth=12_000, durability=QoSDurabilityPolicy.TRANSIENT_LOCAL)
        self._results = node.create_publisher(msg.FaceSearchResult, f"{MESH}/search/result", deep)
        self._answered = set()
        self._requests = self._attacker.listen(msg.FaceSearchRequest, f"{MESH}/search/request", self._on_request)
        wait_until(self._requests.get_publisher_count, "a robot that searches")

    def _on_request(self, request):
        if request.search_id not in self._answered:  # it comes again while robots are missing
            self._answered.add(request.search_id)
            for result in self._answers(request):
                self._results.publish(result)

    def __exit__(self, *error):
        self._attacker.node.destroy_subscription(self._requests)
        self._attacker.node.destroy_publisher(self._results)


def forged(request, robot, matches=(), instance="forged", sightings=0):
    answer = msg.RobotAnswer(
        robot_id=robot, status="answered", matches=len(matches), sightings=sightings, instance_id=instance
    )
    return msg.FaceSearchResult(
        search_id=request.search_id, instance_id=instance, model_id=MODEL, robot=answer, matches=list(matches)
    )


def ask(attacker, fleet, name="Grace Hopper", robot="robot1", **fields):
    request = srv.FaceSearch.Request(timeout=Duration(sec=5), **fields)
    request.image.data = byte_array(fleet.pictures[name].read_bytes())
    return attacker.call(srv.FaceSearch, f"/{robot}/face_search", request)


def test_an_answer_in_another_robots_name_does_not_count(fleet, attacker):
    fleet.check_searches(attacker)
    with answering(attacker, lambda request: [forged(request, "robot2")]):
        answers = [ask(attacker, fleet) for _ in range(5)]
    found = [{match.robot_id for match in answer.matches} for answer in answers]
    assert {"robot2"} in found, [answer.message for answer in answers]
    for answer, robots in zip(answers, found):
        assert robots <= {"robot2"}
        assert robots or not answer.complete, "a forged answer makes no whole one"


def test_ten_thousand_answers_to_one_search_cost_little(fleet, attacker, peak):
    match = msg.FaceMatch(robot_id="robot8", camera_id="front", similarity=0.99, thumbnail=bytes(60_000))

    def answers(request):
        for number in range(1000):
            yield forged(request, f"ghost{number}", [match] if number < 100 else ())
        for _ in range(9000):
            yield forged(request, "robot2")

    with answering(attacker, answers):
        answer = ask(attacker, fleet)
    assert answer.success
    wait_until(lambda: ask(attacker, fleet).success, "later searches are answered")


def test_two_hundred_requests_at_once_are_all_answered(fleet, attacker, faces):
    face = float_array(next(iter(faces.values())))
    request = srv.FaceSearch.Request(timeout=Duration(sec=2), embedding=face, model_id=MODEL)
    futures = [attacker.start_call(srv.FaceSearch, "/robot1/face_search", request) for _ in range(200)]
    try:
        wait_until(lambda: all(future.done() for future in futures), "200 answers", 120.0)
    except AssertionError:
        pytest.fail(f"{sum(future.done() for future in futures)} of 200 answered")
    for answer in (future.result() for future in futures):
        assert answer.success or answer.message
    assert any(future.result().success for future in futures)


LONGEST = Duration(sec=2**31 - 1, nanosec=999_999_999)
ODD_SEARCHES = {
    "2**32 - 1 results": {"max_results": 2**32 - 1},
    "a window of 68 years": {"window": LONGEST},
    "a negative window": {"window": Duration(sec=-5)},
    "a time before 1970": {"time": Time(sec=-(2**31)), "window": Duration(sec=5)},
    "a time in 2038": {"time": Time(sec=2**31 - 1), "window": Duration(sec=5)},
    "a negative timeout": {"timeout": Duration(sec=-1)},
    "a threshold of nan": {"threshold": float("nan")},
    "a threshold of inf": {"threshold": float("inf")},
    "an operating point with a line break": {"operating_point": "strict\n"},
    "200 robots and 200 cameras": {"robots": [f"r{n}" for n in range(200)], "cameras": [f"c{n}" for n in range(200)]},
    "5,000 robots": {"robots": [f"r{n}" for n in range(5000)]},
    "a name with an escape sequence": {"robots": ["\x1b[2J"]},
    "a search id of 100 kB": {"search_id": "s" * 100_000},
    "face number 2**32 - 1": {"face": 2**32 - 1},
}


@pytest.mark.parametrize("odd", ODD_SEARCHES)
def test_an_odd_search_is_answered_or_refused_in_a_sentence(fleet, attacker, odd):
    request = srv.FaceSearch.Request(**{"timeout": Duration(sec=2), **ODD_SEARCHES[odd]})
    request.image.data = byte_array(fleet.pictures["Grace Hopper"].read_bytes())
    answer = attacker.call(srv.FaceSearch, "/robot1/face_search", request)
    assert answer.success or answer.message
    assert "unexpected" not in answer.message
    assert "\x1b" not in answer.message
    assert len(answer.message) < 20_000


def test_a_timeout_of_years_keeps_no_search_open(fleet, attacker):
    ghost = msg.HistoryStatus(robot_id="ghost", instance_id="ghost", model_id=MODEL)
    attacker.send(f"{MESH}/roster", ghost)
    request = srv.FaceSearch.Request(timeout=LONGEST, embedding=float_array(np.eye(DIMENSION)[0]), model_id=MODEL)
    answer = attacker.call(srv.FaceSearch, "/robot1/face_search", request, deadline_s=60.0)
    assert answer.success or answer.message
    listed = attacker.call(srv.ListPeople, "/robot1/list_people", srv.ListPeople.Request(timeout=LONGEST), 60.0)
    assert listed.success or listed.message


@pytest.mark.parametrize("name", ["../outside", "..", "a/b", "/tmp/x", "a" * 300, "x\n", "\x1b[2J", ".", "…"])
def test_a_clip_is_saved_nowhere_else(fleet, attacker, name):
    request = srv.SaveClip.Request(name=name, start=Time(sec=1), end=Time(sec=2**31 - 1), cameras=["front"])
    answer = attacker.call(srv.SaveClip, "/robot1/save_clip", request)
    assert not answer.success
    assert "unexpected" not in answer.message
    assert not (fleet.data / "robot1" / "outside").exists()
    assert not (fleet.data / "outside").exists()


def test_all_frames_of_all_time_come_in_bounded_parts(fleet, attacker, peak):
    request = srv.GetFrames.Request(
        camera_id="front", start=Time(sec=-(2**31)), end=Time(sec=2**31 - 1), max_frames=2**32 - 1, max_bytes=2**32 - 1
    )
    answer = attacker.call(srv.GetFrames, "/robot1/get_frames", request)
    assert answer.success or answer.message
    odd = srv.GetFrames.Request(camera_id="../front", start=Time(sec=5), tolerance=Duration(sec=-7))
    answer = attacker.call(srv.GetFrames, "/robot1/get_frames", odd)
    assert not answer.success
    assert "unexpected" not in answer.message


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("sightings.max_count", 2),
        ("event_logging.enabled", False),
        ("sightings.max_age_h", 0.01),
        ("frame_history.max_disk_frames", 1),
    ],
)
def test_what_deletes_or_silences_is_not_set_over_the_mesh(fleet, attacker, setting, value):
    request = SetParameters.Request(parameters=[Parameter(setting, value=value).to_parameter_msg()])
    result = attacker.call(SetParameters, "/robot1/history/set_parameters", request).results[0]
    assert not result.successful
    assert "allow_remote_changes" in result.reason


@pytest.mark.parametrize("node", ["robot", "history", "search"])
def test_a_stranger_does_not_deactivate_a_robot(fleet, attacker, node):
    request = ChangeState.Request()
    request.transition.label = "deactivate"
    assert not attacker.call(ChangeState, f"/robot1/{node}/change_state", request).success


def test_images_that_cannot_be_are_dropped(fleet, attacker, peak):
    odd = [
        Image(height=0, width=0, encoding="bgr8"),
        Image(height=2**32 - 1, width=2**32 - 1, encoding="bgr8", step=2**32 - 1),
        Image(height=4, width=4, encoding="bgr8", step=12, data=[0] * 5),
        Image(height=4, width=4, encoding="../../x\x1b[2J", step=12, data=[0] * 48),
        Image(height=4, width=4, encoding="bayer_rggb16", step=8, data=[0] * 32),
        Image(height=4, width=4, encoding="", step=12, data=[0] * 48),
    ]
    for robot in fleet.robots:
        for number, image in enumerate(odd):
            image.header.stamp = Time(sec=int(time.time()), nanosec=number)
            if f"/{robot}/door/image" in attacker.topics():
                attacker.send(f"/{robot}/door/image", image)
        for data in (b"", b"\xff", b"\xff\xd8\xff", b"GIF89a", b"\x89PNG\r\n\x1a\n", bytes(100_000)):
            attacker.send(f"/{robot}/door/image/compressed", CompressedImage(format="\x1b[2J", data=byte_array(data)))
    fleet.check_searches(attacker)


@pytest.mark.parametrize("seconds", [2**31 - 1, 0, -(2**31)], ids=["2038", "1970", "1901"])
def test_an_image_of_another_century_deletes_nothing(fleet, attacker, seconds, hopper):
    """Both robots keep faces for 24 hours before the newest frame."""
    import cv2

    held = fleet.held()
    jpeg = cv2.imencode(".jpg", cv2.resize(hopper, (64, 64)))[1].tobytes()
    for robot in fleet.robots:
        for number in range(20):
            frame = CompressedImage(format="jpeg", data=byte_array(jpeg))
            frame.header.stamp = Time(sec=seconds, nanosec=number)
            attacker.send(f"/{robot}/door/image/compressed", frame, rate_hz=10)
    fleet.check_searches(attacker)
    fleet.check_held(held)


def test_a_thousand_images_a_second_leave_the_robot_answering(fleet, attacker, hopper, peak):
    import cv2

    jpeg = byte_array(cv2.imencode(".jpg", cv2.resize(hopper, (640, 360)))[1].tobytes())
    now = int(time.time())
    for number in range(2000):
        frame = CompressedImage(format="jpeg", data=jpeg)
        frame.header.stamp = Time(sec=now, nanosec=number * 1_000_000 % 10**9)
        attacker.send("/robot1/door/image/compressed", frame, rate_hz=1000)
    fleet.check_searches(attacker)
