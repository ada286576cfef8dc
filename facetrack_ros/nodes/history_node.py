"""History node: stores a robot's frames, sightings and events, and answers search requests over them."""

import threading
import time
import uuid
from dataclasses import replace
from functools import partial

from facetrack_ros import msg
from facetrack_ros.concurrency.worker import FifoMailbox, Worker, run_calls
from facetrack_ros.core.event import PersonEvent
from facetrack_ros.core.frame import Frame
from facetrack_ros.core.track import Track
from facetrack_ros.errors import DiskError, StoreError
from facetrack_ros.history.pose_history import PoseHistory
from facetrack_ros.history.robot_history import RobotHistory
from facetrack_ros.models.contract import ModelContract
from facetrack_ros.nodes.base.bounds import FRAMES
from facetrack_ros.nodes.base.one_process import require_one_process
from facetrack_ros.nodes.base.process import run_node
from facetrack_ros.nodes.base.qos import HEARTBEAT_PUB, RELIABLE
from facetrack_ros.nodes.base.robot_member_node import RobotMemberNode
from facetrack_ros.nodes.base.timers import steady_timer
from facetrack_ros.nodes.conversion.heartbeat import status_to_message
from facetrack_ros.nodes.conversion.vision import read_event, read_tracks
from facetrack_ros.nodes.event_writer import EventWriter
from facetrack_ros.nodes.fleet.frame_services import FrameServices
from facetrack_ros.nodes.fleet.history_audit import HistoryAudit
from facetrack_ros.nodes.fleet.requests.robot_requests import RobotRequests
from facetrack_ros.nodes.fleet.search_server import SearchServer
from facetrack_ros.nodes.health.disk_watch import DiskWatch
from facetrack_ros.nodes.health.history_count import HistoryCount
from facetrack_ros.nodes.health.history_health import HistoryHealth
from facetrack_ros.nodes.health.publisher import Diagnostics
from facetrack_ros.nodes.health.stage_health import StageHealth
from facetrack_ros.nodes.inputs.images import ImageInput
from facetrack_ros.nodes.inputs.pose import PoseInput
from facetrack_ros.nodes.inputs.rotation import follow_rotations
from facetrack_ros.search.request import SearchRequest
from facetrack_ros.vision.frame_analysis import FrameAnalysis
from facetrack_ros.vision.pipeline_pool import PipelinePool
from facetrack_ros.vision.settings import VISION_OPTIONS, contract_of

# The last heartbeat is sent several times, as best-effort subscriptions may lose one.
GOODBYES, GOODBYE_S = 3, 0.03


