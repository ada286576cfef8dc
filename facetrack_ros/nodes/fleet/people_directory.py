"""Whom the mesh knows by face: persons that robots told of, under all their ids, and enrolled people."""

import numpy as np

from facetrack_ros import msg
from facetrack_ros.errors import RequestError
from facetrack_ros.nodes.base.qos import PEOPLE_RECORDS, PERSON_TEMPLATES
from facetrack_ros.nodes.base.robot_member_node import RobotMemberNode
from facetrack_ros.nodes.conversion.people import entry_from_message, template_from_message, verdict_from_message
from facetrack_ros.tracking.face_template import FaceTemplate
from facetrack_ros.tracking.gallery import GalleryEntry
from facetrack_ros.tracking.identity_merges import IdentityMerges

# Names in a sentence that says who is known.
_TOLD = 20


class KnownFaces:
    """Listens to the mesh's persons, verdicts and gallery on behalf of a node.

    :param group: callback group of the subscriptions.
    """

    def __init__(self, node: RobotMemberNode, group):
        self.merges = IdentityMerges()
        self._logger = node.get_logger()
        self._templates: dict[str, tuple[str, np.ndarray]] = {}
        self._gallery: dict[str, GalleryEntry] = {}
        for kind, topic, callback, qos in (
            (msg.PersonTemplate, "persons", self._on_template, PERSON_TEMPLATES),
            (msg.PersonVerdict, "verdicts", self._on_verdict, PEOPLE_RECORDS),
            (msg.GalleryEntry, "gallery", self._on_gallery_entry, PEOPLE_RECORDS),
        ):
            node.create_subscription(kind, node.mesh_topic(topic), callback, qos, callback_group=group)

    def face_of(self, person: str) -> tuple[np.ndarray, str]:
        """The face of a person id, under any of its ids, or of an enrolled name; and its model's id.

        :raises RequestError: nobody is known as that.
        """
        for person_id in (person, *self.merges.group(person)):
            if person_id in self._templates:
                model_id, mean = self._templates[person_id]
                return mean, model_id
        return self.face_of_name(person)

    def face_of_name(self, name: str) -> tuple[np.ndarray, str]:
        """The best face of an enrolled name, or of the gallery entry of that id; and its model's id.

        :raises RequestError: nobody is known as that.
        """
        enrolled = [entry for entry in list(self._gallery.values()) if name in (entry.name, entry.entry_id)]
        if not enrolled:
            known = sorted({*self._templates, *(entry.name for entry in list(self._gallery.values()))})
            told = f"{', '.join(known[:_TOLD])}{' …' if len(known) > _TOLD else ''}"
            raise RequestError(f"no robot has told of a face of {name}; known are: {told or 'none'}")
        best = max(enrolled, key=lambda entry: (entry.quality, entry.entry_id))
        return best.embedding, best.model_id

    def _on_template(self, message: msg.PersonTemplate) -> None:
        try:
            embeddings, qualities = template_from_message(message)
            template = FaceTemplate()
            for embedding, quality in zip(embeddings, qualities):
                template.add(embedding, quality)
        except ValueError as error:
            self._logger.warning(f"{message.robot_id} told of {message.person_id}, turned down: {error}")
            return
        if template.mean is not None:
            self._templates[message.person_id] = (message.model_id, template.mean)

    def _on_verdict(self, message: msg.PersonVerdict) -> None:
        try:
            self.merges.add(verdict_from_message(message))
        except ValueError as error:
            self._logger.warning(f"{message.by} told of two persons, turned down: {error}")

    def _on_gallery_entry(self, message: msg.GalleryEntry) -> None:
        if message.deleted:
            self._gallery.pop(message.entry_id, None)
            return
        try:
            entry = entry_from_message(message)
            entry.check()
            self._gallery[entry.entry_id] = entry
        except ValueError as error:
            self._logger.warning(f"gallery entry {message.entry_id!r}, turned down: {error}")
