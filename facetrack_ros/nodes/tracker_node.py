"""Tracker node: persons and faces in, tracks and events out."""

import time
from contextlib import closing
from dataclasses import replace

from facetrack_ros import msg
from facetrack_ros.concurrency.worker import FifoMailbox, Worker, run_calls
from facetrack_ros.config import Config, optional_path
from facetrack_ros.core.detections import Detections
from facetrack_ros.core.event import PersonEvent
from facetrack_ros.core.face import Face
from facetrack_ros.core.frame import Frame
from facetrack_ros.core.track import Track
from facetrack_ros.errors import ConfigError, StoreError
from facetrack_ros.history.layout import robot_folder
from facetrack_ros.history.left_open import close_visits
from facetrack_ros.history.people.merge_log import MergeLog
from facetrack_ros.history.people.recall import load_people_tracker
from facetrack_ros.history.sightings.database import database_path
from facetrack_ros.history.sightings.store import SightingStore
from facetrack_ros.models.contract import ModelContract
from facetrack_ros.nodes.base.one_process import require_one_process
from facetrack_ros.nodes.base.process import run_node
from facetrack_ros.nodes.base.qos import RELIABLE
from facetrack_ros.nodes.base.robot_member_node import RobotMemberNode
from facetrack_ros.nodes.base.timers import passing_ns, steady_timer
from facetrack_ros.nodes.conversion.vision import event_to_message, read_detections, read_faces, tracks_to_message
from facetrack_ros.nodes.fleet.audit_writer import AuditWriter
from facetrack_ros.nodes.fleet.people_sync import PeopleSync
from facetrack_ros.nodes.fleet.roster_listener import RosterListener
from facetrack_ros.nodes.health.publisher import Diagnostics
from facetrack_ros.nodes.health.stage_health import StageHealth
from facetrack_ros.nodes.inputs.image_buffer import ImageBuffer
from facetrack_ros.nodes.inputs.images import ImageInput
from facetrack_ros.nodes.inputs.rotation import follow_rotations
from facetrack_ros.pipeline.tracking_stage import EventListener, TrackingStage, Written
from facetrack_ros.tracking.factory import OWN, tracker_factory, tracking_settings
from facetrack_ros.vision.frame_analysis import FrameAnalysis
from facetrack_ros.vision.pipeline_pool import PipelinePool
from facetrack_ros.vision.settings import EMBEDDER_OPTIONS, contract_of

# How often visits in cameras that send nothing are checked for their end.
TICK_S = 0.25
# How often heartbeats are read, where no other node of the process does.
ROSTER_S = 1.0
# Events are published once they are in the log; where the disk hangs, after this time all the same. Chosen by hand.
LONGEST_WRITE_S = 1.0


