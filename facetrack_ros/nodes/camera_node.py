"""Camera node: a device, an address, a file, a folder or a bag in, JPEG frames out, in real time."""

import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import replace

from sensor_msgs.msg import CompressedImage

from facetrack_ros.core.frame import Frame
from facetrack_ros.errors import ConfigError, FacetrackError
from facetrack_ros.nodes.base.process import run_node
from facetrack_ros.nodes.base.qos import SENSOR_DATA
from facetrack_ros.nodes.base.robot_member_node import RobotMemberNode
from facetrack_ros.nodes.base.throttled_log import ThrottledLog
from facetrack_ros.nodes.conversion.vision import frame_to_message
from facetrack_ros.nodes.health.publisher import Diagnostics
from facetrack_ros.nodes.health.stage_health import StageHealth
from facetrack_ros.nodes.health.status import STALE, Diagnosis
from facetrack_ros.sources.factory import open_source
from facetrack_ros.sources.source import FrameSource

# How long a lost device or address is left alone before the next try. Back again, it is to give pictures within 5 s.
RETRY_S = 1.0


class CameraNode(RobotMemberNode):
    """One camera of a robot. Each picture becomes JPEG once, here, and is stamped: a live one on arrival, a recorded
    one with the moment it is due, counted from the start of playing.

    :param camera_id: its name within the robot, where the parameter ``camera`` is not given from outside.
    :param source: SOURCE, where the parameter ``source`` is not given from outside.
    """

    NAME = "camera"
    USES = ("camera.",)
    OWN = ("cameras", "camera", "source")
    WHILE_INACTIVE = "its source is closed, and no frame comes"

    def __init__(self, camera_id: str = "", source: str = "", **member):
        # Several cameras may live in one process: each is named after its camera.
        super().__init__(f"{camera_id}_camera" if member.get("robot_id") else "", **member)
        self.camera_id = self.own("camera", camera_id or None)
        self._text = self.own("source", source or None)
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
        self._lost_s: float | None = None
        self._trouble, self._over = "", ""
        self._health = StageHealth(self, (self.camera_id,), "camera", problem=lambda camera: self._trouble)
        self._diagnostics = Diagnostics(self, self.robot_id, self._look)

    def activate(self) -> None:
        """Open the source and let the frames come.

        :raises SourceError: it cannot be opened.
        """
        self._source = open_source(self._text)
        self._stop.clear()
        self._thread = threading.Thread(target=self._run, name=self.get_name(), daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                with self._source or open_source(self._text) as source:
                    self._source = source
                    self._play(source)
                    live = source.live
                failed, ended = live, f"{source.name} stopped giving pictures" if live else "is over"
            except FacetrackError as error:
                live, failed, ended = self._source is None or self._source.live, True, str(error)
            except Exception as error:  # a camera that dies silently would look like one that sees nobody
                self.get_logger().error(f"unexpected {type(error).__name__}: {error}\n{traceback.format_exc()}")
                live, failed, ended = False, True, "ended unexpectedly"
            self._source = None
            if self._stop.is_set():
                return
            if not live and not self.settings.camera.loop:
                self._over = f"{self._text} {ended}, after {self._number} frames"
                self.get_logger().info(f"camera {self.camera_id}: {self._text} {ended}, after {self._number} frames")
                for listener in self.end_listeners:
                    listener(self.camera_id)
                return
            if failed:
                self._lose(ended)
                self._stop.wait(RETRY_S)

    def _lose(self, why: str) -> None:
        """The source is gone for now."""
        self._lost_s = time.monotonic() if self._lost_s is None else self._lost_s
        self._trouble = f"{why}; trying again"
        self._health.failed(self.camera_id, self._trouble)
        self._warnings.warn("source", f"camera {self.camera_id}: {self._trouble}")

    def _find_again(self) -> None:
        """A picture came."""
        if self._lost_s is not None:
            self.get_logger().info(
                f"camera {self.camera_id}: pictures come again, after {time.monotonic() - self._lost_s:.0f} s"
            )
            self._lost_s, self._trouble = None, ""
            self._warnings.clear("source")

    def _look(self) -> list[Diagnosis]:
        found = self._health.of(
            self.camera_id, {"source": self._source.name if self._source is not None else "none open"}
        )
        return [replace(found, level=STALE, sentence=self._over) if self._over else found]

    def _play(self, source: FrameSource) -> None:
        clock = self.get_clock()
        start_ns = clock.now().nanoseconds
        last_ns = 0
        for picture in source:
            stamp_ns = clock.now().nanoseconds if source.live else start_ns + picture.offset_ns
            # Real time, and at once when told to stop.
            if self._stop.wait(max(0.0, (stamp_ns - clock.now().nanoseconds) / 1e9)):
                return
            if stamp_ns <= last_ns:
                continue
            last_ns = stamp_ns
            self._find_again()
            frame = Frame(
                self.camera_id,
                stamp_ns,
                self._number,
                picture.to_jpeg(self.settings.camera.jpeg_quality),
                picture.frame_id,
            )
            self._number += 1
            self._health.came(frame)
            if self._publisher.get_subscription_count():
                self._publisher.publish(frame_to_message(frame))
            for listener in self.listeners:
                listener(frame)
            self._health.done(frame)

    def deactivate(self) -> None:
        """Stop at once and let go of the source."""
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
