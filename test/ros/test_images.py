"""Image subscriptions: topics, QoS and encodings of drivers, and the sentence if no images arrive."""

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
from facetrack_ros.nodes.inputs import camera_images
from facetrack_ros.nodes.inputs.images import ImageInput
from facetrack_ros.pipeline.camera_rotation import CameraRotations
from facetrack_ros.sources.raw_image import ENCODINGS

STAMP = 1_777_636_800_123_456_789
PICTURE = np.full((24, 32, 3), (40, 120, 200), np.uint8)
JPEG = encode_jpeg(PICTURE, 50)  # the encoder makes another JPEG of the raw picture
BEST_EFFORT = SENSOR_DATA
RELIABLE = QoSProfile(depth=5, reliability=QoSReliabilityPolicy.RELIABLE)


class LogLines(list):
    """A logger that keeps its lines."""

    info = warning = error = list.append

    def of(self, *words) -> list[str]:
        return [line for line in self if all(word in line for word in words)]


class RobotComposition:
    """A robot's node with an image input, and drivers."""

    def __init__(self, wait_until, nodes):
        self._wait_until, self._nodes = wait_until, nodes
        self.frames, self.log = [], LogLines()

    def subscribe(self, encode=True, name="detector", lost=lambda camera, count: None, **settings) -> ImageInput:
        node = self._node(name, "/robot1")
        node.get_logger = lambda: self.log
        config = Config({f"camera.{key}": value for key, value in settings.items()})
        return ImageInput(node, ("front",), config, self.frames.append, CameraRotations(("front",)), encode, lost=lost)

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
        self._wait_until(condition, lambda: f"{what}; log: {list(self.log)}", 30.0)

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
    monkeypatch.setattr(camera_images, "CHECK_S", 0.05)
    monkeypatch.setattr(camera_images, "SILENT_S", 0.5)
    with ros([]):
        nodes = Spun()
        first = Node("first")
        with spinning([first]) as nodes.executor:
            yield RobotComposition(processes.wait_until, nodes)
        for node in [*nodes, first]:
            node.destroy_node()


def compressed(data=JPEG, stamp_ns=STAMP, format="jpeg"):
    message = CompressedImage(format=format, data=array.array("B", data))
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
def test_images_are_found_under_each_usual_name_at_each_qos(robot, topic, message, qos):
    robot.subscribe()
    robot.drive(topic, message, qos)
    robot.until(lambda: len(robot.frames) >= 3, "frames come")
    frame = robot.frames[-1]
    assert (frame.camera_id, frame.stamp_ns, frame.frame_id) == ("front", STAMP, "optical")
    assert [frame.number for frame in robot.frames] == list(range(len(robot.frames)))
    assert isinstance(message, Image) or frame.jpeg == JPEG, "JPEG is taken as it is"
    assert np.abs(frame.image.astype(int) - PICTURE).max() <= 3


def test_raw_images_of_every_encoding_give_the_same_picture(robot):
    """A uniform grey is the same bytes in nearly every encoding; test_raw_image tests colours."""
    robot.subscribe()
    image = raw(np.full((24, 32, 3), 128, np.uint8))
    robot.drive("/robot1/front/image", image)
    in_pairs = ("yuv422", "uyvy", "yuv422_yuy2", "yuyv")
    by_samples = {4: ("bgra", "rgba", "8UC4"), 3: ("bgr", "rgb", "8UC3"), 2: in_pairs}
    for number, encoding in enumerate(ENCODINGS):
        samples = next((n for n, names in by_samples.items() if encoding.startswith(names)), 1)
        bytes_a_pixel = samples * (2 if encoding.endswith("16") else 1)
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
def test_another_topic_is_set_by_a_parameter(robot, topics, published):
    robot.subscribe(topics=topics)
    robot.drive(published, raw())
    robot.until(lambda: robot.frames, "frames come")


@pytest.mark.parametrize("topics", ["front", "left=/x", "front=", "=/x", "front=/x front=/y"])
def test_malformed_topic_settings_are_refused(robot, topics):
    with pytest.raises(ConfigError, match=r"camera\.topics"):
        robot.subscribe(topics=topics)


