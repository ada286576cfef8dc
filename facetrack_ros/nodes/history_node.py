"""History node: keeps frames, sightings and events of a robot's cameras, and answers searches over them."""

import time
import uuid

from facetrack_ros import msg
from facetrack_ros.concurrency.worker import FifoMailbox, Worker
from facetrack_ros.config import optional_path
from facetrack_ros.core.event import PersonEvent
from facetrack_ros.core.frame import Frame
from facetrack_ros.core.track import Track
from facetrack_ros.errors import StoreError
from facetrack_ros.history.frames.settings import FrameSettings
from facetrack_ros.history.pose_history import PoseHistory
from facetrack_ros.history.robot_history import RobotHistory
from facetrack_ros.history.sightings.retention import SightingLimits
from facetrack_ros.history.status import HistoryStatus
from facetrack_ros.models.contract import ModelContract
from facetrack_ros.nodes.base.process import run_node
from facetrack_ros.nodes.base.qos import HEARTBEAT_PUB, RELIABLE
from facetrack_ros.nodes.base.robot_member_node import RobotMemberNode
from facetrack_ros.nodes.base.timers import steady_timer
from facetrack_ros.nodes.conversion.search import status_to_message
from facetrack_ros.nodes.conversion.time import to_ns
from facetrack_ros.nodes.conversion.vision import event_from_message, tracks_from_message
from facetrack_ros.nodes.fleet.frame_services import FrameServices
from facetrack_ros.nodes.fleet.search_server import SearchServer
from facetrack_ros.nodes.health.history_health import HistoryHealth
from facetrack_ros.nodes.health.publisher import Diagnostics
from facetrack_ros.nodes.health.stage_health import StageHealth
from facetrack_ros.nodes.inputs.images import ImageInput
from facetrack_ros.nodes.inputs.pose import PoseInput
from facetrack_ros.search.request import SearchRequest
from facetrack_ros.vision.pipeline_pool import PipelinePool
from facetrack_ros.vision.settings import VISION_OPTIONS, contract_of

GOODBYES, GOODBYE_S = 3, 0.03


