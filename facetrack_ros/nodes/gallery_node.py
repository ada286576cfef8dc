"""Gallery node: enrols people for every robot, and keeps what every robot enrolled."""

import time
from pathlib import Path

from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.task import Future

from facetrack_ros import msg, srv
from facetrack_ros.concurrency.worker import FifoMailbox, Worker
from facetrack_ros.enrolment.entries import build_gallery, enrolment_warnings, make_entries
from facetrack_ros.enrolment.picture_folder import enrolment_pictures, removed_pictures
from facetrack_ros.errors import ConfigError, FacetrackError
from facetrack_ros.history.layout import robot_folder
from facetrack_ros.history.people.gallery_store import GalleryStore
from facetrack_ros.nodes.base.process import run_node
from facetrack_ros.nodes.base.qos import PEOPLE_RECORDS
from facetrack_ros.nodes.base.robot_member_node import RobotMemberNode
from facetrack_ros.nodes.base.timers import steady_timer
from facetrack_ros.nodes.conversion.people import entry_from_message, entry_to_message
from facetrack_ros.nodes.health.publisher import Diagnostics
from facetrack_ros.nodes.health.service_health import ServiceHealth
from facetrack_ros.nodes.health.status import Diagnosis
from facetrack_ros.tracking.gallery import EntryRefused, GalleryEntry
from facetrack_ros.tracking.id_allocator import IdAllocator, safe_name
from facetrack_ros.tracking.settings import TrackingSettings
from facetrack_ros.vision.pipeline_pool import PipelinePool
from facetrack_ros.vision.settings import FACE_OPTIONS, face_settings

# How often the gallery folder is looked at.
FOLDER_S = 5.0
_FROM_FOLDER = "folder:"


