"""Faces by person id or name: persons that robots track, under all their ids, and enrolled people."""

import numpy as np
from rclpy.callback_groups import CallbackGroup

from facetrack_ros.core.fair_share import FairShare
from facetrack_ros.errors import RequestError
from facetrack_ros.history.people.gallery_store import MOST_ENTRIES
from facetrack_ros.nodes.base.mesh_node import MeshNode
from facetrack_ros.nodes.base.timers import steady_timer
from facetrack_ros.nodes.fleet.people_listener import PeopleHandler, PeopleListener
from facetrack_ros.nodes.fleet.roster_listener import RosterListener
from facetrack_ros.nodes.fleet.template_gate import RELEASE_S, TemplateGate
from facetrack_ros.search.other_people import FaceOf, PersonFace
from facetrack_ros.tracking.identity.gallery import GalleryEntry
from facetrack_ros.tracking.identity.shared_template import SharedTemplate
from facetrack_ros.tracking.identity_merges import IdentityMerges, MergeDecision

# Persons with a face; chosen by hand: 20 robots with 2,000 each, 80 MB with embeddings of 512 numbers.
_MOST_TEMPLATES = 40_000
# At most so many known names are listed in an error message.
_NAMES_LISTED = 20


class PeopleDirectory(PeopleHandler):
    """Face of each person id and enrolled name on the mesh.

    :ivar merges: the merge decisions received.
    :param group: callback group of the subscriptions.
    :param roster: the robots whose templates are kept.
    """

    def __init__(self, node: MeshNode, group: CallbackGroup, roster: RosterListener):
        self.merges = IdentityMerges()
        self._templates: FairShare[str, tuple[str, PersonFace]] = FairShare(_MOST_TEMPLATES)
        self._gallery: FairShare[str, GalleryEntry] = FairShare(MOST_ENTRIES)
        self._gate = TemplateGate(roster, self._keep, node.inbox)
        roster.listeners.append(lambda heartbeat: self._gate.release())
        steady_timer(node, RELEASE_S, self._gate.release, callback_group=group)
        PeopleListener(node, self, group=group)

    def face_of(self, person: str) -> tuple[np.ndarray, str, tuple[str, ...]]:
        """Embedding and model id of a person id, over all of its merged ids, and these; or of an enrolled name.

        :raises RequestError: no such person.
        """
        ids = self.merges.group(person)
        known = [self._templates[each] for each in dict.fromkeys((person, *ids)) if each in self._templates]
        if not known:
            return (*self.face_of_name(person), ())
        model_id = known[0][0]
        size = len(known[0][1].template)
        faces = [face for model, face in known if model == model_id and len(face.template) == size]
        merged = PersonFace.of(np.stack([face.template for face in faces]), np.array([face.faces for face in faces]))
        assert merged is not None  # there is a face
        return merged.template, model_id, ids

    def faces_of_model(self, model_id: str) -> FaceOf:
        """The face of each person id, under any of its merged ids, of one model."""

        def face_of(person: str) -> PersonFace | None:
            known = (self._templates.get(person_id) for person_id in self.merges.group(person))
            faces = [entry[1] for entry in known if entry is not None and entry[0] == model_id]
            return max(faces, key=lambda face: face.faces, default=None)

        return face_of

    def face_of_name(self, name: str) -> tuple[np.ndarray, str]:
        """Embedding and model id of the best gallery entry with that name or id.

        :raises RequestError: no such entry.
        """
        gallery = list(self._gallery.values())
        enrolled = [entry for entry in gallery if entry.is_called(name)]
        if not enrolled:
            known = sorted({*self._templates, *(entry.name for entry in gallery)})
            listed = f"{', '.join(known[:_NAMES_LISTED])}{' …' if len(known) > _NAMES_LISTED else ''}"
            raise RequestError(f"no robot knows a face of {name}; known are: {listed or 'none'}")
        best = max(enrolled, key=lambda entry: (entry.quality, entry.entry_id))
        return best.embedding, best.model_id

    def on_template(self, template: SharedTemplate) -> None:
        """Keep a person's mean embedding, once the robot is heard."""
        self._gate.put(template)

    def _keep(self, template: SharedTemplate) -> None:
        face = PersonFace.of(template.embeddings, template.qualities)
        if face is not None:
            self._templates.put(template.robot_id, template.person_id, (template.model_id, face))

    def on_decision(self, decision: MergeDecision, signed_by: str = "") -> None:
        """Keep a merge decision."""
        self.merges.add(decision)

    def on_entry(self, entry: GalleryEntry, signed_by: str = "") -> None:
        """Keep a gallery entry."""
        self._gallery.put(entry.by, entry.entry_id, entry)

    def on_entry_deleted(self, entry_id: str, source: str = "", signed_by: str = "") -> None:
        """Drop a gallery entry."""
        self._gallery.pop(entry_id)
