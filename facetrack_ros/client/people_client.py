"""ROS client of the command line for people: reads and publishes person templates, merges and gallery entries."""

import os
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from typing import Any

import numpy as np
import rclpy
from rclpy.duration import Duration
from rclpy.publisher import Publisher

from facetrack_ros import msg
from facetrack_ros.errors import RequestError
from facetrack_ros.nodes.base.process import ros, spinning
from facetrack_ros.nodes.base.qos import PEOPLE_RECORDS
from facetrack_ros.nodes.conversion.people import verdict_to_message
from facetrack_ros.nodes.fleet.people_listener import PeopleHandler, PeopleListener
from facetrack_ros.tracking.gallery import GalleryEntry
from facetrack_ros.tracking.identity_merges import IdentityMerges, MergeDecision

# Listen at least LISTEN_S and until nothing new came for QUIET_S, at most MOST_S. Discovery takes well under a second
# on a healthy network, longer on a busy one. Chosen by hand.
LISTEN_S = 2.5
QUIET_S = 1.0
MOST_S = 8.0


class PeopleClient(PeopleHandler):
    """Client as a context manager; entering it waits until the latched messages of the robots have arrived.

    :ivar merges: the merge decisions received.
    :ivar gallery: entries received, by id.
    :ivar seen: persons with a face template, and the robots that shared it.
    :param mesh: prefix of the topics that all robots share.
    """

    def __init__(self, mesh: str = "/facetrack"):
        self._mesh = mesh.rstrip("/")
        self.merges = IdentityMerges()
        self.gallery: dict[str, GalleryEntry] = {}
        self.seen: dict[str, set[str]] = {}
        self._lock = threading.Lock()
        self._received_s: float | None = None

    def __enter__(self) -> "PeopleClient":
        self._open = ExitStack()
        self._open.enter_context(ros([]))
        self.node = rclpy.create_node(f"facetrack_people_{os.getpid()}")
        self._decisions = self.node.create_publisher(msg.PersonVerdict, f"{self._mesh}/verdicts", PEOPLE_RECORDS)
        self._entries = self.node.create_publisher(msg.GalleryEntry, f"{self._mesh}/gallery", PEOPLE_RECORDS)
        PeopleListener(self.node, self._mesh, self, dispatch=self._receive)
        self._open.callback(self.node.destroy_node)
        self._open.enter_context(spinning([self.node]))
        began = time.monotonic()
        while (now := time.monotonic()) < began + MOST_S:
            with self._lock:
                if now > began + LISTEN_S and self._received_s is not None and now > self._received_s + QUIET_S:
                    break
            time.sleep(0.05)
        return self

    def __exit__(self, *error) -> None:
        self._open.close()

    def publish_decisions(self, decisions: Iterable[MergeDecision]) -> None:
        """Send merge decisions to every robot.

        :raises RequestError: no robot received them.
        """
        for decision in decisions:
            self._decisions.publish(verdict_to_message(decision))
        self._wait(self._decisions)

    def delete_entries(self, entry_ids: Iterable[str]) -> None:
        """Delete gallery entries on every robot.

        :raises RequestError: no robot received the deletion.
        """
        for entry_id in entry_ids:
            self._entries.publish(msg.GalleryEntry(entry_id=entry_id, deleted=True))
        self._wait(self._entries)

    def _wait(self, publisher: Publisher) -> None:
        # One subscription is this client's own. A robot that has just left never acknowledges.
        publisher.wait_for_all_acked(Duration(seconds=LISTEN_S))
        if publisher.get_subscription_count() < 2:
            raise RequestError(
                f"no robot on the mesh received it within {LISTEN_S:g} s: is one running, on this ROS_DOMAIN_ID "
                f"({os.environ.get('ROS_DOMAIN_ID', '0')})?"
            )

    def _receive(self, decode: Callable[[Any], None], message: Any) -> None:
        with self._lock:
            self._received_s = time.monotonic()
            decode(message)

    def on_template(
        self, robot_id: str, person_id: str, model_id: str, embeddings: np.ndarray, qualities: np.ndarray
    ) -> None:
        """Note which robot shares a person's face."""
        self.seen.setdefault(person_id, set()).add(robot_id)

    def on_decision(self, decision: MergeDecision) -> None:
        """Keep a merge decision."""
        self.merges.add(decision)

    def on_entry(self, entry: GalleryEntry) -> None:
        """Keep a gallery entry."""
        self.gallery[entry.entry_id] = entry

    def on_entry_deleted(self, entry_id: str) -> None:
        """Drop a gallery entry."""
        self.gallery.pop(entry_id, None)