class GalleryNode(RobotMemberNode):
    """Serves ``enroll_face``, takes the pictures of a folder, and shares entries with every robot.

    Whatever it hears for the first time it says again, so that an entry outlives the robot that made it.

    :param models: where the process shares them; else they are those of the settings, loaded at the first picture.
    """

    NAME = "gallery"
    USES = ("mesh", "data_dir", "gallery.", *FACE_OPTIONS)
    OWN = ("cameras",)
    WHILE_INACTIVE = "it enrols nobody and holds no models; entries still come and go between robots"

    def __init__(self, models: PipelinePool | None = None, **member):
        super().__init__(**member)
        self._models = models or PipelinePool(face_settings(self.settings))
        folder = robot_folder(self.robot_folder(), self.robot_id)
        self._ids = IdAllocator(folder / "gallery_ids.json")
        self._store = GalleryStore(folder)
        self._seen_folder: tuple | None = None
        self._health = ServiceHealth("gallery", "enrolments done")
        self._kept = self._turned_down = 0
        group = ReentrantCallbackGroup()
        self._worker = Worker("gallery", FifoMailbox(), self._work)
        self._publisher = self.create_publisher(msg.GalleryEntry, self.mesh_topic("gallery"), PEOPLE_RECORDS)
        self.create_subscription(
            msg.GalleryEntry,
            self.mesh_topic("gallery"),
            lambda message: self._worker.put("", (self._hear, message)),
            PEOPLE_RECORDS,
            callback_group=group,
        )
        self.create_service(srv.EnrollFace, self.robot_topic("enroll_face"), self._serve, callback_group=group)
        self._worker.put("", (self._tell_all,))
        if self.settings.gallery.folder:
            steady_timer(self, FOLDER_S, lambda: self._worker.put("", (self._look_at_folder,)))
        self._diagnostics = Diagnostics(self, self.robot_id, lambda: [self._look()])

    def activate(self) -> None:
        """Look at the gallery folder at once."""
        if self.settings.gallery.folder:
            self._worker.put("", (self._look_at_folder, True))

    def deactivate(self) -> None:
        """Finish what is at hand and free the models."""
        self._worker.drain()
        self._models.release("gallery")

    def settings_changed(self, names: set[str]) -> None:
        """Judge pictures by the new threshold."""
        if "faces.min_width_px" in names:
            self._models.set_thresholds(min_face_px=self.settings.faces.min_width_px)

    async def _serve(self, request: srv.EnrollFace.Request, response: srv.EnrollFace.Response):
        finished = Future()
        self._worker.put("", (self._enrol_request, request, response, finished))
        await finished
        return response

    def _enrol_request(
        self, request: srv.EnrollFace.Request, response: srv.EnrollFace.Response, finished: Future
    ) -> None:
        """In the worker: models have to run."""
        began = time.monotonic()
        try:
            if not self.active:
                raise EntryRefused(
                    f"the gallery of {self.robot_id} is {self.state} and enrols nobody: ros2 lifecycle set "
                    f"{self.get_fully_qualified_name()} activate"
                )
            sources = list(request.sources) or [f"picture {number}" for number in range(1, len(request.images) + 1)]
            if len(sources) != len(request.images):
                raise EntryRefused(
                    f"{len(request.images)} images and {len(sources)} sources: give one a picture, or none"
                )
            entries, said = self._enrol(
                request.name,
                [(Path(source).name, bytes(image.data)) for source, image in zip(sources, request.images)],
                request.watch,
            )
            response.success, response.message = True, "; ".join(said)
            response.entry_ids, response.model_id = [entry.entry_id for entry in entries], entries[0].model_id
            self._health.done(time.monotonic() - began)
        except FacetrackError as error:
            response.message = str(error)
            self._health.refused(response.message)
        except Exception as error:  # the caller waits: it must hear of it, whatever it was
            response.message = f"unexpected {type(error).__name__}: {error}"
            self._health.failed(response.message)
            raise
        finally:
            finished.set_result(None)
            # Whoever awaits is looked at when the executor next wakes, and another thread's result does not wake it.
            self.executor.wake()

    def _enrol(self, name: str, pictures: list[tuple[str, bytes]], watch: bool) -> tuple[list[GalleryEntry], list[str]]:
        """Make entries, keep and share them; returns them and what should be known about them."""
        pipeline = self._models.acquire("gallery")
        entries = make_entries(
            name,
            pictures,
            pipeline,
            lambda: f"g_{safe_name(self.robot_id)}_{self._ids.next('entry')}",
            watch,
            self.robot_id,
            self.get_clock().now().nanoseconds,
        )
        for entry in entries:
            self._store.add(entry)
            self._publisher.publish(entry_to_message(entry))
        everybody = build_gallery(self._store.read()[0], pipeline.contract, TrackingSettings().margin)
        said = enrolment_warnings(entries, everybody)
        for sentence in said:
            self.get_logger().warning(sentence)
        return entries, said

    def _tell_all(self) -> None:
        entries, refused = self._store.read()
        for sentence in refused:
            self.get_logger().warning(sentence)
        for entry in entries:
            self._publisher.publish(entry_to_message(entry))
        for entry_id in self._store.deleted():
            self._publisher.publish(msg.GalleryEntry(entry_id=entry_id, deleted=True))

    def _hear(self, message: msg.GalleryEntry) -> None:
        try:
            if message.deleted:
                if not self._store.was_deleted(message.entry_id):
                    self._delete(message.entry_id)
            elif self._store.add(entry_from_message(message)):
                self._publisher.publish(message)
        except EntryRefused as error:
            self._turned_down += 1
            self.get_logger().warning(
                f"{message.by or 'somebody'} told of gallery entry {message.entry_id!r}, turned down: {error}",
                throttle_duration_sec=10.0,
            )

    def _delete(self, entry_id: str) -> None:
        self._store.delete(entry_id)
        self._publisher.publish(msg.GalleryEntry(entry_id=entry_id, deleted=True))

    def _look_at_folder(self, first: bool = False) -> None:
        """Enrol what is new in the gallery folder and delete what is gone, where anything changed.

        :param first: the node is about to be active.
        """
        if not self.active and not first:
            return
        root = Path(self.settings.gallery.folder).expanduser()
        pictures, junk = enrolment_pictures(root)
        found = {
            f"{_FROM_FOLDER}{each.path.relative_to(root)} {each.path.stat().st_size} {each.path.stat().st_mtime_ns}": each
            for each in pictures
        }
        if self._seen_folder == tuple(found):
            return
        self._seen_folder = tuple(found)
        for sentence in junk:
            self._tell_folder(sentence)
        known = {
            entry.source: entry
            for entry in self._store.read()[0]
            if entry.by == self.robot_id and entry.source.startswith(_FROM_FOLDER)
        }
        try:
            for source in removed_pictures(set(known), set(found)):
                self._delete(known[source].entry_id)
        except ConfigError as error:
            self._tell_folder(str(error))
        for source in found.keys() - known.keys():
            try:
                self._enrol(found[source].name, [(source, found[source].path.read_bytes())], found[source].watch)
            except (FacetrackError, OSError) as error:
                self._tell_folder(str(error))

    def _tell_folder(self, sentence: str) -> None:
        self._health.failed(f"gallery folder: {sentence}")
        self.get_logger().warning(f"gallery folder: {sentence}")

    def _work(self, items: list) -> None:
        for call, *arguments in items:
            try:
                call(*arguments)
            except FacetrackError as error:
                self._health.failed(str(error))
                raise
        self._kept = self._store.count()

    def _look(self) -> Diagnosis:
        return self._health.look(
            {"entries": str(self._kept), "entries turned down": str(self._turned_down)},
            "" if self.active else f"is {self.state}: {self.WHILE_INACTIVE}",
        )

    def close(self) -> None:
        """Finish what is at hand and stop."""
        self._diagnostics.close()
        self._worker.close()


def main() -> None:
    """Run the node in a process of its own."""
    run_node(GalleryNode)
