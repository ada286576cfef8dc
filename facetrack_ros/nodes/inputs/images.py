"""Images of a node's cameras as frames."""

import time
from collections.abc import Callable

from rclpy.node import Node
from sensor_msgs.msg import CompressedImage, Image

from facetrack_ros.concurrency.worker import LatestPerCamera, Worker
from facetrack_ros.config import Config
from facetrack_ros.core.frame import Frame
from facetrack_ros.errors import FrameError, InvalidInput
from facetrack_ros.nodes.base.throttled_log import ThrottledLog
from facetrack_ros.nodes.base.timers import steady_timer
from facetrack_ros.nodes.conversion.time import frame_name, stamp_of
from facetrack_ros.nodes.inputs import camera_images
from facetrack_ros.nodes.inputs.camera_images import CameraImages
from facetrack_ros.nodes.inputs.image_decoding import ImageDecoder
from facetrack_ros.nodes.inputs.image_topics import parse_topics
from facetrack_ros.pipeline.camera_rotation import CameraRotations


class ImageInput:
    """Subscriptions to the images of a robot's cameras.

    A camera begins with ``<camera>/image/compressed``. If that has no publisher, a topic under another usual name is
    subscribed, or the one that the setting ``camera.topics`` gives. Raw images are encoded as JPEG once, by a worker,
    and published as ``<camera>/image/compressed`` for other nodes; only a node with ``encode`` does so, the others wait
    for it.

    :param settings: ``camera.topics``, ``camera.qos`` and ``camera.jpeg_quality``.
    :param rotations: angles by which frames are turned; the topics keep the images as they came.
    :param take: takes each frame, numbered here, on the executor's thread; of a raw image, on the encoder's.
    :param encode: whether raw images are subscribed.
    :param refused: takes camera id and a sentence for each unusable image.
    :param lost: takes camera id and the number of images lost before they were received.
    :raises ConfigError: ``camera.topics`` cannot be read.
    """

    def __init__(
        self,
        node: Node,
        cameras: tuple[str, ...],
        settings: Config,
        take: Callable[[Frame], None],
        rotations: CameraRotations,
        encode: bool = False,
        refused: Callable[[str, str], None] = lambda camera_id, sentence: None,
        lost: Callable[[str, int], None] = lambda camera_id, count: None,
    ):
        named = parse_topics(settings.camera.topics, cameras)
        self._decoder = ImageDecoder(node.get_logger())
        self._quality = settings.camera.jpeg_quality
        self._take, self._rotations, self._refused = take, rotations, refused
        self._closed = False
        self._warnings = ThrottledLog(node.get_logger())
        self._cameras = {
            camera: CameraImages(
                node, camera, named.get(camera, ""), settings.camera.qos, encode, self._warnings, self._on_image, lost
            )
            for camera in cameras
        }
        self._encoder = Worker(f"{node.get_name()} encoder", LatestPerCamera(), self._encode) if encode else None
        self._node = node
        self._timer = steady_timer(node, camera_images.CHECK_S, self._check_topics)

    def problem(self, camera_id: str) -> str:
        """Why no frames arrive, a sentence; empty while they do, and in the first :data:`camera_images.SILENT_S`."""
        camera = self._cameras.get(camera_id)
        return camera.problem if camera is not None else ""

    def topic(self, camera_id: str) -> str:
        """The topic subscribed."""
        return self._cameras[camera_id].topic

    def drain(self) -> None:
        """Wait until pending raw images are encoded."""
        if self._encoder is not None:
            self._encoder.drain()

    def close(self) -> None:
        """Ignore images from now on; the subscriptions end with their node, whose executor may use them now."""
        self._closed = True
        self._timer.cancel()
        if self._encoder is not None:
            self._encoder.close()

    def leave(self) -> None:
        """Close and end the subscriptions; on the executor's thread, or before there is one."""
        self.close()
        self._node.destroy_timer(self._timer)
        for camera in self._cameras.values():
            camera.leave()

    def _check_topics(self) -> None:
        now = time.monotonic()
        for camera in self._cameras.values():
            camera.check_topic(now)

    def _on_image(self, camera: CameraImages, message: CompressedImage | Image, arrived_ns: int) -> None:
        if self._closed:
            return
        if isinstance(message, Image) and self._encoder is not None:
            self._encoder.put(camera.camera_id, (camera, message, arrived_ns))
        else:
            self._pass_on(camera, message, arrived_ns)

    def _encode(self, item: tuple) -> None:
        self._pass_on(*item)

    def _refuse(self, camera: CameraImages, reason: str) -> None:
        self._refused(camera.camera_id, reason)
        self._warnings.warn((camera.camera_id, "image"), f"camera {camera.camera_id}, on {camera.topic}: {reason}")

    def _pass_on(self, camera: CameraImages, message: CompressedImage | Image, arrived_ns: int) -> None:
        try:
            stamp_of(message.header.stamp, "the stamp of an image")
            frame_name(message.header)
            found = self._decoder.jpegs(camera.camera_id, message, self._quality)
        except (FrameError, InvalidInput) as error:
            found = []
            self._refuse(camera, str(error))
        for reason, count in self._decoder.lost(camera.camera_id).items():
            for _ in range(count):
                self._refuse(camera, reason)
        for of, jpeg in found:
            self._take(self._rotations.turned(camera.make_frame(jpeg, of, arrived_ns)))