class HistoryNode(RobotMemberNode):
    """Keeps what was seen, answers the mesh's search requests, and stands in the roster once a second.

    :param models: where the process shares them: the history opens when it is activated; else it opens with the first faces.
    :param subscribe: whether frames, tracks and events come over topics, rather than through the ``on_`` methods.
    """

    NAME = "history"
    USES = (
        "mesh",
        "data_dir",
        "camera.",
        "frame_history.",
        "sightings.",
        "robot_pose.",
        "event_logging.",
        "backtrack_search.",
        "battery.",
        *VISION_OPTIONS,
    )
    OWN = ("cameras",)
    WHILE_INACTIVE = "nothing new is kept; what it has it keeps, answers searches over it and hands frames out"

    def __init__(self, models: PipelinePool | None = None, subscribe: bool = True, **member):
        super().__init__(**member)
        self.instance_id = uuid.uuid4().hex
        self._models = models
        self._model_ids = ("", "")
        self.poses = PoseHistory(int(self.settings.robot_pose.max_age_s * 1e9))
        self.history: RobotHistory | None = None
        self._roster = self.create_publisher(msg.HistoryStatus, self.mesh_topic("roster"), HEARTBEAT_PUB)
        self._worker = Worker("history", FifoMailbox(), self._work)
        self._answering = SearchServer(self, self.instance_id, lambda: self.history, self._clock_note)
        self._telling = steady_timer(self, 1.0, self._tell_status)
        self._frame_services = FrameServices(self, lambda: self.history)
        frames = StageHealth(
            self,
            self.cameras,
            "history",
            clocks=True,
            problem=lambda camera: self._images.problem(camera) if self._images is not None else "",
        )
        self._frames_health, self._health = frames, HistoryHealth(frames, self.robot_folder())
        self._images = (
            ImageInput(self, self.cameras, self.settings, self.on_frame, refused=frames.failed, lost=frames.lost)
            if subscribe
            else None
        )
        PoseInput(self, self.settings.robot_pose.topic, self.settings.robot_pose.type, self.poses)
        if subscribe:
            self.create_subscription(msg.PersonEvent, self.robot_topic("events"), self._on_event_message, RELIABLE)
            for camera in self.cameras:
                self.create_subscription(
                    msg.Tracks, self.camera_topic(camera, "tracks"), self._on_tracks_message, RELIABLE
                )
        self._tell_status()
        self._diagnostics = Diagnostics(self, self.robot_id, lambda: self._health.look(self._status))

    def _open(self, contract: ModelContract) -> RobotHistory:
        return RobotHistory(
            self.robot_folder(),
            self.robot_id,
            contract,
            FrameSettings.of_config(self.settings),
            event_format=self.settings.event_logging.format,
            event_fsync=self.settings.event_logging.fsync == "each",
            event_dir=optional_path(self.settings.event_logging.dir),
            poses=self.poses,
            sightings=SightingLimits.of_config(self.settings),
        )

    def activate(self) -> None:
        """Open the history, where the models are shared; it stays open until the node is cleaned up.

        :raises FacetrackError: the models or the robot's folder cannot be used.
        """
        if self._models is not None and self.history is None:
            self.history = self._open(self._models.contract)
            described = self._models.describe()
            self._model_ids = (described["person"]["model"], described["face"]["model"])
            self._tell_status()

    def deactivate(self) -> None:
        """Write what is left."""
        self._worker.drain()

    def cleanup(self) -> None:
        """Close the files; the frames in memory are gone then."""
        history, self.history = self.history, None
        self._tell_status()
        self._worker.drain()
        if history is not None:
            history.close()

    def settings_changed(self, names: set[str]) -> None:
        """Keep by the new settings."""
        history = self.history
        if history is not None and any(name.startswith("frame_history.") for name in names):
            history.apply_frame_settings(FrameSettings.of_config(self.settings))
        if history is not None and any(name.startswith("sightings.") for name in names):
            history.apply_sighting_limits(SightingLimits.of_config(self.settings))

    def on_frame(self, frame: Frame) -> None:
        """Keep a frame; costs the caller no more than a list append. A disk that fails never stops the camera."""
        self._frames_health.came(frame)
        try:
            if self.active and self.history is not None:
                self.history.add_frame(frame)
            self._frames_health.done(frame)
        except StoreError as error:
            self._frames_health.failed(frame.camera_id, str(error), frame.stamp_ns)
            self.get_logger().error(str(error), throttle_duration_sec=60.0)

    def on_tracks(self, frame: Frame, tracks: tuple[Track, ...]) -> None:
        """Keep the faces of a frame's tracks as sightings."""
        if self.active:
            self._worker.put("", (self._keep_tracks, frame, tracks))

    def on_event(self, event: PersonEvent) -> None:
        """Write an event to the log."""
        if self.active:
            self._worker.put("", (self._keep_event, event))

    def _on_tracks_message(self, message: msg.Tracks) -> None:
        if self.history is None and message.model_id and self.active:
            self._worker.put("", (self._know_model, message.model_id))
        frame = Frame(message.camera_id, to_ns(message.header.stamp), message.frame_number, b"")
        self.on_tracks(frame, tracks_from_message(message))

    def _on_event_message(self, message: msg.PersonEvent) -> None:
        if not message.search_id:  # those of searches are this node's own, and written already
            self.on_event(event_from_message(message))

    def _know_model(self, model_id: str) -> None:
        if self.history is None:
            self.history = self._open(contract_of(model_id, self.settings))

    def _work(self, items: list) -> None:
        for call, *arguments in items:
            try:
                call(*arguments)
            except StoreError as error:
                self._health.failed(str(error))
                raise

    def _keep_tracks(self, frame: Frame, tracks: tuple[Track, ...]) -> None:
        if self.history is not None:
            self.history.add_tracks(
                frame.camera_id, frame.stamp_ns, frame.number, tracks, frame if frame.jpeg else None
            )

    def _keep_event(self, event: PersonEvent) -> None:
        if self.history is not None and self.settings.event_logging.enabled:
            waited = self.history.events.unwritten - self.history.events.lost
            if self.history.add_event(event) and waited:
                self.get_logger().info(
                    f"the event log takes events again: {waited} that waited are written, "
                    f"{self.history.events.lost} were too many to wait and are lost"
                )

    def _clock_note(self, question: SearchRequest) -> str:
        """Whose clock is off or was then, of the cameras asked for: what they saw is filed under other times than it happened at."""
        told = (
            self.history.clock_offsets.describe(*question.time_range, question.cameras)
            if self.history is not None
            else {}
        )
        for camera, clock in self._frames_health.clocks.items():
            if clock.off and (not question.cameras or camera in question.cameras):
                told[camera] = clock.sentence(camera)
        return "; ".join(told.values())

    def _note_clocks(self) -> None:
        """What is measured of the cameras' clocks stays, for whoever asks when they are set, or without this robot."""
        for camera, clock in self._frames_health.clocks.items():
            behind_ns = clock.behind_ns
            if self.history is not None and behind_ns is not None:
                self.history.clock_offsets.note(camera, clock.since_ns, behind_ns)

    def _tell_status(self, leaving: bool = False) -> None:
        status = self._status = HistoryStatus(self.robot_id, "", (), 0, 0, 0)
        try:
            status = self._status = self.history.status() if self.history is not None else status
        except StoreError as error:
            self._health.failed(str(error))
            self.get_logger().error(str(error), throttle_duration_sec=60.0)
        if self.history is not None:
            self._worker.put("", (self._flush,))
        self._roster.publish(
            status_to_message(
                status,
                self.get_clock().now().to_msg(),
                self.instance_id,
                leaving,
                self._model_ids,
                {camera: clock.behind_ns for camera, clock in self._frames_health.clocks.items()},
            )
        )

    def _flush(self) -> None:
        if self.history is not None:
            self.history.flush()
            self._note_clocks()

    def _say_goodbye(self) -> None:
        """More than once: who listens to the roster all the time hears it as it comes, and one message may be lost."""
        for _ in range(GOODBYES):
            self._tell_status(leaving=True)
            time.sleep(GOODBYE_S)

    def close(self) -> None:
        """Write what is left, leave the roster, close the files."""
        self._diagnostics.close()
        if self._images is not None:
            self._images.close()
        self._telling.cancel()
        self._answering.close()
        self._worker.close()
        self._frame_services.close()
        self._say_goodbye()
        if self.history is not None:
            self.history.close()


def main() -> None:
    """Run the node in a process of its own."""
    run_node(HistoryNode)