def test_raw_images_are_encoded_once_per_robot(robot):
    """The node that takes raw images publishes them as JPEG for the others."""
    detector, others = robot.frames, []
    robot.subscribe()
    robot.frames = others
    robot.subscribe(encode=False, name="history")
    robot.drive("/robot1/front/image", raw())
    robot.until(lambda: len(others) > 3, "the other node receives the JPEG")
    assert {frame.jpeg for frame in others} == {frame.jpeg for frame in detector}


def test_lost_frames_are_counted(robot):
    lost = []
    inputs = robot.subscribe(lost=lambda *call: lost.append(call))
    camera = inputs._cameras["front"]
    for sequence in (7, 8, 12, 13, 1, 2, 4):  # a restarted driver begins at 1 again
        camera._on_message(compressed(), {"publication_sequence_number": sequence, "source_timestamp": STAMP})
    camera._on_message(compressed(), {})  # a middleware without sequence numbers
    assert lost == [("front", 3), ("front", 1)]


def test_jpeg_is_preferred_to_raw_images(robot):
    inputs = robot.subscribe()
    robot.drive("/robot1/front/image_raw", raw())
    robot.until(lambda: robot.frames, "frames come")
    robot.drive("/robot1/front/image_raw/compressed", compressed(), name="transport")
    robot.until(lambda: robot.frames[-1].jpeg == JPEG, "the JPEG of the driver")
    assert inputs.topic("front") == "/robot1/front/image_raw/compressed"


def test_a_driver_that_returns_under_another_topic_is_found(robot):
    robot.subscribe()
    driver = robot.drive("/robot1/front/image_raw", raw())
    robot.until(lambda: robot.frames, "frames come")
    robot.stop(driver)
    robot.until(
        lambda: robot.log.of("No frames for", "/robot1/front/image_raw: it has no publisher"), "the silence is logged"
    )
    robot.drive("/robot1/front/image/compressed", compressed())
    robot.until(lambda: robot.frames[-1].jpeg == JPEG, "frames come again")
    robot.until(lambda: robot.log.of("frames come again"), "the end of the silence is logged")


def test_without_a_publisher_the_other_image_topics_are_listed(robot):
    inputs = robot.subscribe()
    robot.until(
        lambda: robot.log.of(
            "No frames for",
            "/robot1/front/image/compressed: it has no publisher; image topics seen: none",
            "ROS_DOMAIN_ID",
        ),
        "no topic is listed",
    )
    robot.drive("/usb_cam/image_raw", raw())
    robot.until(
        lambda: "image topics seen: /usb_cam/image_raw (Image)" in inputs.problem("front"), "the other topic is named"
    )
    assert "camera.topics: front=TOPIC" in inputs.problem("front")
    assert len(robot.log.of("No frames for")) == 1, "logged once a minute"


def test_a_publisher_without_messages_is_named(robot):
    inputs = robot.subscribe()
    node = robot.drive("/robot1/front/image/compressed", compressed(), name="usb_cam")
    for timer in list(node.timers):
        node.destroy_timer(timer)
    robot.until(lambda: "/cam/usb_cam publishes it, but nothing arrives" in inputs.problem("front"), "it is named")


def test_an_incompatible_publisher_is_named_with_the_parameter_to_set(robot):
    inputs = robot.subscribe(qos="reliable")
    robot.drive("/robot1/front/image/compressed", compressed(), BEST_EFFORT)
    robot.until(
        lambda: robot.log.of("/cam/driver offers best effort on /robot1/front/image/compressed", "camera.qos"),
        "the publisher is named",
    )
    robot.until(lambda: "camera.qos" in inputs.problem("front"), "and why nothing comes")
    assert not robot.frames


def test_a_reliable_driver_of_raw_images_that_returns_at_best_effort_is_received(robot):
    robot.subscribe()
    driver = robot.drive("/robot1/front/image", raw(), RELIABLE)
    robot.until(lambda: robot.frames, "frames come")
    robot.stop(driver)
    seen = len(robot.frames)
    robot.drive("/robot1/front/image", raw(), BEST_EFFORT)
    robot.until(lambda: len(robot.frames) > seen + 3, "frames come again")


