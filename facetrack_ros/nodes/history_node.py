"""History node: keeps frames, sightings and events of a robot's cameras, and answers searches over them."""

import time
import uuid
from dataclasses import replace

from facetrack_ros import msg
from facetrack_ros.errors import StoreError
from facetrack_ros.history.frame_settings import FrameSettings
from facetrack_ros.history.robot_history import RobotHistory
from facetrack_ros.history.status import HistoryStatus
from facetrack_ros.nodes import conversion
from facetrack_ros.nodes.clocks import steady_timer
from facetrack_ros.nodes.diagnostics import Diagnostics
from facetrack_ros.nodes.frame_services import FrameServices
from facetrack_ros.nodes.history_health import HistoryHealth
from facetrack_ros.nodes.image_input import ImageInput
from facetrack_ros.nodes.member import RELIABLE, ROSTER, ROSTER_LINE, RobotMember
from facetrack_ros.nodes.process import run_node
from facetrack_ros.nodes.stage_health import StageHealth
from facetrack_ros.nodes.worker import Everything, Worker
from facetrack_ros.search.answer import ANSWERED, RobotAnswer
from facetrack_ros.search.local import search_history
from facetrack_ros.tracking.event import PersonEvent
from facetrack_ros.tracking.track import Track
from facetrack_ros.vision.contract import ModelContract
from facetrack_ros.vision.frame import Frame
from facetrack_ros.vision.from_config import contract_of


