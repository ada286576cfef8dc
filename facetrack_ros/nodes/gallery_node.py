"""Gallery node: enrols people for every robot, and stores what every robot enrolled."""

import time
from collections.abc import Iterable
from pathlib import Path

from rclpy.callback_groups import ReentrantCallbackGroup

from facetrack_ros import msg, srv
from facetrack_ros.concurrency.open_calls import OpenCalls
from facetrack_ros.concurrency.worker import FifoMailbox, Worker, run_calls
from facetrack_ros.core.names import nfc
from facetrack_ros.enrolment.entries import Enrolment, EnrolmentPicture, build_gallery, enrol
from facetrack_ros.enrolment.picture_folder import FolderPicture, enrolment_pictures, removed_pictures
from facetrack_ros.errors import ConfigError, FacetrackError, StoreError
from facetrack_ros.history.audit.audit_log import ENROLMENT, REMOVAL
from facetrack_ros.history.forget.tombstones import Tombstones
from facetrack_ros.history.layout import robot_folder
from facetrack_ros.history.people.gallery_store import GalleryStore
from facetrack_ros.history.stored_ids import open_ids
from facetrack_ros.nodes.base.process import run_node
from facetrack_ros.nodes.base.qos import PEOPLE_RECORDS
from facetrack_ros.nodes.base.robot_member_node import RobotMemberNode
from facetrack_ros.nodes.base.throttled_log import ThrottledLog
from facetrack_ros.nodes.base.timers import steady_timer
from facetrack_ros.nodes.conversion.people import entry_to_message
from facetrack_ros.nodes.conversion.requests import check_enrolment
from facetrack_ros.nodes.fleet.audit_writer import AuditWriter
from facetrack_ros.nodes.fleet.people_listener import PeopleHandler, PeopleListener
from facetrack_ros.nodes.health.publisher import Diagnostics
from facetrack_ros.nodes.health.service_health import ServiceHealth
from facetrack_ros.nodes.health.status import Diagnosis
from facetrack_ros.search.reference_image import read_picture
from facetrack_ros.tracking.id_allocator import safe_name
from facetrack_ros.tracking.identity.gallery import EntryRefused, GalleryEntry
from facetrack_ros.tracking.settings import TrackingSettings
from facetrack_ros.vision.pipeline_pool import PipelinePool
from facetrack_ros.vision.settings import FACE_OPTIONS, face_settings

# Calls that wait or are under way at once; a further one is told so. Chosen by hand.
MOST_CALLS = 16
# How often the gallery folder is listed.
FOLDER_S = 5.0
# How often it is checked whether the robot has forgotten an entry.
FORGOTTEN_S = 1.0
_FROM_FOLDER = "folder:"


