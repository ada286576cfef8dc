"""A stage's health, camera by camera: nodes note what passes, diagnostics read it."""

import time
from collections.abc import Callable

from rclpy.node import Node

from facetrack_ros.core.frame import Frame
from facetrack_ros.nodes.base.timers import has_simulated_time, now_ns
from facetrack_ros.nodes.health.camera_clock import CameraClock
from facetrack_ros.nodes.health.stage_meter import StageMeter
from facetrack_ros.nodes.health.status import Diagnosis, stage_diagnosis

NO_CLOCK = "use_sim_time is on, but nobody publishes /clock: play the bag with --clock, or set use_sim_time to false"


class StageHealth:
    """Measures the frames of each camera in one stage.

    :param node: whose stage it is.
    :param stage: its name.
    :param work: what takes its time, empty where nothing does to speak of.
    :param problem: why a camera's frames do not come, a sentence, empty where that is not known.
    :param clocks: whether frames come here as they arrive, so that the cameras' clocks can be measured.
    """

    def __init__(
        self,
        node: Node,
        cameras: tuple[str, ...],
        stage: str,
        work: str = "",
        problem: Callable[[str], str] = lambda camera_id: "",
        clocks: bool = False,
    ):
        self._node, self._stage, self._work, self._problem = node, stage, work, problem
        now = time.monotonic()
        self._meters = {camera: StageMeter(now) for camera in cameras}
        self._ages: dict[str, int] = {}
        self.clocks = {camera: CameraClock() for camera in cameras} if clocks else {}

    def came(self, frame: Frame) -> None:
        """A frame came in."""
        self._meters[frame.camera_id].came(frame.stamp_ns, time.monotonic())
        if frame.camera_id in self.clocks:
            self.clocks[frame.camera_id].note(frame.stamp_ns, now_ns(self._node))

    def done(self, frame: Frame, took_s: float = 0.0) -> None:
        """A frame is done, after so much work."""
        self._meters[frame.camera_id].done(frame.stamp_ns, time.monotonic(), took_s)
        now = now_ns(self._node)
        if now is not None:
            self._ages[frame.camera_id] = now - frame.stamp_ns

    def lost(self, camera_id: str, count: int) -> None:
        """Frames got lost before they came in."""
        self._meters[camera_id].lost(count, time.monotonic())

    def failed(self, camera_id: str, sentence: str, stamp_ns: int | None = None) -> None:
        """Something went wrong, with the frame of that stamp where one is given."""
        self._meters[camera_id].failed(stamp_ns, time.monotonic(), sentence)

    def of(self, camera_id: str, values: dict[str, str] | None = None) -> Diagnosis:
        """A camera's health in this stage.

        :param values: more figures.
        """
        problem = self._problem(camera_id)
        if not problem and has_simulated_time(self._node) and now_ns(self._node) is None:
            problem = NO_CLOCK
            self._node.get_logger().warning(NO_CLOCK, throttle_duration_sec=60.0)
        return stage_diagnosis(
            camera_id,
            self._stage,
            self._meters[camera_id].figures(time.monotonic()),
            self._work,
            problem,
            self.clocks.get(camera_id),
            self._ages.get(camera_id),
            values,
        )

    def look(self) -> list[Diagnosis]:
        """The health of all cameras in this stage."""
        return [self.of(camera) for camera in self._meters]
