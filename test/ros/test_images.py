"""Images of any driver: found under its name, received at its QoS, of every encoding; and a sentence when none come."""

import array
import sys
import types

import numpy as np
import pytest
from rclpy.node import Node
from rclpy.qos import QoSProfile, QoSReliabilityPolicy
from sensor_msgs.msg import CompressedImage, Image

from facetrack_ros.config import Config
from facetrack_ros.core.frame import encode_jpeg
from facetrack_ros.errors import ConfigError
from facetrack_ros.nodes.base.process import ros, spinning
from facetrack_ros.nodes.base.qos import SENSOR_DATA
from facetrack_ros.nodes.conversion.time import to_time
from facetrack_ros.nodes.inputs import images as image_input
from facetrack_ros.nodes.inputs.images import ImageInput
from facetrack_ros.sources.raw_image import ENCODINGS

STAMP = 1_777_636_800_123_456_789
PICTURE = np.full((24, 32, 3), (40, 120, 200), np.uint8)
JPEG = encode_jpeg(PICTURE, 50)  # no JPEG made of the raw picture is like it
BEST_EFFORT = SENSOR_DATA
RELIABLE = QoSProfile(depth=5, reliability=QoSReliabilityPolicy.RELIABLE)


class Said(list):
    """A logger that keeps what was said."""

    info = warning = error = list.append

    def of(self, *words) -> list[str]:
        return [line for line in self if all(word in line for word in words)]


class RobotComposition:
    """A node of a robot that wants images, and drivers beside it."""

    def __init__(self, wait_until, nodes):
        self._wait_until, self._nodes = wait_until, nodes
        self.frames, self.said = [], Said()

    def listen(self, encode=True, name="detector", **settings) -> ImageInput:
        node = self._node(name, "/robot1")
        node.get_logger = lambda: self.said
        config = Config({f"camera.{key}": value for key, value in settings.items()})
        return ImageInput(node, ("front",), config, self.frames.append, encode)

    def drive(self, topic, message, qos=BEST_EFFORT, name="driver"):
        """A driver that publishes one message again and again."""
        node = self._node(name, "/cam")
        publisher = node.create_publisher(type(message), topic, qos)
        node.create_timer(0.02, lambda: publisher.publish(message))
        return node

    def _node(self, name, namespace) -> Node:
        node = Node(name, namespace=namespace)
        self._nodes.append(node)
        return node

    def until(self, condition, what="it is so"):
        self._wait_until(condition, lambda: f"{what}; said: {list(self.said)}", 30.0)

    def stop(self, node):
        self._nodes.executor.remove_node(node)
        self._nodes.remove(node)
        node.destroy_node()


class Spun(list):
    def append(self, node):
        super().append(node)
        self.executor.add_node(node)