class HistoryNode(RobotMember):
    """Keeps what was seen, answers the mesh's search requests, and stands in the roster once a second.

    :param contract: the embedder's, where the process shares it; else the history opens with the first faces.
    :param models: ids of person and face detector for the roster, where the process shares them.
    :param subscribe: whether frames, tracks and events come over topics, rather than through the ``on_`` methods.
    """

    def __init__(self, contract: "ModelContract | None" = None, models: "tuple[str, str]" = ("", ""),
                 subscribe: bool = True, **member):
        super().__init__("history", ("mesh", "data_dir", "camera.", "frame_history.", "event_logging.", "embedder.",
                                     "face_tracking."), **member)
        self.instance_id = uuid.uuid4().hex
        self._models = models
        self.history = self._open(contract) if contract else None
        self._results = self.create_publisher(msg.FaceSearchResult, self.mesh_topic("search/result"), RELIABLE)
        self._roster = self.create_publisher(msg.HistoryStatus, self.mesh_topic("roster"), ROSTER_LINE)
        self._worker = Worker("history", Everything(), self._work, self.get_logger())
        self.create_subscription(msg.FaceSearchRequest, self.mesh_topic("search/request"),
                                 lambda message: self._worker.put("", (self._answer, message)), RELIABLE)
        self.create_subscription(msg.HistoryStatus, self.mesh_topic("roster"), self._on_status, ROSTER)
        self._status_timer = steady_timer(self, 1.0, self._tell_status)
        self._frame_services = FrameServices(self, lambda: self.history, self.settings["frame_history.save_on_alert"])
        frames = StageHealth(self, self.cameras, "history", clocks=True,
                             problem=lambda camera: self._images.problem(camera) if self._images is not None else "")
        self._frames_health, self._health = frames, HistoryHealth(frames, self.robot_folder())
        self._images = ImageInput(self, self.cameras, self.settings, self.on_frame, refused=frames.failed,
                                  lost=frames.lost) if subscribe else None
        if subscribe:
            self.create_subscription(msg.PersonEvent, self.robot_topic("events"),
                                     lambda message: self.on_event(conversion.event_from_message(message)), RELIABLE)
            for camera in self.cameras:
                self.create_subscription(msg.Tracks, self.camera_topic(camera, "tracks"), self._on_tracks_message, RELIABLE)
        self._tell_status()
        self._diagnostics = Diagnostics(self, self.robot_id, lambda: self._health.look(self._status))

    def _open(self, contract: ModelContract) -> RobotHistory:
        return RobotHistory(self.robot_folder(), self.robot_id, contract,
                            FrameSettings.of_config(self.settings),
                            event_format=self.settings["event_logging.format"],
                            event_fsync=self.settings["event_logging.fsync"] == "each")

    def on_frame(self, frame: Frame) -> None:
        """Keep a frame; costs the caller no more than a list append. A disk that fails never stops the camera."""
        self._frames_health.came(frame)
        try:
            if self.history is not None:
                self.history.add_frame(frame)
            self._frames_health.done(frame)
        except StoreError as error:
            self._frames_health.failed(frame.camera_id, str(error), frame.stamp_ns)
            self.get_logger().error(str(error), throttle_duration_sec=60.0)

    def on_tracks(self, frame: Frame, tracks: "tuple[Track, ...]") -> None:
        """Keep the faces of a frame's tracks as sightings."""
        self._worker.put("", (self._keep_tracks, frame, tracks))

    def on_event(self, event: PersonEvent) -> None:
        """Write an event to the log."""
        self._worker.put("", (self._keep_event, event))

    def _on_tracks_message(self, message: msg.Tracks) -> None:
        if self.history is None and message.model_id:
            self._worker.put("", (self._know_model, message.model_id))
        frame = Frame(message.camera_id, conversion.to_ns(message.header.stamp), message.frame_number, b"")
        self.on_tracks(frame, conversion.tracks_from_message(message))

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

    def _keep_tracks(self, frame: Frame, tracks: "tuple[Track, ...]") -> None:
        if self.history is not None:
            self.history.add_tracks(frame.camera_id, frame.stamp_ns, frame.number, tracks)

    def _keep_event(self, event: PersonEvent) -> None:
        if self.history is not None and self.settings["event_logging.enabled"]:
            waited = self.history.events.unwritten - self.history.events.lost
            if self.history.add_event(event) and waited:
                self.get_logger().info(f"the event log takes events again: {waited} that waited are written, "
                                       f"{self.history.events.lost} were too many to wait and are lost")

    def _answer(self, message: msg.FaceSearchRequest) -> None:
        question = conversion.question_from_message(message)
        if question.robots and self.robot_id not in question.robots:
            return
        started = time.perf_counter()
        answer, matches = RobotAnswer(self.robot_id, ANSWERED), ()
        if self.history is not None:
            answer, matches = search_history(self.history, question)
            answer = replace(answer, note=self._clock_note(question.cameras))
        result = msg.FaceSearchResult(
            search_id=question.search_id, instance_id=self.instance_id,
            model_id=self.history.contract.id if self.history is not None else "",
            robot=conversion.robot_answer_to_message(answer),
            matches=[conversion.match_to_message(match) for match in matches])
        result.robot.elapsed_ms = (time.perf_counter() - started) * 1e3
        self._results.publish(result)

    def _clock_note(self, cameras: "tuple[str, ...]") -> str:
        """Whose clock is off, of the cameras asked for: what they saw is filed under other times than it happened at."""
        return "; ".join(filter(None, (clock.sentence(camera) for camera, clock in self._frames_health.clocks.items()
                                       if not cameras or camera in cameras)))

    def _on_status(self, message: msg.HistoryStatus) -> None:
        if message.robot_id == self.robot_id and message.instance_id != self.instance_id and not message.leaving:
            self.get_logger().error(f"another robot on the mesh is called {self.robot_id} too: searches will miss one of "
                                    "the two; give one another name", throttle_duration_sec=60.0)

    def _tell_status(self, leaving: bool = False) -> None:
        status = self._status = HistoryStatus(self.robot_id, "", (), 0, 0, 0)
        try:
            status = self._status = self.history.status() if self.history is not None else status
        except StoreError as error:
            self._health.failed(str(error))
            self.get_logger().error(str(error), throttle_duration_sec=60.0)
        if self.history is not None:
            self._worker.put("", (self.history.flush,))
        self._roster.publish(conversion.status_to_message(
            status, self.get_clock().now().to_msg(), self.instance_id, leaving, self._models,
            {camera: clock.behind_ns for camera, clock in self._frames_health.clocks.items()}))

    def close(self) -> None:
        """Write what is left, leave the roster, close the files."""
        self._status_timer.cancel()
        self._diagnostics.close()
        if self._images is not None:
            self._images.close()
        self._worker.close()
        self._frame_services.close()
        self._tell_status(leaving=True)
        if self.history is not None:
            self.history.close()


def main() -> None:
    """Run the node in a process of its own."""
    run_node(HistoryNode)