class HistoryNode(RobotMemberNode):
    """Stores frames, sightings and events, answers search requests, and publishes a heartbeat once a second.

    :param models: shared with other nodes of the process: the history opens on activation; None: it opens with the
        first faces, whose model id names the contract.
    :param subscribe: whether images, tracks and events come over topics, rather than through the ``add_`` methods.
    :ivar requests: answers the requests to the fleet.
    """

    NAME = "history"
    USES = (
        "mesh",
        "data_dir",
        "camera.",
        "frame_history.",
        "clips.",
        "recognition.",
        "privacy.",
        "sightings.",
        "robot_pose.",
        "event_logging.",
        "audit.",
        "backtrack_search.",
        "battery.",
        *VISION_OPTIONS,
    )
    OWN = ("cameras",)
    WHILE_INACTIVE = "nothing new is stored; searches over what it has are answered, and its frames can be read"

    def __init__(self, models: PipelinePool | None = None, subscribe: bool = True, **member):
        super().__init__(**member)
        self.instance_id = uuid.uuid4().hex
        self._models = models
        self._model_ids = ("", "")
        self.poses = PoseHistory(int(self.settings.robot_pose.max_age_s * 1e9))
        self.history: RobotHistory | None = None
        self._heartbeat = self.create_publisher(msg.HistoryStatus, self.mesh_topic("roster"), HEARTBEAT_PUB)
        self._worker = Worker("history", FifoMailbox(), self._work)
        log = self.get_logger()
        self._frames_health = StageHealth(self, self.cameras, "history", problem=self._image_problem, clocks=True)
        folder = self.robot_folder() / self.robot_id
        self._health = HistoryHealth(self._frames_health, folder)
        self._disk = DiskWatch(log.error, log.info, self._health.failed)
        self.audit = HistoryAudit(self, self.instance_id, self._disk.not_stored, subscribe)
        self.requests = RobotRequests(self, self.instance_id, lambda: self.history, own_roster=subscribe)
        not_yet, self.requests.audit = self.requests.why_not_yet, self.audit
        self._search_server = SearchServer(
            self, self.instance_id, lambda: self.history, self._clock_note, self.audit, not_yet
        )
        self.requests.forgotten.append(self._search_server.forget_answers)
        self._heartbeat_timer = steady_timer(self, 1.0, self._publish_status)
        self._frame_services = FrameServices(self, lambda: self.history, self.audit, not_yet)
        self.requests.hand_out(self._frame_services)
        told = (self._search_server.publish_events, self._disk.failed, self._worker if subscribe else None)
        self._events = EventWriter(self, lambda: self.history, *told)
        self._count = HistoryCount(self.robot_id, folder, self._disk.failed, self._count_failed)
        self._count.count(None)
        self._counted: RobotHistory | None = None
        self._open_error = ""
        self._images: ImageInput | None = None
        PoseInput(self, self.settings.robot_pose.topic, self.settings.robot_pose.type, self.poses)
        if subscribe:
            health, rotations = self._frames_health, follow_rotations(self)
            self._images = ImageInput(
                self, self.cameras, self.settings, self.add_frame, rotations, refused=health.failed, lost=health.lost
            )
            read = partial(read_event, self.robot_id, self.cameras)
            events = self.inbox.gate("PersonEvent", self._on_event, read, lambda event: event.robot_id, FRAMES)
            self.receive(msg.PersonEvent, self.robot_topic("events"), events, RELIABLE)
            for camera in self.cameras:
                self.receive_camera(camera, msg.Tracks, "tracks", read_tracks, self._on_tracks)
        self._publish_status()
        figures = [each.values for each in (self._search_server, self._frame_services, self.requests, self.audit)]
        self._diagnostics = Diagnostics(self, self.robot_id, lambda: self._health.report(self._status, figures))
        self._health.attach()

    def open_history(self, contract: ModelContract) -> None:
        """Open the history of a face embedder, unless one is open.

        :raises StoreError: the robot's folder cannot be used.
        """
        if self.history is not None:
            return
        require_one_process(self.settings, self._models is None)
        try:
            self.history = RobotHistory.of_config(
                self.settings, self.robot_folder(), self.robot_id, contract, poses=self.poses
            )
        except StoreError as error:
            self._open_error = str(error)
            raise
        self._open_error = ""
        self.audit.start(contract.id)

    def activate(self) -> None:
        """Open the history, if the models are shared; it stays open until the node is cleaned up.

        :raises FacetrackError: the models or the robot's folder cannot be used.
        """
        if self._models is not None and self.history is None:
            self.open_history(self._models.contract)
            self._events.close_left_open()
            described = self._models.describe()
            self._model_ids = (described["person"]["model"], described["face"]["model"])
            self._publish_status()

    def deactivate(self) -> None:
        """Write what is left."""
        self._events.drain()
        self._worker.drain()

    def cleanup(self) -> None:
        """Close the files and discard the frames in memory."""
        history, self.history = self.history, None
        self._publish_status()
        self._events.drain()
        self._worker.drain()
        self._count.count(None)
        if history is not None:
            history.close()
        self.audit.stop()

    def settings_changed(self, names: set[str]) -> None:
        """Apply new limits."""
        self.audit.settings_changed()
        if self.history is not None:
            self.history.change(self.settings)

    def add_frame(self, frame: Frame) -> None:
        """Store a frame, at the cost of a list append. Errors of the disk are logged and not raised."""
        self._frames_health.arrived(frame)
        try:
            if self.active and self.history is not None:
                self.history.add_frame(frame)
            self._frames_health.finished(frame)
        except StoreError as error:
            self._frames_health.failed(frame.camera_id, str(error), frame.stamp_ns)
            self.get_logger().error(str(error), throttle_duration_sec=60.0)

    def add_analysis(self, frame: Frame, analysis: FrameAnalysis) -> None:
        """Note a frame that was searched for faces, at the cost of a list append."""
        if analysis.with_faces and self.active and self.history is not None:
            self.history.add_analysed(frame.camera_id, frame.stamp_ns)

    def add_tracks(self, frame: Frame, tracks: tuple[Track, ...]) -> None:
        """Store a frame's tracks, and their faces as sightings."""
        if self.active:
            self._worker.put("", (self._store_tracks, frame, tracks))

    def add_events(self, events: tuple[PersonEvent, ...]) -> threading.Event:
        """Store events in the log; the result is set when they are stored."""
        return self._events.add(events)

    def _image_problem(self, camera_id: str) -> str:
        return self._images.problem(camera_id) if self._images is not None else ""

    def _on_tracks(self, found: tuple[Frame, tuple[Track, ...], str]) -> None:
        frame, tracks, model_id = found
        if self.history is None and model_id and self.active:
            self._worker.put("", (self._open_history_of, model_id))
        if self.history is not None and model_id and not self._search_server.no_faces:
            self.history.add_analysed(frame.camera_id, frame.stamp_ns)
        self.add_tracks(frame, tracks)

    def _on_event(self, event: PersonEvent) -> None:
        if not event.search_id:  # those of searches are this node's own, and stored already
            self.add_events((event,))

    def _open_history_of(self, model_id: str) -> None:
        if self.history is None:
            self.open_history(contract_of(model_id, self.settings))

    def _work(self, call: tuple) -> None:
        try:
            run_calls(call)
        except DiskError as error:
            self._disk.failed(error)
        except StoreError as error:
            self._health.failed(str(error))
            raise

    def _count_failed(self, sentence: str) -> None:
        self._health.failed(sentence)
        self.get_logger().error(sentence, throttle_duration_sec=60.0)

    def _store_tracks(self, frame: Frame, tracks: tuple[Track, ...]) -> None:
        if self.history is not None:
            image = frame if frame.jpeg else None
            self.history.add_tracks(frame.camera_id, frame.stamp_ns, frame.number, tracks, image)

    def _clock_note(self, request: SearchRequest) -> str:
        """Sentences on the requested cameras whose clock is off, now or at the requested time."""
        notes: dict[str, str] = {}
        if self.history is not None:
            notes = self.history.clock_offsets.describe(*request.time_range, request.cameras)
        for camera, clock in self._frames_health.clocks.items():
            if clock.off and (not request.cameras or camera in request.cameras):
                notes[camera] = clock.sentence(camera)
        return "; ".join(notes.values())

    def _publish_status(self, leaving: bool = False) -> None:
        if self.history is not self._counted:
            self._counted = self.history
            self._count.count(self.history)
        status = self._count.status
        status = self._status = replace(status, error=status.error or self._open_error)
        if self.history is not None:
            self._worker.put("", (self._flush,))
        behind_ns = {camera: clock.behind_ns for camera, clock in self._frames_health.clocks.items()}
        who = (self.get_clock().now().to_msg(), self.instance_id, leaving, self._model_ids)
        self._heartbeat.publish(status_to_message(status, *who, behind_ns, self.audit.status))

    def _flush(self) -> None:
        if (history := self.history) is None:
            return
        try:
            history.flush(time.time_ns())
        finally:
            self._disk.check(history.path, history.room, history.catch_up)
            self._count.count(self.history)
        self.audit.tick()
        for camera, clock in self._frames_health.clocks.items():
            behind_ns, since_ns = clock.behind_ns, clock.since_ns
            if behind_ns is not None and since_ns is not None:
                history.clock_offsets.note(camera, since_ns, behind_ns)

    def close(self) -> None:
        """Write what is left, publish the last heartbeats, close the files."""
        self._diagnostics.close()
        if self._images is not None:
            self._images.close()
        self._heartbeat_timer.cancel()
        self._search_server.close()
        self.requests.close()
        self._events.close()
        self._worker.close()
        self._frame_services.close()
        self.audit.stop()
        for _ in range(GOODBYES):
            self._publish_status(leaving=True)
            time.sleep(GOODBYE_S)
        if self.history is not None:
            self.history.close()
        self._health.close()


def main() -> None:
    """Run the node in a process of its own."""
    run_node(HistoryNode)
