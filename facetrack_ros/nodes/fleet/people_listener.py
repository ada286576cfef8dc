"""Subscriptions to what robots share about people: face templates, merge decisions, gallery entries."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rclpy.callback_groups import CallbackGroup

from facetrack_ros import msg
from facetrack_ros.core.printable import printable
from facetrack_ros.core.validation import LONGEST_NAME
from facetrack_ros.models.known_dimensions import KnownDimensions
from facetrack_ros.nodes.base.bounds import ENTRIES, TEMPLATES, VERDICTS
from facetrack_ros.nodes.base.fleet_rules import SIGNED_BY
from facetrack_ros.nodes.base.mesh_node import MeshNode
from facetrack_ros.nodes.base.qos import PEOPLE_RECORDS
from facetrack_ros.nodes.conversion.people import entry_from_message, template_from_message, verdict_from_message
from facetrack_ros.tracking.identity.gallery import GalleryEntry
from facetrack_ros.tracking.identity.gallery import entry_id as checked_id
from facetrack_ros.tracking.identity.shared_template import SharedTemplate
from facetrack_ros.tracking.identity_merges import MergeDecision


class PeopleHandler:
    """Receiver of a :class:`PeopleListener`'s values. Each method may refuse its value with an ``InvalidInput``.

    ``signed_by`` is the member of the fleet whose signature of the message was verified, which may pass on what
    another one decided; empty: the mesh is open.
    """

    def on_template(self, template: SharedTemplate) -> None:
        """A robot shares a person's face template."""

    def on_decision(self, decision: MergeDecision, signed_by: str = "") -> None:
        """A robot or an operator decided whether two ids are one person."""

    def on_entry(self, entry: GalleryEntry, signed_by: str = "") -> None:
        """A gallery entry is new or repeated."""

    def on_entry_deleted(self, entry_id: str, source: str = "", signed_by: str = "") -> None:
        """A gallery entry is deleted.

        :param source: the robot that tells it, as it says; empty: it does not.
        """


@dataclass(frozen=True)
class _Deleted:
    """An entry that is deleted, and the robot that tells it, as it says."""

    entry_id: str
    source: str


class PeopleListener:
    """Subscriptions of the topics ``persons``, ``verdicts`` and ``gallery``, behind the node's inbox.

    :param topics: those to subscribe.
    :param dispatch: runs a call on the handler's thread.
    """

    def __init__(
        self,
        node: MeshNode,
        handler: PeopleHandler,
        topics: tuple[str, ...] = ("persons", "verdicts", "gallery"),
        dispatch: Callable[[Callable[[], None]], Any] = lambda call: call(),
        group: CallbackGroup | None = None,
    ):
        dimensions = KnownDimensions()

        def on_decision(decision: MergeDecision, info: dict) -> None:
            handler.on_decision(decision, info.get(SIGNED_BY, ""))

        def on_entry(entry: GalleryEntry | _Deleted, info: dict) -> None:
            signed_by = info.get(SIGNED_BY, "")
            if isinstance(entry, _Deleted):
                handler.on_entry_deleted(entry.entry_id, entry.source, signed_by)
            else:
                entry.check(dimensions.of(entry.model_id))
                handler.on_entry(entry, signed_by)

        def on_template(template: SharedTemplate) -> None:
            template.check_dimension(dimensions.of(template.model_id))
            handler.on_template(template)

        gate = node.inbox.gate
        kinds = {
            "persons": (
                msg.PersonTemplate,
                gate(
                    *("face template", on_template, template_from_message, lambda message: message.robot_id),
                    *(TEMPLATES, dispatch),
                ),
            ),
            "verdicts": (
                msg.PersonVerdict,
                gate(
                    *("merge decision", on_decision, verdict_from_message, lambda message: message.by),
                    *(VERDICTS, dispatch, True),
                ),
            ),
            "gallery": (
                msg.GalleryEntry,
                gate(
                    *("gallery entry", on_entry, _entry_or_deleted, lambda message: message.by),
                    *(ENTRIES, dispatch, True),
                ),
            ),
        }
        for topic in topics:
            kind, callback = kinds[topic]
            node.create_subscription(
                kind,
                node.mesh_topic(topic),
                callback,  # type: ignore[arg-type]  # rclpy passes the info to callbacks of two arguments
                PEOPLE_RECORDS,
                callback_group=group,
            )


def _entry_or_deleted(message: msg.GalleryEntry) -> GalleryEntry | _Deleted:
    if message.deleted:
        return _Deleted(checked_id(message.entry_id), printable(message.by, LONGEST_NAME))
    return entry_from_message(message)
