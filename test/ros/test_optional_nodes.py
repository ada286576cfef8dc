"""Nodes for other packages, as processes: markers, vision_msgs, ROS4HRI."""

import importlib.util
import sys

import numpy as np
import pytest
from std_msgs.msg import Bool, String

from facetrack_ros import msg
from facetrack_ros.client.fleet_client import FleetClient
from facetrack_ros.core.face import Face
from facetrack_ros.core.frame import Frame, encode_jpeg
from facetrack_ros.core.track import Track, TrackState
from facetrack_ros.nodes.base.qos import RELIABLE, SENSOR_DATA
from facetrack_ros.nodes.conversion.time import to_ns, to_time
from facetrack_ros.nodes.conversion.vision import detections_to_message, frame_to_message, tracks_to_message

STAMP = 1_700_000_000_123_456_789
ROS = ("-r", "__ns:=/robot1", "-p", "cameras:=['front']")
PICTURE = np.full((480, 640, 3), 90, np.uint8)
PERSON_BOX, FACE_BOX = np.array([270, 60, 370, 400], np.float32), np.array([300, 70, 340, 120], np.float32)
POINTS = np.array([[310, 88], [330, 88], [320, 98], [312, 110], [328, 110]], np.float32)


def needs(package):
    if importlib.util.find_spec(package) is None:
        pytest.skip(f"needs the messages of {package}, which come with a native ROS")


def start(processes, node, *arguments):
    """A node as its executable starts it."""
    program = f"from facetrack_ros.nodes.{node}_node import main; main()"
    return processes.start([sys.executable, "-c", program, "--ros-args", *ROS, *arguments], node)


@pytest.fixture
def asker(processes, monkeypatch):
    for name in ("ROS_DOMAIN_ID", "ROS_AUTOMATIC_DISCOVERY_RANGE"):
        monkeypatch.setenv(name, processes.environment[name])
    with FleetClient() as asker:
        yield asker


def frame(number):
    return Frame("front", STAMP + number * 100_000_000, number, encode_jpeg(PICTURE), "front_optical")


def tracks(number):
    face = Face(FACE_BOX, POINTS, 0.9, 0.8, embedding=np.ones(4, np.float32) / 2)
    return tracks_to_message(
        frame(number), "net", (Track("t_robot1_front_1", "p_robot1_1", TrackState.TRACKING, PERSON_BOX, 0.9, face),)
    )


def publish_until(processes, publish, received, what, process):
    """Publish frame after frame until ``received()``."""
    count = iter(range(100_000))

    def publish_and_check():
        publish(next(count))
        return received()

    processes.wait_until(publish_and_check, lambda: f"{what}; it said:\n{process.said()}", alive=process.popen)


