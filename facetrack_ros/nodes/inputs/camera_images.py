"""Images of one camera, from the topic that has them."""

import threading
import time
from collections.abc import Callable
from typing import Any

import rclpy
from rclpy.event_handler import SubscriptionEventCallbacks, UnsupportedEventTypeError
from rclpy.node import Node
from rclpy.publisher import Publisher as RosPublisher
from rclpy.qos import QoSHistoryPolicy, QoSProfile, QoSReliabilityPolicy
from rclpy.subscription import Subscription
from sensor_msgs.msg import CompressedImage, Image

from facetrack_ros.core.frame import Frame
from facetrack_ros.nodes.base.qos import SENSOR_DATA
from facetrack_ros.nodes.base.throttled_log import ThrottledLog
from facetrack_ros.nodes.base.timers import has_simulated_time, now_ns
from facetrack_ros.nodes.conversion.time import to_ns
from facetrack_ros.nodes.conversion.vision import frame_to_message
from facetrack_ros.nodes.inputs.image_topics import (
    AUTO,
    COMPRESSED,
    LARGE_RAW,
    RAW,
    RELIABLE,
    USUAL,
    Publisher,
    TopicCandidate,
    candidate_of,
    choose,
    incompatible_sentence,
    silence_sentence,
    wants_reliable,
)

# A camera without images for this long is reported, and another topic is tried. Chosen by hand.
SILENT_S = 5.0
# How often the topic graph is checked.
CHECK_S = 1.0
# Images that a stalled receiver finds when it resumes: a third of a second at 30 Hz.
DEPTH = 10
# A larger gap in the sequence numbers is no loss but a new publisher: half a minute at 30 Hz.
LEAP = 900
# Size of a DDS message that shared memory or UDP carries in one part.
SMALL_BYTES = 64 * 1024
_TYPES = {COMPRESSED: CompressedImage, RAW: Image}


