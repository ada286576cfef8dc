"""Time is that of the frames: a paused simulation ends no visit, a bag that loops starts again."""

import numpy as np
import pytest
from rclpy.node import Node
from rclpy.parameter import Parameter
from rosgraph_msgs.msg import Clock

from facetrack_ros.config import Config
from facetrack_ros.core.detections import Detections
from facetrack_ros.core.event import PERSON_IN, PERSON_OUT
from facetrack_ros.core.frame import Frame
from facetrack_ros.models.catalog import MOBILEFACENET
from facetrack_ros.nodes import tracker_node
from facetrack_ros.nodes.base.process import ros, spinning
from facetrack_ros.nodes.conversion.time import to_time
from facetrack_ros.nodes.tracker_node import TrackerNode
from facetrack_ros.vision.frame_analysis import FrameAnalysis
from facetrack_ros.vision.pipeline_pool import PipelinePool
from facetrack_ros.vision.settings import VisionSettings

START = 1_777_636_800 * 10**9
SECOND = 10**9
BOX = np.array([[100.0, 50.0, 200.0, 350.0]], np.float32)


class NoModels:
    """Stands for models of which the tracker only needs the contract."""

    contract = MOBILEFACENET
    batches = True

    def describe(self):
        return {}


class Simulation:
    """A tracker in simulated time, and its clock."""

    def __init__(self, tracker, publish, wait_until):
        self.tracker, self.publish, self._wait_until = tracker, publish, wait_until
        self.events = []
        self.ticks = 0
        tracker.event_listeners.append(self.events.extend)
        advance = tracker.stage.advance

        def counted():
            advance()
            self.ticks += 1

        tracker.stage.advance = counted

    def clock(self, stamp_ns):
        def so():
            self.publish(Clock(clock=to_time(stamp_ns)))
            return self.tracker.get_clock().now().nanoseconds == stamp_ns

        self._wait_until(so, "the clock arrives", 30.0)

    def play(self, start_ns, frames=20):
        """A person stands in view of the camera, ten frames a second."""
        for number in range(frames):
            frame = Frame("front", start_ns + number * SECOND // 10, number, b"")
            self.clock(frame.stamp_ns)
            self.tracker.add_analysis(frame, FrameAnalysis(Detections(BOX, np.array([0.9], np.float32), "m")))

    def wait_for_ticks(self, count):
        until = self.ticks + count
        self._wait_until(lambda: self.ticks >= until, "ticks", 60.0)

    def kinds(self):
        return [event.event for event in self.events]


@pytest.fixture
def simulation(domain, monkeypatch, processes, tmp_path):
    monkeypatch.setenv("ROS_DOMAIN_ID", str(domain))
    monkeypatch.setenv("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    monkeypatch.setattr(tracker_node, "TICK_S", 0.02)
    with ros([]):
        clock = Node("clock")
        publisher = clock.create_publisher(Clock, "/clock", 10)
        tracker = TrackerNode(
            PipelinePool(VisionSettings(), build=lambda _: NoModels()),
            subscribe=False,
            robot_id="robot1",
            cameras=("front",),
            config=Config({"data_dir": str(tmp_path), "tracking.exit_after_s": 0.2, "allow_remote_changes": True}),
        )
        tracker.start_up()
        tracker.set_parameters([Parameter("use_sim_time", value=True)])
        with spinning([clock, tracker]):
            simulation = Simulation(tracker, publisher.publish, processes.wait_until)
            yield simulation
            tracker.end()
            simulation.publish = None  # holds the publisher, and that its DDS participant


def test_a_paused_simulation_ends_no_visit_and_a_continued_one_does(simulation):
    simulation.play(START)
    assert simulation.kinds() == [PERSON_IN]
    simulation.wait_for_ticks(25)  # half a second of real time, more than tracking.exit_after_s
    assert simulation.kinds() == [PERSON_IN]
    simulation.clock(START + 10 * SECOND)
    simulation._wait_until(
        lambda: simulation.kinds() == [PERSON_IN, PERSON_OUT],
        lambda: f"the end of the visit: {simulation.kinds()}",
        30.0,
    )
    assert simulation.events[1].last_seen_ns == START + 19 * SECOND // 10


def test_a_bag_that_loops_gives_the_same_events_each_time(simulation):
    for _ in range(3):
        simulation.play(START)
    simulation.tracker.deactivate()
    assert simulation.kinds() == [PERSON_IN, PERSON_OUT] * 3
    starts = [(event.event, event.stamp_ns) for event in simulation.events if event.event == PERSON_IN]
    assert len(set(starts)) == 1
    assert all(START <= event.stamp_ns <= START + 3 * SECOND for event in simulation.events)