def test_persons_are_marked_at_their_positions_once_the_camera_is_calibrated(processes, asker):
    from sensor_msgs.msg import CameraInfo
    from visualization_msgs.msg import Marker, MarkerArray

    arrays = []
    publish_tracks = asker.node.create_publisher(msg.Tracks, "/robot1/front/tracks", RELIABLE)
    publish_info = asker.node.create_publisher(CameraInfo, "/robot1/front/camera_info", SENSOR_DATA)
    asker.node.create_subscription(MarkerArray, "/robot1/front/markers", arrays.append, RELIABLE)
    process = start(processes, "markers")
    publish_until(
        processes,
        lambda n: publish_tracks.publish(tracks(n)),
        lambda: "no CameraInfo of front on /robot1/front/camera_info" in process.said(),
        "the missing CameraInfo is logged",
        process,
    )
    info = CameraInfo(
        width=640, height=480, distortion_model="plumb_bob", k=[500.0, 0.0, 320.0, 0.0, 500.0, 240.0, 0.0, 0.0, 1.0]
    )
    info.header.frame_id = "front_optical"
    publish_until(
        processes,
        lambda n: (publish_info.publish(info), publish_tracks.publish(tracks(n))),
        lambda: arrays,
        "markers",
        process,
    )
    body, label, uncertainty = arrays[-1].markers[-3:]
    assert body.header.frame_id == "front_optical"
    assert body.pose.position.z == pytest.approx(1.7 / (340 / 500), rel=1e-3)
    assert label.text.startswith("p_robot1_1\n2.5 ± 0.2 m")
    assert uncertainty.type == Marker.SPHERE
    # A search's matches are marked at their positions, and those of the search before are deleted.
    results = asker.node.create_publisher(msg.FaceSearchResult, "/facetrack/search/result", RELIABLE)
    found = msg.FaceMatch(
        robot_id="robot1",
        camera_id="front",
        person_id="p_robot1_1",
        track_id="t_robot1_front_1",
        stamp=to_time(STAMP),
        bbox=PERSON_BOX,
        similarity=0.83,
    )
    publish_until(
        processes,
        lambda n: results.publish(msg.FaceSearchResult(search_id="a", matches=[found])),
        lambda: any("0.83" in marker.text for marker in arrays[-1].markers),
        "the match",
        process,
    )
    assert {marker.ns for marker in arrays[-1].markers} == {"front/search", "front/search_text"}
    assert to_ns(arrays[-1].markers[-1].header.stamp) == STAMP
    publish_until(
        processes,
        lambda n: results.publish(msg.FaceSearchResult(search_id="b")),
        lambda: (
            {(marker.ns, marker.action) for marker in arrays[-1].markers}
            == {("front/search", Marker.DELETE), ("front/search_text", Marker.DELETE)}
        ),
        "another search",
        process,
    )
    empty = tracks_to_message(frame(0), "net", ())
    publish_until(
        processes,
        lambda n: publish_tracks.publish(empty),
        lambda: {marker.action for marker in arrays[-1].markers} == {Marker.DELETE},
        "they are deleted",
        process,
    )
    assert process.interrupt() == 0
    assert "Traceback" not in process.said()


@pytest.mark.parametrize(
    ("node", "package"),
    [("humans", "hri_msgs"), ("detections_2d", "vision_msgs"), ("external_detector", "vision_msgs")],
)
def test_without_the_message_package_a_node_names_it(processes, node, package):
    if importlib.util.find_spec(package) is not None:
        pytest.skip(f"{package} is here")
    process = start(processes, node)
    assert process.popen.wait(60) == 2
    assert f"ros-$ROS_DISTRO-{package.replace('_', '-')}" in process.said()
    assert "Traceback" not in process.said()


def test_detections_of_another_detector_are_used_and_published_as_vision_msgs(processes, asker):
    needs("vision_msgs")
    from vision_msgs.msg import Detection2DArray

    detections, boxes, persons = [], [], []
    theirs = asker.node.create_publisher(Detection2DArray, "/yolo/front/detections", RELIABLE)
    publish_tracks = asker.node.create_publisher(msg.Tracks, "/robot1/front/tracks", RELIABLE)
    asker.node.create_subscription(msg.Detections, "/robot1/front/detections", detections.append, RELIABLE)
    asker.node.create_subscription(Detection2DArray, "/robot1/front/detections_2d", boxes.append, RELIABLE)
    asker.node.create_subscription(Detection2DArray, "/robot1/front/persons_2d", persons.append, RELIABLE)
    external = start(processes, "external_detector", "-p", "vision_msgs.topic:=/yolo/CAMERA/detections")
    ours = start(processes, "detections_2d")

    def array(number):
        import vision_msgs.msg

        from facetrack_ros.core.detections import Detections
        from facetrack_ros.nodes.conversion.vision_msgs import detections_array

        found = Detections(PERSON_BOX[None], np.array([0.9], np.float32), "")
        return detections_array(vision_msgs.msg, detections_to_message(frame(number), found))

    publish_until(
        processes,
        lambda n: (theirs.publish(array(n)), publish_tracks.publish(tracks(n))),
        lambda: detections and boxes and persons,
        "persons there and back",
        external,
    )
    assert detections[-1].detections[0].bbox == pytest.approx(PERSON_BOX)
    assert detections[-1].camera_id == "front"
    assert (to_ns(detections[-1].header.stamp) - STAMP) % 100_000_000 == 0
    assert boxes[-1].detections[0].bbox.size_x == 100
    assert boxes[-1].detections[0].results[0].hypothesis.class_id == "person"
    assert persons[-1].detections[0].id == "p_robot1_1"
    chair = array(0)
    chair.detections[0].results[0].hypothesis.class_id = "chair"
    publish_until(
        processes,
        lambda n: theirs.publish(chair),
        lambda: "their classes are chair" in external.said(),
        "no person among the detections",
        external,
    )
    assert external.interrupt() == 0
    assert ours.interrupt() == 0
    assert "Traceback" not in external.said() + ours.said()