@pytest.fixture
def robot(domain, monkeypatch, processes):
    monkeypatch.setenv("ROS_DOMAIN_ID", str(domain))
    monkeypatch.setenv("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    monkeypatch.setattr(image_input, "LOOK_S", 0.05)
    monkeypatch.setattr(image_input, "SILENT_S", 0.5)
    with ros([]):
        nodes = Spun()
        first = Node("first")
        with spinning([first]) as nodes.executor:
            yield RobotComposition(processes.wait_until, nodes)
        for node in [*nodes, first]:
            node.destroy_node()


def compressed(data=JPEG, stamp_ns=STAMP):
    message = CompressedImage(format="jpeg", data=array.array("B", data))
    message.header.stamp, message.header.frame_id = to_time(stamp_ns), "optical"
    return message


def raw(picture=PICTURE, encoding="bgr8", stamp_ns=STAMP):
    message = Image(
        height=picture.shape[0],
        width=picture.shape[1],
        step=picture.strides[0],
        encoding=encoding,
        data=array.array("B", picture.tobytes()),
    )
    message.header.stamp, message.header.frame_id = to_time(stamp_ns), "optical"
    return message


@pytest.mark.parametrize("qos", [BEST_EFFORT, RELIABLE], ids=["best effort", "reliable"])
@pytest.mark.parametrize(
    ("topic", "message"),
    [
        ("/robot1/front/image/compressed", compressed()),
        ("/robot1/front/image_raw/compressed", compressed()),
        ("/robot1/front/image", raw()),
        ("/robot1/front/image_raw", raw()),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_images_are_found_whatever_the_driver_calls_them_and_however_it_sends_them(robot, topic, message, qos):
    robot.listen()
    robot.drive(topic, message, qos)
    robot.until(lambda: len(robot.frames) >= 3, "frames come")
    frame = robot.frames[-1]
    assert (frame.camera_id, frame.stamp_ns, frame.frame_id) == ("front", STAMP, "optical")
    assert [frame.number for frame in robot.frames] == list(range(len(robot.frames)))
    assert isinstance(message, Image) or frame.jpeg == JPEG, "JPEG is taken as it is"
    assert np.abs(frame.image.astype(int) - PICTURE).max() <= 3


def test_raw_images_of_every_encoding_come_as_the_same_picture(robot):
    """An even grey is the same bytes in nearly every encoding; what becomes of colours is held where they are converted."""
    robot.listen()
    image = raw(np.full((24, 32, 3), 128, np.uint8))
    robot.drive("/robot1/front/image", image)
    in_pairs = ("yuv422", "uyvy", "yuv422_yuy2", "yuyv")
    for number, encoding in enumerate(ENCODINGS):
        bytes_a_pixel = {
            "bgr8": 3,
            "rgb8": 3,
            "8UC3": 3,
            "bgra8": 4,
            "rgba8": 4,
            "8UC4": 4,
            "bgr16": 6,
            "rgb16": 6,
            "bgra16": 8,
            "rgba16": 8,
            "mono16": 2,
        }.get(encoding, 2 if encoding in in_pairs or encoding.endswith("16") else 1)
        rows = 36 if encoding in ("nv12", "nv21") else 24
        image.encoding, image.step = encoding, 32 * bytes_a_pixel
        image.data = array.array("B", bytes([128]) * (rows * image.step))
        image.header.stamp = to_time(STAMP + number)
        robot.until(lambda number=number: robot.frames and robot.frames[-1].stamp_ns == STAMP + number, encoding)
        # Video range: a luma of 128 is a grey of 130.
        wanted = 130 if encoding in (*in_pairs, "nv12", "nv21") else 128
        assert np.abs(robot.frames[-1].image.astype(int) - wanted).max() <= 2, encoding


@pytest.mark.parametrize(
    ("topics", "published"),
    [("front=/usb_cam/image_raw", "/usb_cam/image_raw"), ("front=usb/picture", "/robot1/usb/picture")],
)
def test_another_name_is_given_by_a_parameter(robot, topics, published):
    robot.listen(topics=topics)
    robot.drive(published, raw())
    robot.until(lambda: robot.frames, "frames come")


@pytest.mark.parametrize("topics", ["front", "left=/x", "front=", "=/x", "front=/x front=/y"])
def test_topics_that_cannot_be_meant_are_refused(robot, topics):
    with pytest.raises(ConfigError, match="camera.topics"):
        robot.listen(topics=topics)


def test_raw_images_are_encoded_once_for_the_whole_robot(robot):
    """Who takes raw images publishes the JPEG it makes of them; the others listen to that."""
    detector, others = robot.frames, []
    robot.listen()
    robot.frames = others
    robot.listen(encode=False, name="history")
    robot.drive("/robot1/front/image", raw())
    robot.until(lambda: len(others) > 3, "the JPEG goes round")
    assert {frame.jpeg for frame in others} == {frame.jpeg for frame in detector}


def test_frames_lost_on_the_way_are_counted(robot):
    lost = []
    inputs = robot.listen()
    inputs.lost = lambda camera, count: lost.append((camera, count))
    camera = inputs._cameras["front"]
    for sequence in (7, 8, 12, 13, 1, 2, 4):  # it is begun anew by a driver that is
        camera._on_message(compressed(), {"publication_sequence_number": sequence, "source_timestamp": STAMP})
    camera._on_message(compressed(), {})  # a middleware that does not count
    assert lost == [("front", 3), ("front", 1)]


def test_jpeg_is_preferred_where_a_driver_publishes_both(robot):
    inputs = robot.listen()
    robot.drive("/robot1/front/image_raw", raw())
    robot.until(lambda: robot.frames, "frames come")
    robot.drive("/robot1/front/image_raw/compressed", compressed(), name="transport")
    robot.until(lambda: robot.frames[-1].jpeg == JPEG, "the JPEG of the driver")
    assert inputs.topic("front") == "/robot1/front/image_raw/compressed"


def test_a_driver_that_goes_and_comes_back_under_another_name_is_found(robot):
    robot.listen()
    driver = robot.drive("/robot1/front/image_raw", raw())
    robot.until(lambda: robot.frames, "frames come")
    robot.stop(driver)
    robot.until(
        lambda: robot.said.of("No frames for", "/robot1/front/image_raw: nobody publishes it"), "the silence is told"
    )
    robot.drive("/robot1/front/image/compressed", compressed())
    robot.until(lambda: robot.frames[-1].jpeg == JPEG, "frames come again")
    robot.until(lambda: robot.said.of("frames come again"), "that is told")


def test_nobody_publishes_and_what_there_is_is_named(robot):
    inputs = robot.listen()
    robot.until(
        lambda: robot.said.of(
            "No frames for",
            "/robot1/front/image/compressed: nobody publishes it; image topics seen: none",
            "ROS_DOMAIN_ID",
        ),
        "nothing at all is there",
    )
    robot.drive("/usb_cam/image_raw", raw())
    robot.until(
        lambda: "image topics seen: /usb_cam/image_raw (Image)" in inputs.problem("front"), "the other topic is named"
    )
    assert "camera.topics: front=TOPIC" in inputs.problem("front")
    assert len(robot.said.of("No frames for")) == 1, "told once a minute"


def test_a_publisher_that_says_nothing_is_named(robot):
    inputs = robot.listen()
    node = robot.drive("/robot1/front/image/compressed", compressed(), name="usb_cam")
    for timer in list(node.timers):
        node.destroy_timer(timer)
    robot.until(lambda: "/cam/usb_cam publishes it, but nothing arrives" in inputs.problem("front"), "it is named")


def test_an_incompatible_publisher_is_named_with_the_parameter_that_mends_it(robot):
    inputs = robot.listen(qos="reliable")
    robot.drive("/robot1/front/image/compressed", compressed(), BEST_EFFORT)
    robot.until(
        lambda: robot.said.of("/cam/driver offers best effort on /robot1/front/image/compressed", "camera.qos"),
        "the publisher is named",
    )
    robot.until(lambda: "camera.qos" in inputs.problem("front"), "and why nothing comes")
    assert not robot.frames


def test_a_reliable_driver_of_raw_images_that_comes_back_at_best_effort_is_heard(robot):
    robot.listen()
    driver = robot.drive("/robot1/front/image", raw(), RELIABLE)
    robot.until(lambda: robot.frames, "frames come")
    robot.stop(driver)
    seen = len(robot.frames)
    robot.drive("/robot1/front/image", raw(), BEST_EFFORT)
    robot.until(lambda: len(robot.frames) > seen + 3, "frames come again")


def test_odd_images_are_told_once_a_minute_not_per_frame_and_good_ones_go_on(robot):
    broken = raw()
    broken.height += 1
    robot.listen()
    driver = robot.drive("/robot1/front/image", broken)
    robot.until(lambda: robot.said.of("needs 2400 bytes, but 2304 came"), "it is told")
    robot.drive("/robot1/front/image", raw(np.zeros((6, 6, 3), np.uint8)), name="other")
    robot.until(lambda: len(robot.frames) > 5, "good ones go on")
    assert len(robot.said.of("needs 2400 bytes")) == 1
    robot.stop(driver)
    robot.drive("/robot1/front/image/compressed", compressed(b""), name="empty")
    robot.until(lambda: robot.said.of("needs 2400 bytes") and robot.frames, "")


def test_frames_without_stamps_are_stamped_as_sent_the_same_for_every_node_and_that_is_told_once(robot):
    detector, history = robot.frames, []
    robot.listen()
    robot.frames = history
    robot.listen(name="history", encode=False)
    robot.drive("/robot1/front/image/compressed", compressed(stamp_ns=0))
    robot.until(lambda: len(detector) > 9 and len(history) > 9, "frames come to both")
    assert len({frame.stamp_ns for frame in detector} & {frame.stamp_ns for frame in history}) > 5
    assert min(frame.stamp_ns for frame in detector) > STAMP // 2
    assert len(robot.said.of("have no stamps")) == 2, "once each node"


@pytest.mark.parametrize("there", ["works", "breaks", "breaks later"])
def test_cv_bridge_is_used_where_it_works(robot, monkeypatch, there):
    calls = []

    class CvBridge:
        def __init__(self):
            if there == "breaks":
                raise ImportError("numpy.core.multiarray failed to import")

        def imgmsg_to_cv2(self, message, encoding):
            calls.append((message.encoding, encoding))
            if there == "breaks later":
                raise AttributeError("_ARRAY_API not found")
            return PICTURE

    module = types.ModuleType("cv_bridge")
    module.CvBridge = CvBridge
    monkeypatch.setitem(sys.modules, "cv_bridge", module)
    robot.listen()
    robot.drive("/robot1/front/image", raw())
    robot.until(lambda: len(robot.frames) > 2, "frames come")
    assert np.abs(robot.frames[-1].image.astype(int) - PICTURE).max() <= 3
    assert {"works": len(calls) > 2, "breaks": not calls, "breaks later": len(calls) == 1}[there]
    assert set(calls) <= {("bgr8", "bgr8")}
    assert len(robot.said.of("cv_bridge is installed but unusable")) == (there != "works")