class TrackerNode(RobotMemberNode):
    """Tracks people in each camera, assigns them identities, and publishes when they come and go.

    :param models: shared with other nodes of the process; None: the contract follows from the model id of the faces.
    :param roster: of another node of the process; None: its own.
    :param instance_id: of the robot's process, as its heartbeats tell it; empty: as they arrive here.
    :param subscribe: whether detections and faces come over topics, rather than through the ``add_`` methods.
    :ivar face_listeners: and ``track_listeners``: those of the stage.
    :ivar event_listeners: receive the events of each frame, also none, before they are published.
    """

    NAME = "tracker"
    USES = ("mesh", "data_dir", "camera.", "recognition.", "tracking.", "event_logging.", "audit.", *EMBEDDER_OPTIONS)
    OWN = ("cameras",)
    WHILE_INACTIVE = "all visits have ended, and no person is tracked; it still learns the persons of other robots"

    def __init__(
        self,
        models: PipelinePool | None = None,
        subscribe: bool = True,
        roster: RosterListener | None = None,
        instance_id: str = "",
        **member,
    ):
        super().__init__(**member)
        robot_folder(self.robot_folder(), self.robot_id)
        self._models, self._separate = models, subscribe
        self._health = StageHealth(self, self.cameras, "tracker", "tracking")
        self._diagnostics = Diagnostics(self, self.robot_id, self._health.report)
        self._outputs = self.camera_publishers(msg.Tracks, "tracks", RELIABLE)
        self._events = self.create_publisher(msg.PersonEvent, self.robot_topic("events"), RELIABLE)
        self._frame_ids: dict[str, str] = {}
        self.stage = TrackingStage(
            self.cameras, self.settings, self._health, time.perf_counter, lambda: passing_ns(self)
        )
        self.face_listeners, self.track_listeners = self.stage.face_listeners, self.stage.track_listeners
        self.event_listeners: list[EventListener] = []
        self.track_listeners.append(self._publish_tracks)
        self.stage.event_listeners.append(self._on_events)
        self._publisher = Worker("tracker events", FifoMailbox(), run_calls)
        self._worker = Worker("tracker", FifoMailbox(), run_calls)
        self._instance_id, self._roster = instance_id, roster or RosterListener(self)
        if roster is None:
            steady_timer(self, ROSTER_S, self._poll_roster)
        decisions = MergeLog(self.robot_folder() / self.robot_id)
        audit = AuditWriter(self, lambda error: self.get_logger().error(str(error), throttle_duration_sec=60.0))
        self._exchange = PeopleSync(self, decisions, self._worker, self._roster, self._own_instance, audit)
        steady_timer(self, TICK_S, lambda: self._worker.put("", (self._advance,)))
        self._waiting = ImageBuffer(self.cameras)
        self._images: ImageInput | None = None
        if subscribe:
            rotations = follow_rotations(self)
            rotations.listeners.append(lambda camera, _: self.close_camera(camera))
            for camera in self.cameras:
                self.receive_camera(camera, msg.Detections, "detections", read_detections, self._on_detections)
                self.receive_camera(camera, msg.Faces, "faces", read_faces, self._on_faces)
            if self.stage.needs_images:
                self._images = ImageInput(self, self.cameras, self.settings, self._waiting.keep, rotations)

    def _advance(self) -> None:
        if self._exchange.newly_forgotten():
            self.stage.close()
            self._exchange.forget()
        self.stage.advance()

    def _poll_roster(self) -> None:
        self._roster.poll()
        self._roster.end_startup()

    def _own_instance(self) -> str:
        """The process of this robot as its heartbeats tell it; empty while none has arrived."""
        entries = () if self._instance_id else self._roster.entries()
        return next((entry.instance_id for entry in entries if entry.robot_id == self.robot_id), self._instance_id)

    def activate(self) -> None:
        """Load the persons the robot knew, if the models are shared.

        :raises FacetrackError: the models, the robot's folder or the chosen tracker cannot be used.
        """
        require_one_process(self.settings, self._separate)
        if self._models is not None:
            self._load_people(self._models.contract)
        # An impossible choice of the tracker is an error now, not at the first face.
        tracker_factory(self.settings, threshold=0.5)

    def deactivate(self) -> None:
        """End all visits."""
        for camera_id in self.cameras:
            self.close_camera(camera_id)
        self._worker.drain()
        self._publisher.drain()

    def refuse_change(self, settings: Config, names: set[str]) -> None:
        """Refuse what a tracker of the ``trackers`` library cannot change."""
        if "tracking.lost_for_s" in names and settings.tracking.association != OWN:
            raise ConfigError(
                f"{settings.tracking.association} keeps the tracking.lost_for_s it began with: start the "
                "tracker anew for that"
            )
        tracking_settings(settings)

    def settings_changed(self, names: set[str]) -> None:
        """Apply new tracking settings."""
        self._worker.put("", (self._apply_settings,))

    def _apply_settings(self) -> None:
        if self.stage.people is not None:
            self.stage.people.settings.replace_with(tracking_settings(self.settings))

    def _load_people(self, contract: ModelContract) -> None:
        if self.stage.people is None:
            self.stage.people = load_people_tracker(self.robot_folder(), self.robot_id, self.settings, contract)
            self._exchange.connect(self.stage.people)

    def add_analysis(self, frame: Frame, analysis: FrameAnalysis) -> None:
        """Track a frame's persons and faces, on the calling thread unless the worker is busy."""
        if self.active:
            self._health.arrived(frame)
            self._worker.put_and_do("", (self.stage.add_analysis, frame, analysis))

    def add_skipped(self, frame: Frame) -> None:
        """Extrapolate the tracks to a frame that is not analysed."""
        self._put_frame(self.stage.add_skipped, frame)

    def close_camera(self, camera_id: str) -> None:
        """End all visits in a camera that has stopped."""
        self._worker.put("", (self.stage.close_camera, camera_id))

    def _put_frame(self, call, frame: Frame, *arguments) -> None:
        if self.active:
            self._health.arrived(frame)
            self._worker.put("", (call, frame, *arguments))

    def _on_detections(self, found: tuple[Frame, Detections | None]) -> None:
        frame, detections = found
        image = self._waiting.take(frame.camera_id, frame.stamp_ns)
        frame = replace(frame, jpeg=b"" if image is None else image.jpeg)
        if detections is None:
            self.add_skipped(frame)
        else:
            self._put_frame(self.stage.add_detections, frame, detections)

    def _on_faces(self, found: tuple[Frame, tuple[Face, ...], str]) -> None:
        frame, faces, model_id = found
        if self.stage.people is None and model_id:
            self._worker.put("", (self._load_people_of, model_id))
        if self.active:
            self._worker.put("", (self.stage.add_faces, frame, faces))

    def _load_people_of(self, model_id: str) -> None:
        if self.stage.people is None:
            contract = contract_of(model_id, self.settings)
            self._load_people(contract)
            self._end_left_open(contract)

    def _end_left_open(self, contract: ModelContract) -> None:
        """Publish the ends of the visits that the process before this one did not end; the history node logs them."""
        own = self.robot_folder() / self.robot_id
        logs = optional_path(self.settings.event_logging.dir)
        if not self.settings.event_logging.enabled or not database_path(own, contract.id).is_file():
            return
        try:
            with closing(SightingStore.open_readonly(own, contract)) as sightings:
                events = close_visits(logs / self.robot_id if logs else own, sightings)
        except StoreError as error:
            self.get_logger().error(str(error))
            return
        self._on_events(tuple(events))

    def _publish_tracks(self, frame: Frame, tracks: tuple[Track, ...]) -> None:
        self._frame_ids[frame.camera_id] = frame.frame_id
        people = self.stage.people
        if people is not None and self._outputs[frame.camera_id].get_subscription_count():
            self._outputs[frame.camera_id].publish(tracks_to_message(frame, people.model_id, tracks))

    def _on_events(self, events: tuple[PersonEvent, ...]) -> None:
        """Pass events on, then publish them; where a listener stores them, once they are stored."""
        written = [done for listener in self.event_listeners if (done := listener(events)) is not None]
        if events and written:
            self._publisher.put("", (self._publish_written, events, written, time.monotonic() + LONGEST_WRITE_S))
        else:
            self._publish(events)
        for event in events:
            if event.watch:
                self.get_logger().warning(
                    f"{event.reference_name} of the watch list is in view of camera {event.camera_id}"
                )
            self._exchange.share_face(event)
        self._exchange.share_decisions()

    def _publish_written(self, events: tuple[PersonEvent, ...], written: list[Written], deadline_s: float) -> None:
        for done in written:
            done.wait(max(0.0, deadline_s - time.monotonic()))
        self._publish(events)

    def _publish(self, events: tuple[PersonEvent, ...]) -> None:
        for event in events:
            self._events.publish(event_to_message(event, self._frame_ids.get(event.camera_id, "")))

    def close(self) -> None:
        """End all visits, then stop."""
        if self._images is not None:
            self._images.close()
        self.deactivate()
        self._worker.close()
        self._publisher.close()


def main() -> None:
    """Run the node in a process of its own."""
    run_node(TrackerNode)