class CameraImages:
    """Subscription to the images of one camera: the topic, its changes, lost and missing images, frame numbers.

    :ivar topic: the topic subscribed.
    :ivar problem: why no images arrive, a sentence; empty while they do.
    :param named: the topic that ``camera.topics`` gives, or empty.
    :param qos: ``camera.qos``.
    :param encode: whether raw images are subscribed.
    :param on_image: takes each message, with the stamp of an image that has none.
    :param lost: takes camera id and the number of images lost before they were received.
    """

    def __init__(
        self,
        node: Node,
        camera_id: str,
        named: str,
        qos: str,
        encode: bool,
        warnings: ThrottledLog,
        on_image: Callable[["CameraImages", CompressedImage | Image, int], None],
        lost: Callable[[str, int], None],
    ):
        self.camera_id, self.problem = camera_id, ""
        self._node, self._qos, self._encode = node, qos, encode
        self._warnings, self._on_image, self._lost = warnings, on_image, lost
        robot = node.get_namespace().rstrip("/")
        self._main = node.resolve_topic_name(f"{robot}/{camera_id}/{USUAL[0]}")
        self._topics = [node.resolve_topic_name(f"{robot}/{camera_id}/{name}") for name in USUAL]
        if named:
            named = named if named.startswith("/") else f"{robot}/{named}"
            # A node that takes no raw images waits for the JPEG made of them.
            self._topics = list(dict.fromkeys([named, *(() if encode else (self._main,))]))
        raw = bool(named) and not named.endswith("compressed")
        self._number = self._sequence = 0
        self._received_s: float | None = None
        self._began_s = self._subscribed_s = time.monotonic()
        self._candidate: TopicCandidate | None = None
        self._reliable = False
        self._publisher: RosPublisher | None = None
        self._publishing = threading.Lock()
        self._subscription: Subscription | None = None
        self._subscribe(
            self._main if raw and not encode else self._topics[0],
            RAW if raw and encode else COMPRESSED,
            qos == RELIABLE,
        )

    def check_topic(self, now_s: float) -> None:
        """Change the topic if another one is better, and report silence; called every :data:`CHECK_S`."""
        since = self._received_s if self._received_s is not None else self._began_s
        flowing = self._received_s is not None and now_s - self._received_s < 2 * CHECK_S
        if flowing and self._candidate is None:
            self._candidate = self._candidate_of(self.topic)
        if flowing and (self._candidate is None or self._candidate.kind == COMPRESSED):
            return
        candidates = [found for found in map(self._candidate_of, self._topics) if found is not None]
        silent_s = now_s - since
        expired = now_s - max(since, self._subscribed_s) >= SILENT_S
        chosen = choose(candidates, self._candidate, flowing, expired) if candidates else None
        if chosen is not None:
            self._change_to(chosen)
        else:
            self._candidate = None
        if silent_s >= SILENT_S:
            topic = self._topics[0] if self._received_s is None else self.topic
            self.problem = silence_sentence(
                self.camera_id, silent_s, topic, self._candidate, *self._other_topics(), self._reliable
            )
            self._warnings.warn((self.camera_id, "silence"), self.problem)

    def _change_to(self, chosen: TopicCandidate) -> None:
        reliable = wants_reliable(chosen, self._qos)
        before, self._candidate = self._candidate, chosen
        if before is not None:
            same = (chosen.topic, chosen.kind) == (before.topic, before.kind)
        else:
            same = chosen.topic == self.topic and chosen.kind == self._kind
        if same and reliable == self._reliable:
            return
        self._subscribe(chosen.topic, chosen.kind, reliable)
        nodes = ", ".join(publisher.node for publisher in chosen.publishers)
        how = "JPEG is made of its raw images" if chosen.kind == RAW else "images come as they are"
        self._node.get_logger().info(f"camera {self.camera_id}: {nodes} publishes {chosen.topic}, {how}")

    def _subscribe(self, topic: str, kind: str, reliable: bool) -> None:
        if self._subscription is not None:
            self._node.destroy_subscription(self._subscription)
        self.topic, self._kind, self._reliable, self._subscribed_s = topic, kind, reliable, time.monotonic()
        profile = QoSProfile(
            depth=DEPTH,
            history=QoSHistoryPolicy.KEEP_LAST,
            reliability=QoSReliabilityPolicy.RELIABLE if reliable else QoSReliabilityPolicy.BEST_EFFORT,
        )
        on_message: Any = self._on_message  # rclpy passes the info to callbacks of two arguments
        events = SubscriptionEventCallbacks(incompatible_qos=self._on_incompatible, use_default_callbacks=False)
        try:
            self._subscription = self._node.create_subscription(
                _TYPES[kind], topic, on_message, profile, event_callbacks=events
            )
        except UnsupportedEventTypeError:  # of a middleware without this event
            self._subscription = self._node.create_subscription(_TYPES[kind], topic, on_message, profile)
        with self._publishing:
            if kind == RAW and self._publisher is None:
                self._publisher = self._node.create_publisher(CompressedImage, self._main, SENSOR_DATA)
            elif kind == COMPRESSED:
                self._destroy_publisher()

    def _on_message(self, message: CompressedImage | Image, info: dict) -> None:
        if self._received_s is None and isinstance(message, Image) and not self._reliable:
            self._warn_of_transport(message)
        now_s = time.monotonic()
        if self._warnings.clear((self.camera_id, "silence")):
            self._node.get_logger().info(
                f"camera {self.camera_id}: frames come again on {self.topic}, after "
                f"{now_s - (self._received_s or self._began_s):.0f} s"
            )
        self._received_s, self.problem = now_s, ""
        self._count_lost(info.get("publication_sequence_number") or 0)
        self._on_image(self, message, self._arrival_ns(info))

    def _count_lost(self, sequence: int) -> None:
        """Count a gap in the publisher's sequence numbers; a leap means another or a restarted publisher."""
        missing = sequence - self._sequence - 1
        if self._sequence and 0 < missing < LEAP:
            self._lost(self.camera_id, missing)
        self._sequence = sequence

    def _arrival_ns(self, info: dict) -> int:
        """Stamp of a frame without one: when the middleware sent it, which is equal for all its receivers; in simulated
        time, now."""
        if has_simulated_time(self._node):
            return now_ns(self._node) or 0
        return info.get("source_timestamp") or time.time_ns()

    def make_frame(self, jpeg: bytes, message: CompressedImage | Image, arrived_ns: int) -> Frame:
        """The next frame, from an image and its JPEG; published if the image was raw."""
        stamp_ns = to_ns(message.header.stamp)
        if stamp_ns == 0:
            stamp_ns = arrived_ns
            self._warnings.warn_once(
                (self.camera_id, "stamp"),
                f"camera {self.camera_id}: the images on {self.topic} have no stamps, so the time they come at is "
                "taken: let the driver fill header.stamp",
            )
        frame = Frame(self.camera_id, stamp_ns, self._number, jpeg, message.header.frame_id)
        self._number += 1
        with self._publishing:
            if self._publisher is not None and self._publisher.get_subscription_count():
                self._publisher.publish(frame_to_message(frame))
        return frame

    def leave(self) -> None:
        """End subscription and publisher."""
        if self._subscription is not None:
            self._node.destroy_subscription(self._subscription)
        with self._publishing:
            self._destroy_publisher()

    def _candidate_of(self, topic: str) -> TopicCandidate | None:
        return candidate_of(topic, self._publishers(topic), self._encode)

    def _publishers(self, topic: str) -> tuple[Publisher, ...]:
        own = self._node.get_fully_qualified_name()
        found = (
            Publisher(_node_of(info), info.topic_type, info.qos_profile.reliability == QoSReliabilityPolicy.RELIABLE)
            for info in self._node.get_publishers_info_by_topic(topic)
        )
        return tuple(publisher for publisher in found if publisher.node != own)

    def _other_topics(self) -> tuple[dict[str, str], dict[str, str]]:
        """Types by topic: every other published topic with images, and the camera's topics of another type."""
        others, odd = {}, {}
        for topic, kinds in self._node.get_topic_names_and_types():
            images = [kind for kind in kinds if kind in _TYPES]
            if topic in self._topics:
                strange = [publisher.kind for publisher in self._publishers(topic) if publisher.kind not in _TYPES]
                odd.update({topic: strange[0]} if strange else {})
            elif images and self._publishers(topic) and not topic.endswith("/overlay/compressed"):
                others[topic] = images[0]
        return others, odd

    def _on_incompatible(self, _) -> None:
        publishers = self._publishers(self.topic)
        if self._qos == AUTO:
            self._subscribe(self.topic, self._kind, False)
            return
        sentence = incompatible_sentence(self.camera_id, self.topic, publishers, self._reliable)
        self._warnings.warn((self.camera_id, "qos"), sentence)

    def _warn_of_transport(self, message: Image) -> None:
        """Warn of large raw images over Fast DDS: of 1280x720 at 10 Hz best effort lost 75 to 95 %, reliable none."""
        if len(message.data) > SMALL_BYTES and "fastrtps" in rclpy.get_rmw_implementation_identifier():
            self._warnings.warn_once(
                (self.camera_id, "size"),
                f"camera {self.camera_id}: raw images of {len(message.data) / 1e6:.1f} MB come on {self.topic}; "
                + LARGE_RAW,
            )

    def _destroy_publisher(self) -> None:
        if self._publisher is not None:
            self._node.destroy_publisher(self._publisher)
            self._publisher = None


def _node_of(info: Any) -> str:
    """Full name of a publisher's node; ROS discovers it after the publisher, and drops it before."""
    if "_UNKNOWN_" in info.node_name:
        return "a node that is gone or not known yet"
    return f"{info.node_namespace.rstrip('/')}/{info.node_name}"