class GalleryNode(RobotMemberNode, PeopleHandler):
    """Serves ``enroll_face``, enrols the pictures of a folder, and shares entries with every robot.

    New entries of other robots are stored and published again, so that an entry outlives the robot that made it. All
    work is done in one worker.

    :param models: shared by the process; None: its own, from the settings, loaded at the first picture.
    """

    NAME = "gallery"
    USES = ("mesh", "data_dir", "gallery.", "audit.", *FACE_OPTIONS)
    OWN = ("cameras",)
    WHILE_INACTIVE = "it enrols no one and holds no models; entries are still exchanged between robots"

    def __init__(self, models: PipelinePool | None = None, **member):
        super().__init__(**member)
        self._models = models or PipelinePool(face_settings(self.settings))
        folder = robot_folder(self.robot_folder(), self.robot_id)
        self._ids = open_ids(folder / "gallery_ids.json", self.robot_id)
        self._store = GalleryStore(folder)
        self._store.repair()
        self._tombstones, self._forgotten = Tombstones(folder), frozenset[str]()
        self._deleted_by_others, self._warnings = 0, ThrottledLog(self.get_logger())
        self._folder_listing: tuple[str, ...] | None = None
        self._health = ServiceHealth("gallery", "enrolments done")
        self._audit = AuditWriter(self, self._not_recorded)
        self._entry_count, self._uncounted = 0, True
        group = ReentrantCallbackGroup()
        self._worker = Worker("gallery", FifoMailbox(), self._work)
        self._publisher = self.create_publisher(msg.GalleryEntry, self.mesh_topic("gallery"), PEOPLE_RECORDS)
        PeopleListener(self, self, ("gallery",), lambda call: self._worker.put("", (call,)), group)
        self._calls = OpenCalls(f"the gallery of {self.robot_id}", MOST_CALLS)
        serve = self.inbox.serve("enroll_face call", self._serve, self._health.raised, check_enrolment)
        self.create_service(srv.EnrollFace, self.robot_topic("enroll_face"), serve, callback_group=group)
        self._worker.put("", (self._publish_all,))
        steady_timer(self, FORGOTTEN_S, lambda: self._worker.put("", (self._delete_forgotten,)))
        if self.settings.gallery.folder:
            steady_timer(self, FOLDER_S, lambda: self._worker.put("", (self._enrol_folder,)))
        self._diagnostics = Diagnostics(self, self.robot_id, lambda: [self._report()])

    def activate(self) -> None:
        """Enrol the gallery folder at once."""
        if self.settings.gallery.folder:
            self._worker.put("", (self._enrol_folder, True))

    def deactivate(self) -> None:
        """Finish pending work and free the models."""
        self._worker.drain()
        self._models.release("gallery")

    def settings_changed(self, names: set[str]) -> None:
        """Use the new threshold."""
        if "faces.min_width_px" in names:
            self._models.set_thresholds(min_face_px=self.settings.faces.min_width_px)

    async def _serve(self, request: srv.EnrollFace.Request, response: srv.EnrollFace.Response) -> None:
        with self._calls.one(sum(len(image.data) for image in request.images)):
            await self.run_in(self._worker, self._enrol_request, request, response)

    def _enrol_request(self, request: srv.EnrollFace.Request, response: srv.EnrollFace.Response) -> None:
        began = time.monotonic()
        self._audit.require_reason(request.operator_name, request.reason)
        if not self.active:
            raise EntryRefused(
                f"the gallery of {self.robot_id} is {self.state} and enrols no one: ros2 lifecycle set "
                f"{self.get_fully_qualified_name()} activate"
            )
        sources = list(request.sources) or [f"picture {number}" for number in range(1, len(request.images) + 1)]
        if len(sources) != len(request.images):
            raise EntryRefused(f"{len(request.images)} images and {len(sources)} sources: give one a picture, or none")
        faces = list(request.faces) or [0] * len(request.images)
        if len(faces) != len(request.images):
            raise EntryRefused(f"{len(request.images)} images and {len(faces)} faces: give one a picture, or none")
        pictures = [
            EnrolmentPicture(Path(source).name, bytes(image.data), face)
            for source, image, face in zip(sources, request.images, faces)
        ]
        try:
            done = self._enrol(request.name, pictures, request.watch, request.force)
        except FacetrackError as error:
            self._log_enrolment(request.name, (), len(pictures), str(error), "", request)
            raise
        self._log_enrolment(request.name, done.entry_ids, len(pictures), request=request)
        response.success, response.message = True, "; ".join(done.notes)
        response.entry_ids, response.model_id = done.entry_ids, (*done.entries, *done.known)[0].model_id
        self._health.done(time.monotonic() - began)

    def _log_enrolment(
        self,
        name: str,
        entry_ids: Iterable[str],
        pictures: int,
        error: str = "",
        asker: str = "",
        request: srv.EnrollFace.Request | None = None,
        signed_by: str = "",
    ) -> None:
        """Record pictures that were given; that it cannot be recorded is told, and hinders nothing."""
        who = self._audit.who("", "", signed_by) if request is None else self._audit.who_called(request)
        said = {"asker": asker, "name": name, "error": error}
        self._audit.record(ENROLMENT, {**who, **said, "entries": list(entry_ids), "pictures": pictures})

    def _not_recorded(self, problem: StoreError) -> None:
        self._health.failed(str(problem))
        self.get_logger().error(str(problem), throttle_duration_sec=60.0)

    def _enrol(self, name: str, pictures: list[EnrolmentPicture], watch: bool, force: bool = False) -> Enrolment:
        """Make, store and publish the entries of a person."""
        pipeline = self._models.acquire("gallery")
        gallery = build_gallery(self._store.read(), pipeline.contract, TrackingSettings().margin)
        origin = (watch, self.robot_id, self.get_clock().now().nanoseconds)
        done = enrol(name, pictures, pipeline, gallery, self._next_id, *origin, force)
        for entry in done.entries:
            self._store.add(entry)
            self._publisher.publish(entry_to_message(entry))
        for entry_id in done.outdated:
            self._delete(entry_id, "a newer entry stands for it")
        for note in done.notes:
            self.get_logger().warning(note)
        return done

    def _next_id(self) -> str:
        return f"g_{safe_name(self.robot_id)}_{self._ids.next('entry')}"

    def _publish_all(self) -> None:
        for entry in self._store.read():
            self._publisher.publish(entry_to_message(entry))
        for entry_id in self._store.deleted():
            self._publish_deletion(entry_id)

    def on_entry(self, entry: GalleryEntry, signed_by: str = "") -> None:
        """Store an entry, and publish it again unless it is known."""
        if self._tombstones.forgot_entry(entry.entry_id, entry.model_id, entry.embedding, entry.stamp_ns):
            raise EntryRefused(f"{entry.entry_id} was forgotten here", "forgotten")
        if self._store.add(entry, foreign=True):
            self._publisher.publish(entry_to_message(entry))
            self._log_enrolment(entry.name, (entry.entry_id,), 0, asker=entry.by, signed_by=signed_by)

    def on_entry_deleted(self, entry_id: str, source: str = "", signed_by: str = "") -> None:
        """Delete an entry, and publish the deletion again unless it is known."""
        if not self._store.was_deleted(entry_id):
            self._deleted_by_others += 1
            self._warnings.warn("deleted", f"gallery entry {entry_id} is deleted, as the mesh says")
            self._delete(entry_id, "as the mesh says", source, signed_by)

    def _delete_forgotten(self) -> None:
        """Tell every robot to delete the entries that this one has forgotten."""
        self._tombstones.read()
        new = self._tombstones.entry_ids - self._forgotten
        self._forgotten |= new
        for entry_id in sorted(new):
            self._delete(entry_id, "it was forgotten")

    def _delete(self, entry_id: str, why: str, asker: str = "", signed_by: str = "") -> None:
        who = self._audit.who("", why, signed_by)
        self._audit.record(REMOVAL, {**who, "asker": asker, "entries": [entry_id]})
        self._store.delete(entry_id)
        self._publish_deletion(entry_id)

    def _publish_deletion(self, entry_id: str) -> None:
        self._publisher.publish(msg.GalleryEntry(entry_id=entry_id, deleted=True, by=self.robot_id))

    def _enrol_folder(self, activating: bool = False) -> None:
        """Enrol new pictures of the gallery folder and delete the entries of removed ones.

        :param activating: the node is about to be active.
        """
        if not self.active and not activating:
            return
        root = Path(self.settings.gallery.folder).expanduser()
        pictures, others = enrolment_pictures(root)
        found = {}
        for picture in pictures:
            file = picture.path.stat()
            source = f"{_FROM_FOLDER}{picture.path.relative_to(root)} {file.st_size} {file.st_mtime_ns}"
            found[nfc(source)] = picture
        if self._folder_listing == tuple(found):
            return
        self._folder_listing = tuple(found)
        for sentence in others:
            self._warn_of_folder(sentence)
        known = {
            entry.source: entry
            for entry in self._store.read()
            if entry.by == self.robot_id and entry.source.startswith(_FROM_FOLDER)
        }
        try:
            for source in removed_pictures(set(known), set(found)):
                self._delete(known[source].entry_id, "its picture was taken from the gallery folder")
        except ConfigError as error:
            self._warn_of_folder(str(error))
        for source in sorted(found.keys() - known.keys()):
            self._enrol_file(source, found[source])

    def _enrol_file(self, source: str, picture: FolderPicture) -> None:
        """Enrol a picture of the gallery folder; warn of one that is refused, with the reason."""
        try:
            file = EnrolmentPicture(source, read_picture(str(picture.path)))
            done = self._enrol(picture.name, [file], picture.watch)
            self._log_enrolment(picture.name, done.entry_ids, 1, asker="gallery folder")
        except (FacetrackError, OSError) as error:
            said = str(error).removeprefix(f"{source}: ").replace(source, picture.path.name)
            self._warn_of_folder(f"{picture.path.name} is not enrolled as {picture.name}: {said}")

    def _warn_of_folder(self, sentence: str) -> None:
        self._health.failed(f"gallery folder: {sentence}")
        self.get_logger().warning(f"gallery folder: {sentence}")

    def _work(self, call: tuple) -> None:
        try:
            run_calls(call)
        except FacetrackError as error:
            self._health.failed(str(error))
            raise
        self._uncounted = self._uncounted or call != (self._count_entries,)

    def _count_entries(self) -> None:
        self._uncounted, self._entry_count = False, self._store.count()

    def _report(self) -> Diagnosis:
        if self._uncounted:
            self._worker.put("", (self._count_entries,))
        return self._health.report(
            {"entries": str(self._entry_count), "entries deleted by others": str(self._deleted_by_others)},
            "" if self.active else f"is {self.state}: {self.WHILE_INACTIVE}",
        )

    def close(self) -> None:
        """Finish pending work and stop."""
        self._diagnostics.close()
        self._worker.close()


def main() -> None:
    """Run the node in a process of its own."""
    run_node(GalleryNode)
