"""Exchange of people between robots: face templates, merge decisions, gallery entries."""

from collections.abc import Iterable

import numpy as np

from facetrack_ros import msg
from facetrack_ros.concurrency.worker import Worker
from facetrack_ros.core.event import FACE_MATCHED, PersonEvent
from facetrack_ros.history.people.merge_log import MergeLog
from facetrack_ros.nodes.base.qos import PEOPLE_RECORDS, PERSON_TEMPLATES
from facetrack_ros.nodes.base.robot_member_node import RobotMemberNode
from facetrack_ros.nodes.conversion.people import template_to_message, verdict_to_message
from facetrack_ros.nodes.fleet.people_listener import PeopleHandler, PeopleListener
from facetrack_ros.tracking.id_allocator import robot_of_person, safe_name
from facetrack_ros.tracking.identity.gallery import GalleryEntry
from facetrack_ros.tracking.identity_merges import MergeDecision
from facetrack_ros.tracking.people_tracker import PeopleTracker

# Faces kept until the tracker is ready; chosen by hand, at most about 20 MB.
_MAX_PENDING_FACES = 1000


class PeopleSync(PeopleHandler):
    """Passes what other robots share to a robot's tracker, and shares what the tracker learns.

    Merge decisions are published again by every robot that stores them, so that they reach robots that join later.
    All methods run in the tracker's worker.

    :param decisions: the robot's stored merge decisions.
    :param worker: the tracker's.
    """

    def __init__(self, node: RobotMemberNode, decisions: MergeLog, worker: Worker):
        self._node, self._log = node, decisions
        self._robot = safe_name(node.robot_id)
        self._people: PeopleTracker | None = None
        self._pending: dict[str, GalleryEntry] = {}
        self._pending_faces: dict[str, tuple[str, str, str, np.ndarray, np.ndarray]] = {}
        self._templates = node.create_publisher(msg.PersonTemplate, node.mesh_topic("persons"), PERSON_TEMPLATES)
        self._decisions = node.create_publisher(msg.PersonVerdict, node.mesh_topic("verdicts"), PEOPLE_RECORDS)
        self._listener = PeopleListener(
            node, node.settings.mesh, self, dispatch=lambda method, message: worker.put("", (method, message))
        )
        # Until the tracker, which has merges of its own, is ready.
        self._merges = decisions.read()
        self._publish(self._merges.decisions)

    def connect(self, people: PeopleTracker) -> None:
        """Begin to exchange for this tracker; faces and gallery entries received before are added now."""
        self._people = people
        for robot_id, person_id, model_id, embeddings, qualities in list(self._pending_faces.values()):
            with self._listener.refusing("persons", f"face of {person_id} from {robot_id}"):
                people.learn(person_id, model_id, embeddings, qualities, merge=False)
        people.settle(person_id for person_id in self._pending_faces if person_id in people.persons())
        self.share_decisions()
        self._pending_faces.clear()
        for entry in list(self._pending.values()):
            with self._listener.refusing("gallery", f"gallery entry {entry.entry_id!r}"):
                people.gallery.add(entry)
        self._pending.clear()

    def share_decisions(self) -> None:
        """Store and publish the tracker's new merge decisions."""
        new = self._people.take_new_decisions() if self._people is not None else ()
        for each in new:
            self._node.get_logger().info(each.sentence)
        self._publish(new)
        self._log.append(new)

    def share_face(self, event: PersonEvent) -> None:
        """Publish the face template of a person of this robot when the person comes and, with more faces, leaves."""
        if event.event == FACE_MATCHED or self._people is None or robot_of_person(event.person_id) != self._robot:
            return
        template = self._people.persons().get(event.person_id)
        if template is not None and len(template):
            key = (self._node.robot_id, event.person_id, self._people.model_id, event.stamp_ns)
            self._templates.publish(template_to_message(*key, template.embeddings, template.qualities))

    def on_template(
        self, robot_id: str, person_id: str, model_id: str, embeddings: np.ndarray, qualities: np.ndarray
    ) -> None:
        """Add another robot's face of a person to the tracker's."""
        if robot_id == self._node.robot_id:
            return
        if self._people is None:
            # A message is delivered once: the latest faces wait for the tracker.
            self._pending_faces.pop(person_id, None)
            self._pending_faces[person_id] = (robot_id, person_id, model_id, embeddings, qualities)
            if len(self._pending_faces) > _MAX_PENDING_FACES:
                del self._pending_faces[next(iter(self._pending_faces))]
        else:
            try:
                self._people.learn(person_id, model_id, embeddings, qualities)
            finally:
                self.share_decisions()

    def on_decision(self, decision: MergeDecision) -> None:
        """Store a merge decision, and publish it again unless it is known."""
        merges = self._merges if self._people is None else self._people.merges
        known = merges.decision_on(*decision.pair)
        if self._people is None:
            merges.add(decision)
        else:
            self._people.add_decision(decision)
        taken = merges.decision_on(*decision.pair)
        if taken is not None and taken is not known:
            self._log.append([taken])
            self._publish([taken])
        self.share_decisions()

    def on_entry(self, entry: GalleryEntry) -> None:
        """Add an entry to the tracker's gallery."""
        if self._people is None:
            self._pending[entry.entry_id] = entry
        else:
            self._people.gallery.add(entry)

    def on_entry_deleted(self, entry_id: str) -> None:
        """Remove an entry from the tracker's gallery."""
        if self._people is None:
            self._pending.pop(entry_id, None)
        else:
            self._people.gallery.remove(entry_id)

    def _publish(self, decisions: Iterable[MergeDecision]) -> None:
        for decision in decisions:
            self._decisions.publish(verdict_to_message(decision))