def test_malformed_images_are_logged_once_a_minute_and_others_are_used(robot):
    broken = raw()
    broken.height += 1
    robot.subscribe()
    driver = robot.drive("/robot1/front/image", broken)
    robot.until(lambda: robot.log.of("needs 2400 bytes, but 2304 came"), "it is logged")
    robot.drive("/robot1/front/image", raw(np.zeros((6, 6, 3), np.uint8)), name="other")
    robot.until(lambda: len(robot.frames) > 5, "good ones go on")
    assert len(robot.log.of("needs 2400 bytes")) == 1
    robot.stop(driver)
    robot.drive("/robot1/front/image/compressed", compressed(b""), name="empty")
    robot.until(lambda: robot.log.of("needs 2400 bytes") and robot.frames, "")


def test_frames_without_stamps_get_the_send_time_in_every_node(robot):
    detector, history = robot.frames, []
    robot.subscribe()
    robot.frames = history
    robot.subscribe(name="history", encode=False)
    robot.drive("/robot1/front/image/compressed", compressed(stamp_ns=0))
    robot.until(lambda: len(detector) > 9 and len(history) > 9, "frames come to both")
    assert len({frame.stamp_ns for frame in detector} & {frame.stamp_ns for frame in history}) > 5
    assert min(frame.stamp_ns for frame in detector) > STAMP // 2
    assert len(robot.log.of("have no stamps")) == 2, "once each node"


@pytest.mark.parametrize("there", ["works", "breaks", "breaks later"])
def test_cv_bridge_is_used_if_it_works(robot, monkeypatch, there):
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
    robot.subscribe()
    robot.drive("/robot1/front/image", raw())
    robot.until(lambda: len(robot.frames) > 2, "frames come")
    assert np.abs(robot.frames[-1].image.astype(int) - PICTURE).max() <= 3
    assert {"works": len(calls) > 2, "breaks": not calls, "breaks later": len(calls) == 1}[there]
    assert set(calls) <= {("bgr8", "bgr8")}
    assert len(robot.log.of("cv_bridge is installed but unusable")) == (there != "works")


def test_video_is_decoded_and_packets_without_a_picture_are_told(robot):
    packets = h264_packets(25)
    robot.subscribe()
    node = robot._node("driver", "/cam")
    publisher = node.create_publisher(CompressedImage, "/robot1/front/image/compressed", RELIABLE)
    sent = iter(packets[3:] + packets * 40)
    node.create_timer(0.02, lambda: publisher.publish(compressed(next(sent), format="h264")))
    robot.until(lambda: robot.log.of("before the first key picture"), "packets before the key picture are told")
    robot.until(lambda: len(robot.frames) > 30, "pictures come")
    assert {frame.image.shape for frame in robot.frames} == {(48, 64, 3)}
    assert [frame.number for frame in robot.frames] == list(range(len(robot.frames)))


def test_compressed_images_that_are_no_pictures_are_refused_with_what_they_are(robot):
    robot.subscribe()
    robot.drive("/robot1/front/image/compressed", compressed(bytes(100), format="16UC1; compressedDepth"))
    robot.until(lambda: robot.log.of("depth images"), "it is logged")
    assert robot.frames == []


def test_a_jpeg_without_its_end_marker_is_completed_and_one_that_is_cut_short_refused(robot):
    robot.subscribe()
    driver = robot.drive("/robot1/front/image/compressed", compressed(JPEG[:-2]))
    robot.until(lambda: len(robot.frames) > 3, "frames come")
    assert {frame.jpeg for frame in robot.frames} == {JPEG}
    robot.stop(driver)
    robot.drive("/robot1/front/image/compressed", compressed(JPEG[: len(JPEG) // 2]), name="cut")
    robot.until(lambda: robot.log.of("cut short"), "it is logged")


def h264_packets(count):
    """Packets of a film in which one grey follows the other, with a key picture every ten."""
    from fractions import Fraction

    import av

    encoder = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt, encoder.time_base = 64, 48, "yuv420p", Fraction(1, 30)
    encoder.options = {"x264-params": "keyint=10:scenecut=0:bframes=0", "tune": "zerolatency"}
    packets = []
    for number in range(count):
        image = np.full((48, 64, 3), 10 * number, np.uint8)
        frame = av.VideoFrame.from_ndarray(image, format="bgr24").reformat(format="yuv420p")
        frame.pts = number
        packets += encoder.encode(frame)
    return [bytes(packet) for packet in [*packets, *encoder.encode(None)]]
