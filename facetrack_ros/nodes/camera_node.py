"""Camera node: a device, an address, a file, a folder or a bag in, JPEG frames out, in real time."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from sensor_msgs.msg import CompressedImage

from facetrack_ros.core.frame import Frame
from facetrack_ros.core.masking import mask_camera, mask_passwords
from facetrack_ros.errors import AccessDeniedError, ConfigError, FacetrackError, first_line
from facetrack_ros.nodes.base.process import run_node
from facetrack_ros.nodes.base.qos import SENSOR_DATA
from facetrack_ros.nodes.base.robot_member_node import RobotMemberNode
from facetrack_ros.nodes.base.throttled_log import ThrottledLog
from facetrack_ros.nodes.conversion.vision import frame_to_message
from facetrack_ros.nodes.health.publisher import Diagnostics
from facetrack_ros.nodes.health.stage_health import StageHealth
from facetrack_ros.nodes.health.status import STALE, Diagnosis
from facetrack_ros.sources.factory import is_live, open_source
from facetrack_ros.sources.source import FrameSource
from facetrack_ros.sources.stamped_frames import rising_pictures

logger = logging.getLogger(__name__)

# Pauses before a lost device or address is opened again, chosen by hand: doubled up to 4 s, so that frames flow within
# 5 s of its return; longer after a refused password, as cameras lock out who tries often.
RETRY_S, LONGEST_RETRY_S, REFUSED_RETRY_S = 1.0, 4.0, 60.0


@dataclass(frozen=True)
class _Ending:
    """Why and how the reading of a source ended.

    :param refused: whether the camera did not accept user and password.
    :param unused: the frames that were not used, in words.
    """

    reason: str
    failed: bool = False
    refused: bool = False
    unused: str = ""


class CameraNode(RobotMemberNode):
    """One camera of a robot. Each image is encoded as JPEG once, here, and stamped: a live one on arrival, a recorded
    one with the time it is due, counted from the start of playback.

    :param camera_id: its name within the robot, if the parameter ``camera`` is not set from outside.
    :param source: SOURCE, if the parameter ``source`` is not set from outside.
    :ivar listeners: receive each frame.
    :ivar end_listeners: receive the camera's name when its recording ends.
    """

    NAME = "camera"
    USES = ("camera.",)
    OWN = ("cameras", "camera", "source")
    WHILE_INACTIVE = "its source is closed, and no frame comes"

    def __init__(self, camera_id: str = "", source: str = "", **member):
        # Several cameras may live in one process: each is named after its camera.
        super().__init__(f"{camera_id}_camera" if member.get("robot_id") else "", **member)
        self.camera_id = self.own("camera", camera_id or None)
        self._text = self.own("source", source or None, mask_camera)
        if not self._text:
            raise ConfigError("a camera needs a source: -p source:=0, or an address, a file, a folder, bag:PATH:TOPIC")
        self.listeners: list[Callable[[Frame], None]] = []
        self.end_listeners: list[Callable[[str], None]] = []
        self._publisher = self.create_publisher(
            CompressedImage, self.camera_topic(self.camera_id, "image/compressed"), SENSOR_DATA
        )
        self._source: FrameSource | None = None
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._number = 0
        self._warnings = ThrottledLog(self.get_logger())
        self._lost_since_s: float | None = None
        self._live = False
        self._pause_s = RETRY_S
        self._problem, self._end = "", ""
        self._health = StageHealth(self, (self.camera_id,), "camera", problem=lambda camera: self._problem)
        self._diagnostics = Diagnostics(self, self.robot_id, self._report)

    def activate(self) -> None:
        """Start reading. A device or an address is opened in the background, again and again until it gives pictures.

        :raises SourceError: a file, folder or bag cannot be opened.
        """
        self._live = is_live(self._text)
        self._source = None if self._live else open_source(self._text)
        self._stop.clear()
        self._thread = threading.Thread(target=self._run, name=self.get_name(), daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._stop.is_set():
            ending = self._play_once()
            self._source = None
            if self._stop.is_set():
                return
            if not self._live and not self.settings.camera.loop:
                self._on_end(ending)
                return
            if ending.failed:
                self._on_lost(ending.reason)
                self._stop.wait(REFUSED_RETRY_S if ending.refused else self._pause_s)
                self._pause_s = min(2 * self._pause_s, LONGEST_RETRY_S)

    def _play_once(self) -> "_Ending":
        """Open the source and play it to its end."""
        try:
            with self._source or open_source(self._text) as source:
                self._source = source
                self._play(source)
            if self._live:
                return _Ending(f"{source.name} stopped giving pictures", failed=True)
            return _Ending("is over", unused="; ".join(source.unused.lines()))
        except FacetrackError as error:
            return _Ending(str(error), failed=True, refused=isinstance(error, AccessDeniedError))
        except Exception as error:  # must not end the thread silently: the camera would seem to see no person
            if self._lost_since_s is None:
                logger.exception("camera %s: unexpected error", self.camera_id)
            return _Ending(mask_passwords(f"ended unexpectedly: {first_line(error)}"), failed=True)

    def _on_end(self, ending: "_Ending") -> None:
        unused = f"; not used, {ending.unused}" if ending.unused else ""
        self._end = f"{mask_camera(self._text)} {ending.reason}, after {self._number} frames{unused}"
        self.get_logger().info(f"camera {self.camera_id}: {self._end}")
        for listener in self.end_listeners:
            listener(self.camera_id)

    def _on_lost(self, reason: str) -> None:
        if self._lost_since_s is None:
            self._lost_since_s = time.monotonic()
        self._problem = f"{reason}; trying again"
        self._health.failed(self.camera_id, self._problem)
        self._warnings.warn("source", f"camera {self.camera_id}: {self._problem}")

    def _on_image(self) -> None:
        if self._lost_since_s is not None:
            lost_s = time.monotonic() - self._lost_since_s
            self.get_logger().info(f"camera {self.camera_id}: pictures come again, after {lost_s:.0f} s")
            self._lost_since_s, self._problem, self._pause_s = None, "", RETRY_S
            self._warnings.clear("source")

    def _report(self) -> list[Diagnosis]:
        source = self._source
        found = self._health.report_camera(self.camera_id, {"source": source.name if source else "none open"})
        return [replace(found, level=STALE, sentence=self._end) if self._end else found]

    def _play(self, source: FrameSource) -> None:
        clock = self.get_clock()
        start_ns = clock.now().nanoseconds
        first_ns = None
        last_ns = 0
        for time_ns, image in ((0, image) for image in source) if source.live else rising_pictures(source):
            first_ns = time_ns if first_ns is None else first_ns
            stamp_ns = clock.now().nanoseconds if source.live else start_ns + time_ns - first_ns
            # Until it is due, or until the node stops.
            if self._stop.wait(max(0.0, (stamp_ns - clock.now().nanoseconds) / 1e9)):
                return
            if stamp_ns <= last_ns:
                continue
            last_ns = stamp_ns
            self._on_image()
            jpeg = image.to_jpeg(self.settings.camera.jpeg_quality)
            frame = Frame(self.camera_id, stamp_ns, self._number, jpeg, image.frame_id)
            self._number += 1
            self._health.arrived(frame)
            if self._publisher.get_subscription_count():
                self._publisher.publish(frame_to_message(frame))
            for listener in self.listeners:
                listener(frame)
            self._health.finished(frame)

    def deactivate(self) -> None:
        """Stop at once and close the source."""
        self._stop.set()
        if self._source is not None:
            self._source.close()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(2.0)

    def close(self) -> None:
        """Stop for good."""
        self.deactivate()


def main() -> None:
    """Run the node in a process of its own."""
    run_node(CameraNode)
