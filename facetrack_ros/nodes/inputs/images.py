"""A node's images, of whatever driver: found, received, made into frames."""

import threading
import time
from collections.abc import Callable

import rclpy
from rclpy.event_handler import SubscriptionEventCallbacks, UnsupportedEventTypeError
from rclpy.node import Node
from rclpy.qos import QoSHistoryPolicy, QoSProfile, QoSReliabilityPolicy
from sensor_msgs.msg import CompressedImage, Image

from facetrack_ros.concurrency.worker import LatestPerCamera, Worker
from facetrack_ros.config import Config
from facetrack_ros.core.frame import Frame
from facetrack_ros.errors import FrameError
from facetrack_ros.nodes.base.qos import SENSOR_DATA
from facetrack_ros.nodes.base.throttled_log import ThrottledLog
from facetrack_ros.nodes.base.timers import has_simulated_time, now_ns, steady_timer
from facetrack_ros.nodes.conversion.time import to_ns
from facetrack_ros.nodes.conversion.vision import frame_to_message
from facetrack_ros.nodes.inputs.image_decoding import ImageReading
from facetrack_ros.nodes.inputs.image_topics import (
    AUTO,
    COMPRESSED,
    LARGE_RAW,
    RAW,
    RELIABLE,
    USUAL,
    Publisher,
    TopicCandidate,
    asks_for_reliable,
    choose,
    incompatible_sentence,
    offer_on,
    parse_topics,
    silence_sentence,
)

SILENT_S = 5.0
LOOK_S = 1.0
# A stalled receiver finds this many frames when it comes back; a third of a second at 30 Hz.
DEPTH = 10
# More than this at once is not lost: half a minute at 30 Hz.
LEAP = 900
# What one DDS message carries over shared memory or UDP without being cut up.
SMALL_BYTES = 64 * 1024
_TYPES = {COMPRESSED: CompressedImage, RAW: Image}


class ImageInput:
    """Listens to the images of a robot's cameras.

    Of each camera it begins with ``<camera>/image/compressed``; where nobody publishes that, it takes what the topic
    graph offers under the other usual names, or what the setting ``camera.topics`` names. Raw images become JPEG once,
    on a thread of their own, and go out as ``<camera>/image/compressed`` for whoever else wants them; that takes a
    node with ``encode``, the others wait for it.

    :param node: whose subscriptions they are.
    :param settings: ``camera.topics``, ``camera.qos`` and ``camera.jpeg_quality``.
    :param take: is given each frame, whose number is counted here, in the executor's thread or, of a raw image, in
        the encoder's.
    :param encode: whether raw images are taken.
    :param lost: is told of a camera and how many of its images got lost before they were received.
    :param refused: is told of a camera and a sentence for each image that is of no use.
    :raises ConfigError: ``camera.topics`` cannot be read.
    """

    def __init__(
        self,
        node: Node,
        cameras: tuple[str, ...],
        settings: Config,
        take: Callable[[Frame], None],
        encode: bool = False,
        refused: Callable[[str, str], None] = lambda camera_id, sentence: None,
        lost: Callable[[str, int], None] = lambda camera_id, count: None,
    ):
        named = parse_topics(settings.camera.topics, cameras)
        self._reading = ImageReading(node.get_logger())
        self._quality = settings.camera.jpeg_quality
        self._refused, self._lost = refused, lost
        self._closed = False
        self.warnings = ThrottledLog(node.get_logger())
        self._cameras = {
            camera: _CameraImages(self, node, camera, named.get(camera, ""), settings.camera.qos, take, encode)
            for camera in cameras
        }
        self._encoder = Worker(f"{node.get_name()} encoder", LatestPerCamera(), self._encode) if encode else None
        self._node = node
        self._timer = steady_timer(node, LOOK_S, self._look)

    def problem(self, camera_id: str) -> str:
        """Why no frames come, a sentence; empty while they do, or while it is too early to tell."""
        camera = self._cameras.get(camera_id)
        return camera.problem if camera is not None else ""

    def topic(self, camera_id: str) -> str:
        """The topic that is listened to."""
        return self._cameras[camera_id].topic

    def drain(self) -> None:
        """Wait until the raw images at hand are through."""
        if self._encoder is not None:
            self._encoder.drain()

    def close(self) -> None:
        """Hear no more; the subscriptions end with their node, whose executor may be at them now."""
        self._closed = True
        self._timer.cancel()
        if self._encoder is not None:
            self._encoder.close()

    def leave(self) -> None:
        """Hear no more and end the subscriptions; for the executor's thread, or before there is one."""
        self.close()
        self._node.destroy_timer(self._timer)
        for camera in self._cameras.values():
            camera.leave()

    def lost(self, camera_id: str, count: int) -> None:
        """Messages got lost before they were received."""
        self._lost(camera_id, count)

    def _look(self) -> None:
        now = time.monotonic()
        for camera in self._cameras.values():
            camera.look(now)

    def on_message(self, camera: "_CameraImages", message: CompressedImage | Image, arrived_ns: int) -> None:
        """A message came; raw ones are passed to the encoder."""
        if self._closed:
            return
        if isinstance(message, Image) and self._encoder is not None:
            self._encoder.put(camera.camera_id, (camera, message, arrived_ns))
        else:
            self._hand_on(camera, message, arrived_ns)

    def _encode(self, items: list) -> None:
        for item in items:
            self._hand_on(*item)

    def _hand_on(self, camera: "_CameraImages", message: CompressedImage | Image, arrived_ns: int) -> None:
        try:
            jpeg = self._reading.jpeg(message, self._quality)
        except FrameError as error:
            self._refused(camera.camera_id, str(error))
            self.warnings.warn((camera.camera_id, "image"), f"camera {camera.camera_id}, on {camera.topic}: {error}")
            return
        camera.hand_on(jpeg, message, arrived_ns)


