"""Subscriptions to what robots share about people: face templates, merge decisions, gallery entries."""

import contextlib
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
from rclpy.callback_groups import CallbackGroup
from rclpy.node import Node

from facetrack_ros import msg
from facetrack_ros.nodes.base.qos import PEOPLE_RECORDS
from facetrack_ros.nodes.base.throttled_log import ThrottledLog
from facetrack_ros.nodes.conversion.people import entry_from_message, template_from_message, verdict_from_message
from facetrack_ros.tracking.identity.gallery import GalleryEntry
from facetrack_ros.tracking.identity_merges import MergeDecision


class PeopleHandler:
    """Receiver of a :class:`PeopleListener`'s values. Each method may refuse its value with a ``ValueError``."""

    def on_template(
        self, robot_id: str, person_id: str, model_id: str, embeddings: np.ndarray, qualities: np.ndarray
    ) -> None:
        """A robot shares a person's face template: ``(n, dimension)`` unit rows and their ``(n,)`` qualities."""

    def on_decision(self, decision: MergeDecision) -> None:
        """A robot or an operator decided whether two ids are one person."""

    def on_entry(self, entry: GalleryEntry) -> None:
        """A gallery entry is new or repeated."""

    def on_entry_deleted(self, entry_id: str) -> None:
        """A gallery entry is deleted."""


class PeopleListener:
    """Decodes the topics ``persons``, ``verdicts`` and ``gallery`` of the mesh; logs and drops what is refused.

    :ivar refused: how many messages were dropped.
    :param mesh: prefix of the topics that all robots share.
    :param topics: those to subscribe.
    :param dispatch: calls a function with its argument on the handler's thread.
    """

    def __init__(
        self,
        node: Node,
        mesh: str,
        handler: PeopleHandler,
        topics: tuple[str, ...] = ("persons", "verdicts", "gallery"),
        dispatch: Callable[[Callable[[Any], None], Any], None] = lambda function, argument: function(argument),
        group: CallbackGroup | None = None,
    ):
        self.refused = 0
        self._handler = handler
        self._warnings = ThrottledLog(node.get_logger())
        kinds = {
            "persons": (msg.PersonTemplate, self._on_template),
            "verdicts": (msg.PersonVerdict, self._on_verdict),
            "gallery": (msg.GalleryEntry, self._on_entry),
        }
        for topic in topics:
            kind, decode = kinds[topic]
            node.create_subscription(
                kind, f"{mesh.rstrip('/')}/{topic}", partial(dispatch, decode), PEOPLE_RECORDS, callback_group=group
            )

    @contextlib.contextmanager
    def refusing(self, topic: str, what: str) -> Iterator[None]:
        """Log a ``ValueError`` of the block as a refusal of ``what``."""
        try:
            yield
        except ValueError as error:
            self.refused += 1
            self._warnings.warn(topic, f"{what} is refused: {error}")

    def _on_template(self, message: msg.PersonTemplate) -> None:
        with self.refusing("persons", f"face of {message.person_id} from {message.robot_id}"):
            self._handler.on_template(
                message.robot_id, message.person_id, message.model_id, *template_from_message(message)
            )

    def _on_verdict(self, message: msg.PersonVerdict) -> None:
        with self.refusing("verdicts", f"decision on two persons from {message.by or 'an unnamed robot'}"):
            self._handler.on_decision(verdict_from_message(message))

    def _on_entry(self, message: msg.GalleryEntry) -> None:
        with self.refusing("gallery", f"gallery entry {message.entry_id!r} of {message.by or 'an unnamed robot'}"):
            if message.deleted:
                self._handler.on_entry_deleted(message.entry_id)
            else:
                self._handler.on_entry(entry_from_message(message))
