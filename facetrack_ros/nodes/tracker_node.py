"""Tracker node: persons and faces in, tracks and events out."""

import time
from collections.abc import Callable
from dataclasses import replace

from facetrack_ros import msg
from facetrack_ros.concurrency.worker import FifoMailbox, Worker
from facetrack_ros.config import Config
from facetrack_ros.core.detections import Detections
from facetrack_ros.core.event import PersonEvent
from facetrack_ros.core.face import Face
from facetrack_ros.core.frame import Frame
from facetrack_ros.core.track import Track
from facetrack_ros.errors import ConfigError
from facetrack_ros.history.layout import robot_folder
from facetrack_ros.history.people.merge_log import MergeLog
from facetrack_ros.history.people.recall import load_people_tracker
from facetrack_ros.models.contract import ModelContract
from facetrack_ros.nodes.base.process import run_node
from facetrack_ros.nodes.base.qos import RELIABLE
from facetrack_ros.nodes.base.robot_member_node import RobotMemberNode
from facetrack_ros.nodes.base.timers import passing_ns, steady_timer
from facetrack_ros.nodes.conversion.time import to_ns
from facetrack_ros.nodes.conversion.vision import (
    detections_from_message,
    event_to_message,
    faces_from_message,
    frame_from_header,
    not_analyzed,
    tracks_to_message,
)
from facetrack_ros.nodes.fleet.people_sync import PeopleExchange
from facetrack_ros.nodes.health.publisher import Diagnostics
from facetrack_ros.nodes.health.stage_health import StageHealth
from facetrack_ros.nodes.inputs.image_buffer import WaitingImages
from facetrack_ros.nodes.inputs.images import ImageInput
from facetrack_ros.tracking.detection_face_sync import DetectionFaceSynchronizer
from facetrack_ros.tracking.extrapolation import TrackExtrapolator
from facetrack_ros.tracking.factory import OFF, OWN, tracker_factory, tracking_settings
from facetrack_ros.tracking.people_tracker import PeopleTracker
from facetrack_ros.vision.frame_analysis import FrameAnalysis
from facetrack_ros.vision.pipeline_pool import PipelinePool
from facetrack_ros.vision.settings import EMBEDDER_OPTIONS, contract_of

# How often time passes for cameras that send nothing.
TICK_S = 0.25