class _CameraImages:
    """The images of one camera."""

    def __init__(
        self,
        inputs: ImageInput,
        node: Node,
        camera_id: str,
        named: str,
        qos: str,
        take: Callable[[Frame], None],
        encode: bool,
    ):
        self.camera_id = camera_id
        self.problem = ""
        self._inputs, self._node, self._take, self._qos, self._encode = inputs, node, take, qos, encode
        robot = node.get_namespace().rstrip("/")
        self._main = node.resolve_topic_name(f"{robot}/{camera_id}/{USUAL[0]}")
        self._topics = [node.resolve_topic_name(f"{robot}/{camera_id}/{name}") for name in USUAL]
        if named:
            named = named if named.startswith("/") else f"{robot}/{named}"
            # Whoever takes no raw images waits for the JPEG that is made of them.
            self._topics = list(dict.fromkeys([named, *(() if encode else (self._main,))]))
        raw = bool(named) and not named.endswith("compressed")
        self._number = self._sequence = 0
        self._frames_s: float | None = None
        self._began_s = self._listening_s = time.monotonic()
        self._offer: TopicCandidate | None = None
        self._reliable = False
        self._subscription = None
        self._publisher = None
        self._publishing = threading.Lock()
        self._listen(
            self._main if raw and not encode else self._topics[0],
            RAW if raw and encode else COMPRESSED,
            qos == RELIABLE,
        )

    def look(self, now_s: float) -> None:
        """Once a second: whether what is listened to is still the right topic, and whether anything comes."""
        since = self._frames_s if self._frames_s is not None else self._began_s
        flowing = self._frames_s is not None and now_s - self._frames_s < 2 * LOOK_S
        if flowing and self._offer is None:
            self._offer = self._offer_on(self.topic)
        if flowing and (self._offer is None or self._offer.kind == COMPRESSED):
            return
        offers = [offer for offer in map(self._offer_on, self._topics) if offer is not None]
        silent_s = now_s - since
        if offers:
            self._change_to(choose(offers, self._offer, flowing, now_s - max(since, self._listening_s) >= SILENT_S))
        else:
            self._offer = None
        if silent_s >= SILENT_S:
            waited_at = self._topics[0] if self._frames_s is None else self.topic
            self.problem = silence_sentence(
                self.camera_id, silent_s, waited_at, self._offer, *self._elsewhere(), self._reliable
            )
            self._inputs.warnings.warn((self.camera_id, "silence"), self.problem)

    def _change_to(self, offer: TopicCandidate) -> None:
        reliable = asks_for_reliable(offer, self._qos)
        same = self._offer is not None and (offer.topic, offer.kind) == (self._offer.topic, self._offer.kind)
        first = self._offer is None and offer.topic == self.topic and _TYPES[offer.kind] is self._subscription.msg_type
        self._offer = offer
        if (same or first) and reliable == self._reliable:
            return
        self._listen(offer.topic, offer.kind, reliable)
        who = ", ".join(publisher.node for publisher in offer.publishers)
        words = "JPEG is made of its raw images" if offer.kind == RAW else "images come as they are"
        self._node.get_logger().info(f"camera {self.camera_id}: {who} publishes {offer.topic}, {words}")

    def _listen(self, topic: str, kind: str, reliable: bool) -> None:
        if self._subscription is not None:
            self._node.destroy_subscription(self._subscription)
        self.topic, self._reliable, self._listening_s = topic, reliable, time.monotonic()
        profile = QoSProfile(
            depth=DEPTH,
            history=QoSHistoryPolicy.KEEP_LAST,
            reliability=QoSReliabilityPolicy.RELIABLE if reliable else QoSReliabilityPolicy.BEST_EFFORT,
        )
        options = {
            "event_callbacks": SubscriptionEventCallbacks(
                incompatible_qos=self._on_incompatible, use_default_callbacks=False
            )
        }
        try:
            self._subscription = self._node.create_subscription(
                _TYPES[kind], topic, self._on_message, profile, **options
            )
        except UnsupportedEventTypeError:  # a middleware that does not tell
            self._subscription = self._node.create_subscription(_TYPES[kind], topic, self._on_message, profile)
        with self._publishing:
            if kind == RAW and self._publisher is None:
                self._publisher = self._node.create_publisher(CompressedImage, self._main, SENSOR_DATA)
            elif kind == COMPRESSED:
                self._publish_no_more()

    def _on_message(self, message: CompressedImage | Image, info: dict) -> None:
        if self._frames_s is None and isinstance(message, Image) and not self._reliable:
            self._hint_at_transport(message)
        now_s = time.monotonic()
        if self._inputs.warnings.clear((self.camera_id, "silence")):
            self._node.get_logger().info(
                f"camera {self.camera_id}: frames come again on {self.topic}, after "
                f"{now_s - (self._frames_s or self._began_s):.0f} s"
            )
        self._frames_s, self.problem = now_s, ""
        self._count_lost(info.get("publication_sequence_number") or 0)
        self._inputs.on_message(self, message, self._arrival_ns(info))

    def _count_lost(self, sequence: int) -> None:
        """The middleware numbers what a publisher sends. A leap is another publisher, or one that began anew."""
        missing = sequence - self._sequence - 1
        if self._sequence and 0 < missing < LEAP:
            self._inputs.lost(self.camera_id, missing)
        self._sequence = sequence

    def _arrival_ns(self, info: dict) -> int:
        """When it came, for frames without a stamp: as the middleware stamped it when it was sent, which is one and the
        same for all nodes that hear it; in simulated time, now."""
        if has_simulated_time(self._node):
            return now_ns(self._node) or 0
        return info.get("source_timestamp") or time.time_ns()

    def hand_on(self, jpeg: bytes, message: CompressedImage | Image, arrived_ns: int) -> None:
        """A frame is ready."""
        stamp_ns = to_ns(message.header.stamp)
        if stamp_ns == 0:
            stamp_ns = arrived_ns
            self._inputs.warnings.warn_once(
                (self.camera_id, "stamp"),
                (
                    f"camera {self.camera_id}: the images on {self.topic} have no stamps, so the time they come at is taken: let "
                    "the driver fill header.stamp"
                ),
            )
        frame = Frame(self.camera_id, stamp_ns, self._number, jpeg, message.header.frame_id)
        self._number += 1
        with self._publishing:
            if self._publisher is not None and self._publisher.get_subscription_count():
                self._publisher.publish(frame_to_message(frame))
        self._take(frame)

    def leave(self) -> None:
        """End what was made."""
        self._node.destroy_subscription(self._subscription)
        with self._publishing:
            self._publish_no_more()

    def _offer_on(self, topic: str) -> TopicCandidate | None:
        return offer_on(topic, self._publishers(topic), self._encode)

    def _publishers(self, topic: str) -> tuple[Publisher, ...]:
        own = self._node.get_fully_qualified_name()
        found = (
            Publisher(_node_of(info), info.topic_type, info.qos_profile.reliability == QoSReliabilityPolicy.RELIABLE)
            for info in self._node.get_publishers_info_by_topic(topic)
        )
        return tuple(publisher for publisher in found if publisher.node != own)

    def _elsewhere(self) -> tuple[dict[str, str], dict[str, str]]:
        """Every other topic with images that somebody publishes, and what is no image on those looked at."""
        others, odd = {}, {}
        for topic, kinds in self._node.get_topic_names_and_types():
            images = [kind for kind in kinds if kind in _TYPES]
            if (
                topic not in self._topics
                and images
                and self._publishers(topic)
                and not topic.endswith("/overlay/compressed")
            ):
                others[topic] = images[0]
            elif topic in self._topics:
                strange = [publisher.kind for publisher in self._publishers(topic) if publisher.kind not in _TYPES]
                odd.update({topic: strange[0]} if strange else {})
        return others, odd

    def _on_incompatible(self, _) -> None:
        publishers = self._publishers(self.topic)
        if self._qos == AUTO:
            self._listen(self.topic, RAW if self._subscription.msg_type is Image else COMPRESSED, False)
            return
        sentence = incompatible_sentence(self.camera_id, self.topic, publishers, self._reliable)
        self._inputs.warnings.warn((self.camera_id, "qos"), sentence)

    def _hint_at_transport(self, message: Image) -> None:
        """Large raw images over Fast DDS: at 1280×720, best effort lost 75 to 95 % of them here and reliable none at 10 Hz."""
        if len(message.data) > SMALL_BYTES and "fastrtps" in rclpy.get_rmw_implementation_identifier():
            self._inputs.warnings.warn_once(
                (self.camera_id, "size"),
                (
                    f"camera {self.camera_id}: raw images of {len(message.data) / 1e6:.1f} MB come on {self.topic}; {LARGE_RAW}"
                ),
            )

    def _publish_no_more(self) -> None:
        if self._publisher is not None:
            self._node.destroy_publisher(self._publisher)
            self._publisher = None


def _node_of(info) -> str:
    """A publisher's node. ROS hears of a publisher before it hears whose it is, and forgets in the other order."""
    if "_UNKNOWN_" in info.node_name:
        return "a node that is gone or not known yet"
    return f"{info.node_namespace.rstrip('/')}/{info.node_name}"
