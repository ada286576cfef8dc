"""Health of one stage, a camera at a time."""

import time
from collections.abc import Callable

from rclpy.node import Node

from facetrack_ros.core.frame import Frame
from facetrack_ros.nodes.base.timers import has_simulated_time, now_ns
from facetrack_ros.nodes.health.camera_clock import CameraClock
from facetrack_ros.nodes.health.stage_meter import StageFigures, StageMeter
from facetrack_ros.nodes.health.status import Diagnosis, stage_diagnosis
from facetrack_ros.pipeline.stage_monitor import StageMonitor

NO_CLOCK = "use_sim_time is on, but nothing publishes /clock: play the bag with --clock, or set use_sim_time to false"


class StageHealth(StageMonitor):
    """Measures the frames of each camera in one stage, for diagnostics.

    :param stage: its name.
    :param work: name of what takes the stage's time; empty: nothing does.
    :param problem: why a camera sends no frames; empty: unknown.
    :param values: further figures of a camera.
    :param clocks: whether frames enter the stage on arrival, so that the cameras' clocks can be measured.
    """

    def __init__(
        self,
        node: Node,
        cameras: tuple[str, ...],
        stage: str,
        work: str = "",
        problem: Callable[[str], str] = lambda camera_id: "",
        clocks: bool = False,
        values: Callable[[str], dict[str, str]] = lambda camera_id: {},
    ):
        self._node, self._stage, self._work, self._problem, self._values = node, stage, work, problem, values
        started_s = time.monotonic()
        self._meters = {camera: StageMeter(started_s) for camera in cameras}
        self._ages_ns: dict[str, int] = {}
        #: Frames arrived and dropped at the last call of :meth:`log_drops`.
        self._logged: dict[str, tuple[int, int]] = {}
        self.clocks = {camera: CameraClock() for camera in cameras} if clocks else {}

    def arrived(self, frame: Frame) -> None:
        """Count a frame that entered the stage."""
        self._meters[frame.camera_id].arrived(frame.stamp_ns, time.monotonic())
        if frame.camera_id in self.clocks:
            self.clocks[frame.camera_id].add(frame.stamp_ns, now_ns(self._node))

    def finished(self, frame: Frame, took_s: float = 0.0) -> None:
        """Count a frame that left the stage after ``took_s`` of work."""
        self._meters[frame.camera_id].finished(frame.stamp_ns, time.monotonic(), took_s)
        now = now_ns(self._node)
        if now is not None:
            self._ages_ns[frame.camera_id] = now - frame.stamp_ns

    def lost(self, camera_id: str, count: int) -> None:
        """Count frames that were lost before they arrived."""
        self._meters[camera_id].lost(count, time.monotonic())

    def failed(self, camera_id: str, message: str, stamp_ns: int | None = None) -> None:
        """Note a failure, of the frame of that stamp where one is given."""
        self._meters[camera_id].failed(stamp_ns, time.monotonic(), message)

    def figures(self, camera_id: str) -> StageFigures:
        """A camera's counts, rates and times."""
        return self._meters[camera_id].figures(time.monotonic())

    def log_drops(self) -> None:
        """Log a warning for each camera with frames dropped since the last call."""
        for camera_id in self._meters:
            figures = self.figures(camera_id)
            frames, dropped = self._logged.get(camera_id, (0, 0))
            if figures.dropped > dropped:
                self._node.get_logger().warning(
                    f"camera {camera_id}: {figures.dropped - dropped} of the last {figures.frames - frames} frames "
                    f"were dropped: they arrive faster than the stage {self._stage} finishes them"
                )
            self._logged[camera_id] = (figures.frames, figures.dropped)

    def report_camera(self, camera_id: str, values: dict[str, str] | None = None) -> Diagnosis:
        """A camera's health in this stage.

        :param values: further figures.
        """
        problem = self._problem(camera_id)
        if not problem and has_simulated_time(self._node) and now_ns(self._node) is None:
            problem = NO_CLOCK
            self._node.get_logger().warning(NO_CLOCK, throttle_duration_sec=60.0)
        figures, clock, age_ns = self.figures(camera_id), self.clocks.get(camera_id), self._ages_ns.get(camera_id)
        values = {**self._values(camera_id), **(values or {})}
        return stage_diagnosis(camera_id, self._stage, figures, self._work, problem, clock, age_ns, values)

    def report(self) -> list[Diagnosis]:
        """The health of all cameras in this stage."""
        return [self.report_camera(camera) for camera in self._meters]
