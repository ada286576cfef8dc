"""Cameras of facetrack run and facetrack doctor whose source is a ROS topic."""

import json
import sys

from robot_processes import FACETRACK

# A driver: a film as raw images on one topic, as JPEG on another one, again and again.
DRIVER = """
import array, itertools, sys, time
import rclpy
from sensor_msgs.msg import CompressedImage, Image
from facetrack_ros.sources.factory import open_source
rclpy.init()
node = rclpy.create_node("driver")
raw = node.create_publisher(Image, "/camera/color/image_raw", 5)
compressed = node.create_publisher(CompressedImage, "/camera/color/jpeg", 5)
while True:
    for picture in itertools.islice(open_source(sys.argv[1]), None, None, 3):
        now = node.get_clock().now().to_msg()
        image = picture.image
        data = array.array("B", image.tobytes())
        message = Image(height=image.shape[0], width=image.shape[1], step=image.strides[0], encoding="bgr8", data=data)
        message.header.stamp = now
        raw.publish(message)
        message = CompressedImage(format="jpeg", data=array.array("B", picture.to_jpeg()))
        message.header.stamp = now
        compressed.publish(message)
        time.sleep(0.1)
"""


def test_topics_with_raw_and_compressed_images_are_cameras(processes, stage, tmp_path):
    data = tmp_path / "data"
    processes.start([sys.executable, "-c", DRIVER, stage.clips["robot1", "rear"]], "driver")
    cameras = ("--camera", "front=/camera/color/image_raw", "--camera", "rear=/camera/color/jpeg")
    no_display = ("env", "-u", "DISPLAY", "-u", "WAYLAND_DISPLAY")
    command = [*no_display, FACETRACK, "run", "--robot", "robot1", "--data", data, *cameras, "--view"]
    robot = processes.start(command, "robot1")
    robot.wait_until(lambda said: "is up with front, rear" in said, "the robot is up")
    robot.wait_until(lambda said: "there is no window" in said, "the missing display is told")
    assert "rqt_image_view /robot1/front/overlay/compressed" in robot.said(), "how to see the overlay is told"
    robot.wait_until(
        lambda said: " front: new person" in said or " front: p_robot1" in said, "someone is seen in raw images"
    )
    robot.wait_until(lambda said: " rear: new person" in said or " rear: p_robot1" in said, "someone is seen in JPEG")

    def doctor(topic):
        done = processes.run("doctor", "--json", "--data", data, "--camera", f"front={topic}")
        found = [json.loads(line) for line in done.stdout.splitlines()]
        (domain,) = (each for each in found if each["subject"] == "domain")
        assert "discovery range LOCALHOST" in domain["sentence"]
        return [each for each in found if each["subject"] == "camera front"], done.stderr

    (found,), said = doctor("/camera/color/image_raw")
    assert found["level"] == "ok", (found, said)
    assert "/camera/color/image_raw" in found["sentence"]
    (found,), said = doctor("/camera/image")
    assert found["level"] == "error"
    assert "/camera/color/jpeg (CompressedImage)" in found["sentence"], "the topics with images are named"
    assert robot.interrupt() == 0
