"""Exchange of people between robots: face templates, merge decisions, gallery entries."""

import contextlib
from collections.abc import Callable, Iterable, Iterator

from facetrack_ros import msg
from facetrack_ros.concurrency.worker import Worker
from facetrack_ros.core.event import FACE_MATCHED, PersonEvent
from facetrack_ros.core.fair_share import FairShare
from facetrack_ros.errors import InvalidInput
from facetrack_ros.history.audit.audit_log import MERGE, SPLIT, decision_record
from facetrack_ros.history.forget.tombstones import Tombstones
from facetrack_ros.history.people.gallery_store import MOST_ENTRIES
from facetrack_ros.history.people.merge_log import MergeLog
from facetrack_ros.nodes.base.qos import PEOPLE_RECORDS, PERSON_TEMPLATES
from facetrack_ros.nodes.base.robot_member_node import RobotMemberNode
from facetrack_ros.nodes.base.timers import steady_timer
from facetrack_ros.nodes.conversion.people import template_to_message, verdict_to_message
from facetrack_ros.nodes.fleet.audit_writer import AuditWriter
from facetrack_ros.nodes.fleet.people_listener import PeopleHandler, PeopleListener
from facetrack_ros.nodes.fleet.template_gate import RELEASE_S, Roster, TemplateGate
from facetrack_ros.tracking.id_allocator import robot_of_person, safe_name
from facetrack_ros.tracking.identity.gallery import GalleryEntry
from facetrack_ros.tracking.identity.shared_template import SharedTemplate
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
    :param roster: the robots whose templates are learned.
    :param instance_id: returns that of the robot's process, empty while unknown.
    :param audit: takes a record of each decision of a person.
    """

    def __init__(
        self,
        node: RobotMemberNode,
        decisions: MergeLog,
        worker: Worker,
        roster: Roster,
        instance_id: Callable[[], str],
        audit: AuditWriter,
    ):
        self._audit = audit
        self._instance_id = instance_id
        self._node, self._log = node, decisions
        self._robot = safe_name(node.robot_id)
        self._people: PeopleTracker | None = None
        self._tombstones, self._dropped = Tombstones(decisions.path.parent), frozenset[str]()
        self._pending: FairShare[str, GalleryEntry] = FairShare(MOST_ENTRIES)
        self._pending_faces: FairShare[str, SharedTemplate] = FairShare(_MAX_PENDING_FACES)
        self._templates = node.create_publisher(msg.PersonTemplate, node.mesh_topic("persons"), PERSON_TEMPLATES)
        self._decisions = node.create_publisher(msg.PersonVerdict, node.mesh_topic("verdicts"), PEOPLE_RECORDS)
        self._gate = TemplateGate(roster, self._take, node.inbox)
        steady_timer(node, RELEASE_S, lambda: worker.put("", (self._gate.release,)))
        PeopleListener(node, self, dispatch=lambda call: worker.put("", (call,)))
        # Until the tracker, which has merges of its own, is ready.
        self._merges = decisions.repair()
        self._publish(self._merges.decisions)

    def connect(self, people: PeopleTracker) -> None:
        """Begin to exchange for this tracker; faces and gallery entries received before are added now."""
        self._people = people
        for template in self._pending_faces.values():
            with self._refusing("face template", template.robot_id):
                self._learn(people, template, merge=False)
        people.settle(person_id for person_id in self._pending_faces if person_id in people.persons())
        self.share_decisions()
        self._pending_faces.clear()
        for entry in self._pending.values():
            with self._refusing("gallery entry", entry.by):
                self._add_entry(people, entry)
        self._pending.clear()

    @contextlib.contextmanager
    def _refusing(self, what: str, sender: str) -> Iterator[None]:
        """Count an ``InvalidInput`` of the block as a refusal."""
        try:
            yield
        except InvalidInput as error:
            self._node.inbox.refuse(what, sender, str(error), error.kind)

    def share_decisions(self) -> None:
        """Store and publish the tracker's new merge decisions."""
        new = self._people.take_new_decisions() if self._people is not None else ()
        for each in new:
            self._node.get_logger().info(each.sentence)
        self._publish(new)
        self._log.append(new)

    def newly_forgotten(self) -> bool:
        """Whether the tracker still knows a person or entry that the robot has forgotten."""
        self._tombstones.read()
        new = (self._tombstones.person_ids | self._tombstones.entry_ids) - self._dropped
        return bool(new) and self._people is not None

    def forget(self) -> None:
        """Let the tracker forget what the robot has forgotten; who is in view is a new person from then on."""
        people = self._people
        if people is None:
            return
        new = (self._tombstones.person_ids | self._tombstones.entry_ids) - self._dropped
        for each in new:
            people.forget(each)
            people.gallery.remove(each)
            self._merges.forget(each)
        people.take_new_decisions()
        self._dropped |= new

    def _refuse_forgotten(self, *person_ids: str) -> None:
        """
        :raises InvalidInput: one of some persons was forgotten here.
        """
        if self._tombstones.forgot_person(*person_ids):
            raise InvalidInput(f"{' or '.join(person_ids)} was forgotten here", "forgotten")

    def share_face(self, event: PersonEvent) -> None:
        """Publish the face template of a person of this robot when the person comes and, with more faces, leaves."""
        if event.event == FACE_MATCHED or self._people is None or robot_of_person(event.person_id) != self._robot:
            return
        if self._tombstones.forgot_person(event.person_id):
            return
        template = self._people.shared_template(event.person_id)
        if template is not None:
            ids = self._node.robot_id, self._instance_id(), event.person_id, self._people.model_id
            shared = SharedTemplate(*ids, template.embeddings, template.qualities)
            self._templates.publish(template_to_message(shared, event.stamp_ns))

    def on_template(self, template: SharedTemplate) -> None:
        """Add another robot's face of a person to the tracker's, once the robot is heard."""
        if template.robot_id != self._node.robot_id:
            self._refuse_forgotten(template.person_id)
            self._gate.put(template)

    def _take(self, template: SharedTemplate) -> None:
        if self._tombstones.forgot_person(template.person_id):
            return  # it waited meanwhile
        if self._people is None:
            # A message is delivered once: the latest faces wait for the tracker.
            self._pending_faces.put(template.robot_id, template.person_id, template)
            return
        try:
            self._learn(self._people, template)
        finally:
            self.share_decisions()

    @staticmethod
    def _learn(people: PeopleTracker, template: SharedTemplate, merge: bool = True) -> None:
        if template.model_id != people.model_id:
            return  # of a fleet with several models
        people.learn(template.person_id, template.model_id, template.embeddings, template.qualities, merge)

    def on_decision(self, decision: MergeDecision, signed_by: str = "") -> None:
        """Store a merge decision, and publish it again unless it is known."""
        self._refuse_forgotten(*decision.pair)
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
            if taken.operator:
                self._audit.record(MERGE if taken.same else SPLIT, decision_record(taken, signed_by))
        self.share_decisions()

    def on_entry(self, entry: GalleryEntry, signed_by: str = "") -> None:
        """Add an entry to the tracker's gallery."""
        if self._tombstones.forgot_entry(entry.entry_id, entry.model_id, entry.embedding, entry.stamp_ns):
            return  # the gallery node tells it
        if self._people is None:
            self._pending.put(entry.by, entry.entry_id, entry)
        else:
            self._add_entry(self._people, entry)

    @staticmethod
    def _add_entry(people: PeopleTracker, entry: GalleryEntry) -> None:
        if entry.model_id == people.model_id:
            people.gallery.add(entry)

    def on_entry_deleted(self, entry_id: str, source: str = "", signed_by: str = "") -> None:
        """Remove an entry from the tracker's gallery."""
        if self._people is None:
            self._pending.pop(entry_id)
        else:
            self._people.gallery.remove(entry_id)

    def _publish(self, decisions: Iterable[MergeDecision]) -> None:
        for decision in decisions:
            self._decisions.publish(verdict_to_message(decision))