def test_humans_are_published_as_libhri_reads_them(processes, asker):
    needs("hri_msgs")
    from hri_msgs.msg import FacialLandmarks, IdsList, NormalizedRegionOfInterest2D
    from rclpy.qos import QoSDurabilityPolicy, QoSProfile, QoSReliabilityPolicy, qos_profile_system_default
    from sensor_msgs.msg import CompressedImage, Image

    latched = QoSProfile(
        depth=1, durability=QoSDurabilityPolicy.TRANSIENT_LOCAL, reliability=QoSReliabilityPolicy.RELIABLE
    )
    received = {}

    def subscribe(kind, topic, qos=qos_profile_system_default):
        asker.node.create_subscription(kind, topic, lambda message: received.__setitem__(topic, message), qos)

    images = asker.node.create_publisher(CompressedImage, "/robot1/front/image/compressed", SENSOR_DATA)
    publish_tracks = asker.node.create_publisher(msg.Tracks, "/robot1/front/tracks", RELIABLE)
    for part in ("faces", "bodies", "persons"):
        subscribe(IdsList, f"/humans/{part}/tracked")
    process = start(processes, "humans")

    def publish(number):
        images.publish(frame_to_message(frame(number)))
        publish_tracks.publish(tracks(number))

    publish_until(
        processes,
        publish,
        lambda: received.get("/humans/faces/tracked") and received["/humans/faces/tracked"].ids,
        "faces",
        process,
    )
    # As libhri does: the topics of an id are subscribed once it is listed.
    face = "/humans/faces/f_robot1_front_1"
    roi = NormalizedRegionOfInterest2D
    for kind, topic in ((roi, "roi"), (FacialLandmarks, "landmarks"), (Image, "cropped"), (Image, "aligned")):
        subscribe(kind, f"{face}/{topic}")
    subscribe(roi, "/humans/bodies/b_robot1_front_1/roi")
    for kind, topic in ((String, "face_id"), (String, "body_id"), (Bool, "anonymous"), (String, "alias")):
        subscribe(kind, f"/humans/persons/p_robot1_1/{topic}", latched)
    publish_until(processes, publish, lambda: len(received) == 12, "all topics of the ids", process)
    assert received["/humans/persons/tracked"].ids == ["p_robot1_1"]
    assert received["/humans/bodies/tracked"].ids == ["b_robot1_front_1"]
    assert received["/humans/persons/p_robot1_1/face_id"].data == "f_robot1_front_1"
    assert received["/humans/persons/p_robot1_1/anonymous"].data is False
    assert received[f"{face}/roi"].xmin == pytest.approx(300 / 640)
    assert received[f"{face}/roi"].ymax == pytest.approx(120 / 480)
    assert (received[f"{face}/aligned"].width, received[f"{face}/aligned"].encoding) == (128, "bgr8")
    processes.wait_until(
        lambda: not received["/humans/persons/tracked"].ids, lambda: f"a silent camera: {process.said()}"
    )
    assert process.interrupt() == 0
    assert "Traceback" not in process.said()