class TrackerNode(RobotMemberNode):
    """Follows people in each camera, tells who they are, and says when they come and go.

    :param models: where the process shares them; else the contract follows from the model id of the faces.
    :param subscribe: whether detections and faces come over topics, rather than through the ``on_`` methods.
    """

    NAME = "tracker"
    USES = ("mesh", "data_dir", "camera.", "tracking.", *EMBEDDER_OPTIONS)
    OWN = ("cameras",)
    WHILE_INACTIVE = "whoever was in view has left, and nobody is followed; it still learns whom other robots know"

    def __init__(self, models: PipelinePool | None = None, subscribe: bool = True, **member):
        super().__init__(**member)
        robot_folder(self.robot_folder(), self.robot_id)
        self._people: PeopleTracker | None = None
        self._models = models
        self.track_listeners: list[Callable[[Frame, tuple[Track, ...]], None]] = []
        self.event_listeners: list[Callable[[PersonEvent], None]] = []
        self._between = {camera: TrackExtrapolator() for camera in self.cameras}
        self._joins = {camera: DetectionFaceSynchronizer() for camera in self.cameras}
        self._waiting = WaitingImages(self.cameras)
        self._images: ImageInput | None = None
        self._health = StageHealth(self, self.cameras, "tracker", "tracking")
        self._diagnostics = Diagnostics(self, self.robot_id, self._health.look)
        self._frame_ids = {}
        self._arrived = {}
        self._outputs = {
            camera: self.create_publisher(msg.Tracks, self.camera_topic(camera, "tracks"), RELIABLE)
            for camera in self.cameras
        }
        self._events = self.create_publisher(msg.PersonEvent, self.robot_topic("events"), RELIABLE)
        self._worker = Worker("tracker", FifoMailbox(), self._work)
        self._exchange = PeopleExchange(self, MergeLog(self.robot_folder() / self.robot_id), self._worker)
        steady_timer(self, TICK_S, lambda: self._worker.put("", (self._pass_time,)))
        if subscribe:
            for camera in self.cameras:
                self.create_subscription(
                    msg.Detections, self.camera_topic(camera, "detections"), self._on_detections_message, RELIABLE
                )
                self.create_subscription(
                    msg.Faces, self.camera_topic(camera, "faces"), self._on_faces_message, RELIABLE
                )
            if self._needs_images:
                self._images = ImageInput(self, self.cameras, self.settings, self._waiting.keep)

    @property
    def _needs_images(self) -> bool:
        return self.settings.tracking.camera_motion != OFF

    def activate(self) -> None:
        """Know whom the robot knew, where the models are shared.

        :raises FacetrackError: the models, the robot's folder or the chosen tracker cannot be used.
        """
        if self._models is not None and self._people is None:
            self._know_contract(self._models.contract)
        # A choice that cannot be is told now, not with the first face.
        tracker_factory(self.settings, threshold=0.5)

    def deactivate(self) -> None:
        """Say goodbye for everybody still in view."""
        for camera_id in self.cameras:
            self.on_camera_end(camera_id)
        self._worker.drain()

    def refuse_change(self, settings: Config, names: set[str]) -> None:
        """A tracker of the library keeps what it began with."""
        if "tracking.lost_for_s" in names and settings.tracking.association != OWN:
            raise ConfigError(
                f"{settings.tracking.association} keeps the tracking.lost_for_s it began with: start the "
                "tracker anew for that"
            )
        tracking_settings(settings)

    def settings_changed(self, names: set[str]) -> None:
        """Follow by the new settings."""
        self._worker.put("", (self._take_settings,))

    def _take_settings(self) -> None:
        if self._people is not None:
            self._people.settings.replace_with(tracking_settings(self.settings))

    def _know_contract(self, contract: ModelContract) -> None:
        self._people = load_people_tracker(self.robot_folder(), self.robot_id, self.settings, contract)
        self._exchange.know(self._people)

    def on_detections(self, frame: Frame, detections: Detections) -> None:
        """Take the persons of a frame."""
        self._take(self._worker.put, frame, self._detected, frame, detections)

    def on_faces(self, frame: Frame, faces: tuple[Face, ...]) -> None:
        """Take the faces of a frame whose persons came before."""
        if self.active:
            self._worker.put("", (self._found_faces, frame, faces))

    def on_seen(self, frame: Frame, seen: FrameAnalysis) -> None:
        """Take all that a frame shows, persons and faces at once. The thread that looked at it tracks it too."""
        self._take(self._worker.put_and_do, frame, self._saw, frame, seen)

    def on_between(self, frame: Frame) -> None:
        """Take a frame that nobody looks at: people are carried on to where they should be by now."""
        self._take(self._worker.put, frame, self._carry_on, frame)

    def _take(self, put: Callable[[str, tuple], None], frame: Frame, *work) -> None:
        if self.active:
            self._health.came(frame)
            put("", work)

    def on_camera_end(self, camera_id: str) -> None:
        """The camera stopped: whoever is in view has left."""
        self._worker.put("", (self._camera_ended, camera_id))

    def _on_detections_message(self, message: msg.Detections) -> None:
        seen = self._waiting.take(message.camera_id, to_ns(message.header.stamp))
        frame = replace(frame_from_header(message), jpeg=b"" if seen is None else seen.jpeg)
        if not_analyzed(message):
            self.on_between(frame)
            return
        self.on_detections(frame, detections_from_message(message))

    def _on_faces_message(self, message: msg.Faces) -> None:
        if self._people is None and message.model_id:
            self._worker.put("", (self._know_model, message.model_id))
        self.on_faces(frame_from_header(message), faces_from_message(message))

    def _know_model(self, model_id: str) -> None:
        if self._people is None:
            self._know_contract(contract_of(model_id, self.settings))

    def _work(self, items: list) -> None:
        for call, *arguments in items:
            call(*arguments)

    def _detected(self, frame: Frame, detections: Detections) -> None:
        self._note(frame)
        for joined in self._joins[frame.camera_id].add_detections(frame, detections):
            self._update(*joined)

    def _found_faces(self, frame: Frame, faces: tuple[Face, ...]) -> None:
        for joined in self._joins[frame.camera_id].add_faces(frame, faces):
            self._update(*joined)

    def _saw(self, frame: Frame, seen: FrameAnalysis) -> None:
        self._note(frame)
        self._update(frame, seen.detections, seen.faces)

    def _carry_on(self, frame: Frame) -> None:
        self._note(frame)
        for joined in self._joins[frame.camera_id].add_skipped(frame):
            self._update(*joined)

    def _note(self, frame: Frame) -> None:
        self._arrived[frame.camera_id] = (passing_ns(self), frame.stamp_ns)
        self._frame_ids[frame.camera_id] = frame.frame_id

    def _update(self, frame: Frame, detections: Detections | None, faces: tuple[Face, ...]) -> None:
        if detections is None:
            self._pass_on(frame, self._between[frame.camera_id].at(frame.stamp_ns))
            self._health.done(frame)
            return
        if self._people is None:
            return
        started = time.perf_counter()
        image = frame.image if self._needs_images and frame.jpeg else None
        tracks, events = self._people.update(frame.camera_id, frame.stamp_ns, frame.number, detections, faces, image)
        self._between[frame.camera_id].update(frame.stamp_ns, tracks)
        self._pass_on(frame, tracks)
        self._tell(events)
        self._health.done(frame, time.perf_counter() - started)

    def _pass_on(self, frame: Frame, tracks: tuple[Track, ...]) -> None:
        if self._people is not None and self._outputs[frame.camera_id].get_subscription_count():
            self._outputs[frame.camera_id].publish(tracks_to_message(frame, self._people.model_id, tracks))
        for listener in self.track_listeners:
            listener(frame, tracks)

    def _pass_time(self) -> None:
        """Cameras that send nothing age too, by the time since their last frame arrived."""
        now = passing_ns(self)
        for camera_id, (arrived, stamp_ns) in self._arrived.items():
            waited = now - arrived
            if self._people is not None and waited > self._people.settings.exit_after_ns:
                for joined in self._joins[camera_id].flush():
                    self._update(*joined)
                self._tell(self._people.advance(camera_id, stamp_ns + waited))

    def _camera_ended(self, camera_id: str) -> None:
        for joined in self._joins[camera_id].flush():
            self._update(*joined)
        if self._people is not None:
            self._tell(self._people.close(camera_id))

    def _tell(self, events: tuple[PersonEvent, ...]) -> None:
        for event in events:
            self._events.publish(event_to_message(event, self._frame_ids.get(event.camera_id, "")))
            for listener in self.event_listeners:
                listener(event)
            if event.watch:
                self.get_logger().warning(f"{event.reference_name}, who is watched for, is before {event.camera_id}")
            self._exchange.share(event)
        self._exchange.tell_verdicts()

    def close(self) -> None:
        """Say goodbye for everybody still in view, then stop."""
        if self._images is not None:
            self._images.close()
        self.deactivate()
        self._worker.close()


def main() -> None:
    """Run the node in a process of its own."""
    run_node(TrackerNode)
