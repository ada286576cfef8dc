"""What robots tell each other of people: faces, who is one person and who is not, and who has a name."""

from facetrack_ros import msg
from facetrack_ros.concurrency.worker import Worker
from facetrack_ros.core.event import FACE_MATCHED, PersonEvent
from facetrack_ros.history.people.merge_log import MergeLog
from facetrack_ros.nodes.base.qos import PEOPLE_RECORDS, PERSON_TEMPLATES
from facetrack_ros.nodes.base.robot_member_node import RobotMemberNode
from facetrack_ros.nodes.conversion.people import (
    entry_from_message,
    template_from_message,
    template_to_message,
    verdict_from_message,
    verdict_to_message,
)
from facetrack_ros.tracking.gallery import EntryRefused
from facetrack_ros.tracking.people_tracker import PeopleTracker


class PeopleExchange:
    """Hears the mesh for a robot's tracker, and tells the mesh what it learns. All but the hearing is for the tracker's worker.

    :param verdicts: where the robot keeps them.
    :param worker: does what was heard in the tracker's turn.
    """

    def __init__(self, node: RobotMemberNode, verdicts: MergeLog, worker: Worker):
        self._node, self._verdicts, self._worker = node, verdicts, worker
        self._people: PeopleTracker | None = None
        self._waiting_entries: list[msg.GalleryEntry] = []
        self._persons = node.create_publisher(msg.PersonTemplate, node.mesh_topic("persons"), PERSON_TEMPLATES)
        self._told_verdicts = node.create_publisher(msg.PersonVerdict, node.mesh_topic("verdicts"), PEOPLE_RECORDS)
        node.create_subscription(msg.PersonTemplate, node.mesh_topic("persons"), self._on_template, PERSON_TEMPLATES)
        node.create_subscription(
            msg.PersonVerdict,
            node.mesh_topic("verdicts"),
            lambda message: worker.put("", (self._hear_verdict, message)),
            PEOPLE_RECORDS,
        )
        node.create_subscription(
            msg.GalleryEntry,
            node.mesh_topic("gallery"),
            lambda message: worker.put("", (self._hear_entry, message)),
            PEOPLE_RECORDS,
        )
        for verdict in verdicts.read().decisions:
            self._told_verdicts.publish(verdict_to_message(verdict))

    def know(self, people: PeopleTracker) -> None:
        """From now on the robot follows people."""
        self._people = people
        for message in self._waiting_entries:
            self._hear_entry(message)
        self._waiting_entries.clear()

    def tell_verdicts(self) -> None:
        """Tell and keep what was decided of late."""
        made = self._people.take_new_decisions()
        for verdict in made:
            self._told_verdicts.publish(verdict_to_message(verdict))
            self._node.get_logger().info(
                f"{verdict.first} and {verdict.second} are {'' if verdict.same else 'not '}one person: {verdict.reason}"
            )
        self._verdicts.append(made)

    def _hear_verdict(self, message: msg.PersonVerdict) -> None:
        """Take what a robot or a person says of two ids, keep it, and say it again for those who come later."""
        verdict = verdict_from_message(message)
        known = self._people.merges.decision_on(*verdict.pair) if self._people is not None else None
        try:
            if self._people is None:
                if self._verdicts.read().add(verdict):
                    self._verdicts.append([verdict])
                return
            self._people.add_decision(verdict)
        except ValueError as error:
            self._node.get_logger().warning(f"{message.by} told of two persons, turned down: {error}")
            return
        if self._people.merges.decision_on(*verdict.pair) is not known:
            self._verdicts.append([verdict])
            self._told_verdicts.publish(message)
        self.tell_verdicts()

    def _hear_entry(self, message: msg.GalleryEntry) -> None:
        if self._people is None:
            self._waiting_entries.append(message)
        elif message.deleted:
            self._people.gallery.remove(message.entry_id)
        else:
            try:
                self._people.gallery.add(entry_from_message(message))
            except EntryRefused as error:
                self._node.get_logger().warning(
                    f"gallery entry {message.entry_id!r} of {message.by or 'somebody'} is of no use here: {error}",
                    throttle_duration_sec=10.0,
                )

    def share(self, event: PersonEvent) -> None:
        """Tell the other robots what a face looks like, when somebody comes and, better known, when they leave."""
        if event.event == FACE_MATCHED:
            return
        for person_id, template in self._people.persons().items():
            if person_id == event.person_id and len(template):
                self._persons.publish(
                    template_to_message(
                        self._node.robot_id,
                        person_id,
                        self._people.model_id,
                        event.stamp_ns,
                        template.embeddings,
                        template.qualities,
                    )
                )

    def _on_template(self, message: msg.PersonTemplate) -> None:
        if message.robot_id != self._node.robot_id:
            self._worker.put("", (self._learn, message))

    def _learn(self, message: msg.PersonTemplate) -> None:
        """Take what another robot knows of a face; what does not fit is turned down with its reason."""
        if self._people is None:
            return
        try:
            self._people.learn(message.person_id, message.model_id, *template_from_message(message))
        except ValueError as error:
            self._node.get_logger().warning(f"{message.robot_id} told of {message.person_id}, turned down: {error}")
        self.tell_verdicts()
