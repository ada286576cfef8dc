"""Check of a camera whose images come on a ROS topic."""

import threading
import time

import rclpy
from rclpy.logging import LoggingSeverity

from facetrack_ros.cli.checks.check_result import ERROR, OK, CheckResult
from facetrack_ros.cli.checks.robot import FIRST_PICTURE_S
from facetrack_ros.config import Config
from facetrack_ros.core.frame import Frame
from facetrack_ros.errors import FacetrackError
from facetrack_ros.nodes.base.process import ros, spinning
from facetrack_ros.nodes.inputs.images import ImageInput
from facetrack_ros.pipeline.camera_rotation import CameraRotations
from facetrack_ros.sources.topic import with_topics


def check_topic(name: str, topic: str, config: Config) -> CheckResult:
    """Whether images come on a topic; it is subscribed as a robot does.

    :param name: of the camera.
    :param topic: its absolute name.
    """
    subject, arrived = f"camera {name}", threading.Event()
    frames: list[Frame] = []

    def take(frame: Frame) -> None:
        frames[:1] = frames[:1] or [frame]
        arrived.set()

    refused: list[str] = []
    began_s = time.monotonic()
    with ros([]):
        node = rclpy.create_node("facetrack_doctor_camera", namespace=f"/facetrack_doctor_{name}")
        node.get_logger().set_level(LoggingSeverity.FATAL)  # the result says it
        settings = config.changed({"camera.topics": with_topics("", {name: topic})})
        images = ImageInput(
            node,
            (name,),
            settings,
            take,
            CameraRotations((name,)),
            encode=True,
            refused=lambda camera, sentence: refused.append(sentence),
        )
        with spinning([node]):
            arrived.wait(FIRST_PICTURE_S)
            problem = images.problem(name)
            images.close()
        node.destroy_node()
    if not frames:
        said = problem or (refused[-1] if refused else f"no image within {FIRST_PICTURE_S:g} s")
        return CheckResult(ERROR, subject, f"{topic}: {said}")
    took = f"after {time.monotonic() - began_s:.1f} s"
    try:
        height, width = frames[0].image.shape[:2]
    except FacetrackError as error:
        return CheckResult(ERROR, subject, f"{topic}: {error}")
    return CheckResult(OK, subject, f"{topic}: the first picture {took} has {width}x{height} pixels")
