"""External detector node: detections from another detector's ``vision_msgs/Detection2DArray``."""

from functools import partial
from typing import Any

from facetrack_ros import msg
from facetrack_ros.core import validation
from facetrack_ros.core.frame import Frame
from facetrack_ros.core.printable import printable
from facetrack_ros.nodes.base.bounds import FRAMES
from facetrack_ros.nodes.base.optional_messages import import_messages
from facetrack_ros.nodes.base.process import run_node
from facetrack_ros.nodes.base.qos import RELIABLE, SENSOR_DATA
from facetrack_ros.nodes.base.robot_member_node import RobotMemberNode
from facetrack_ros.nodes.conversion.fields import MOST_IN_FRAME
from facetrack_ros.nodes.conversion.time import frame_name, stamp_of
from facetrack_ros.nodes.conversion.vision import detections_to_message
from facetrack_ros.nodes.conversion.vision_msgs import persons_of

#: Model id of its detections.
MODEL = "external_detector"


class ExternalDetectorNode(RobotMemberNode):
    """Replaces the detector node: embedder and tracker use its detections.

    The other detector must copy the image's header, as embedder and tracker match images and boxes by stamp; and its
    boxes must be in pixels of the image on ``<camera>/image/compressed``.

    :raises ConfigError: vision_msgs is not installed.
    """

    NAME = "external_detector"
    USES = ("vision_msgs.", "detector.min_score")
    OWN = ("cameras",)
    WHILE_INACTIVE = "no persons are passed on"

    def __init__(self, **member):
        kinds = import_messages("vision_msgs")
        super().__init__(**member)
        self._classes = frozenset(word.strip() for word in self.settings.vision_msgs.person_classes.split(","))
        self._outputs = self.camera_publishers(msg.Detections, "detections", RELIABLE)
        self._numbers = dict.fromkeys(self.cameras, 0)
        for camera in self.cameras:
            # Best effort receives from detectors of either reliability.
            topic = self.given_topic("vision_msgs.topic", camera)
            take = self.inbox.gate(
                "Detection2DArray", partial(self._on_array, camera), _checked, partial(_sender, topic), FRAMES
            )
            self.receive(kinds.Detection2DArray, topic, take, SENSOR_DATA)

    def _on_array(self, camera: str, array) -> None:
        if not self.active:
            return
        stamp_ns = stamp_of(array.header.stamp, "the stamp")
        if not stamp_ns:
            self.get_logger().error(
                f"the detections of {camera} have no stamp: their detector must copy the header of the "
                "image, by which they are matched to it",
                throttle_duration_sec=60.0,
            )
            return
        frame = Frame(camera, stamp_ns, self._numbers[camera], b"", frame_name(array.header))
        self._numbers[camera] += 1
        persons = persons_of(array, self._classes, self.settings.detector.min_score, MODEL)
        if array.detections and not len(persons):
            seen = sorted({what.hypothesis.class_id for detection in array.detections for what in detection.results})
            self.get_logger().info(
                f"no person among the {len(array.detections)} detections of {camera}: their classes are "
                f"{printable(', '.join(seen), 200) or 'none'}; persons are "
                f"{', '.join(sorted(self._classes))} from a score of {self.settings.detector.min_score:g}",
                throttle_duration_sec=60.0,
            )
        self._outputs[camera].publish(detections_to_message(frame, persons))


def _sender(topic: str, _: Any) -> str:
    return topic


def _checked(array: Any) -> Any:
    """The array itself.

    :raises InvalidInput: it has too many detections.
    """
    validation.at_most(array.detections, "detections", MOST_IN_FRAME)
    for detection in array.detections:
        validation.at_most(detection.results, "classes of a detection", MOST_IN_FRAME)
    return array


def main() -> None:
    """Run the node in a process of its own."""
    run_node(ExternalDetectorNode)
