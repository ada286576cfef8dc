"""A client of the mesh for commands: what robots tell each other of people, and a word of one's own."""

import os
import threading
import time
from collections.abc import Iterable

import rclpy
from rclpy.duration import Duration

from facetrack_ros import msg
from facetrack_ros.errors import RequestError
from facetrack_ros.nodes.base.process import ros, spinning
from facetrack_ros.nodes.base.qos import PEOPLE_RECORDS
from facetrack_ros.nodes.conversion.people import entry_from_message, verdict_from_message, verdict_to_message
from facetrack_ros.tracking.gallery import GalleryEntry
from facetrack_ros.tracking.identity_merges import IdentityMerges, MergeDecision

# Discovery on a healthy network takes well under a second, on a busy one longer: listen at least so long, until nothing
# new has come for a while, and not for ever.
LISTEN_S = 2.5
QUIET_S = 1.0
MOST_S = 8.0


class PeopleClient:
    """Use as a context manager; it has listened for a while when it is open.

    :ivar aliases: the verdicts heard.
    :ivar gallery: entries heard, by id.
    :ivar seen: persons of whom robots told a face, and the robots that did.
    :param mesh: prefix of the topics that all robots share.
    """

    def __init__(self, mesh: str = "/facetrack"):
        self._mesh = mesh.rstrip("/")
        self.merges = IdentityMerges()
        self.gallery: dict[str, GalleryEntry] = {}
        self.seen: dict[str, set[str]] = {}
        self._lock = threading.Lock()
        self._heard: float | None = None

    def __enter__(self) -> "PeopleClient":
        self._ros = ros([])
        self._ros.__enter__()
        self.node = rclpy.create_node(f"facetrack_people_{os.getpid()}")
        self._verdicts = self.node.create_publisher(msg.PersonVerdict, f"{self._mesh}/verdicts", PEOPLE_RECORDS)
        self._entries = self.node.create_publisher(msg.GalleryEntry, f"{self._mesh}/gallery", PEOPLE_RECORDS)
        self.node.create_subscription(msg.PersonVerdict, f"{self._mesh}/verdicts", self._on_verdict, PEOPLE_RECORDS)
        self.node.create_subscription(msg.GalleryEntry, f"{self._mesh}/gallery", self._on_entry, PEOPLE_RECORDS)
        self.node.create_subscription(msg.PersonTemplate, f"{self._mesh}/persons", self._on_template, PEOPLE_RECORDS)
        self._spinning = spinning([self.node])
        self._spinning.__enter__()
        began = time.monotonic()
        while (now := time.monotonic()) < began + MOST_S:
            with self._lock:
                if now > began + LISTEN_S and self._heard is not None and now > self._heard + QUIET_S:
                    break
            time.sleep(0.05)
        return self

    def __exit__(self, *error) -> None:
        self._spinning.__exit__(*error)
        self.node.destroy_node()
        self._ros.__exit__(*error)

    def tell_verdicts(self, verdicts: Iterable[MergeDecision]) -> None:
        """Say it to every robot.

        :raises RequestError: nobody heard it.
        """
        for verdict in verdicts:
            self._verdicts.publish(verdict_to_message(verdict))
        self._wait(self._verdicts)

    def delete_entries(self, entry_ids: Iterable[str]) -> None:
        """Delete gallery entries on every robot.

        :raises RequestError: nobody heard it.
        """
        for entry_id in entry_ids:
            self._entries.publish(msg.GalleryEntry(entry_id=entry_id, deleted=True))
        self._wait(self._entries)

    def _wait(self, publisher) -> None:
        # One subscription is our own. A robot that has just gone acknowledges nothing, and is waited for no longer than this.
        publisher.wait_for_all_acked(Duration(seconds=LISTEN_S))
        if publisher.get_subscription_count() < 2:
            raise RequestError(
                f"no robot on the mesh heard it within {LISTEN_S:g} s: is one running, on this ROS_DOMAIN_ID "
                f"({os.environ.get('ROS_DOMAIN_ID', '0')})?"
            )

    def _on_verdict(self, message: msg.PersonVerdict) -> None:
        with self._lock:
            self._heard = time.monotonic()
            self.merges.add(verdict_from_message(message))

    def _on_entry(self, message: msg.GalleryEntry) -> None:
        with self._lock:
            self._heard = time.monotonic()
            if message.deleted:
                self.gallery.pop(message.entry_id, None)
            else:
                self.gallery[message.entry_id] = entry_from_message(message)

    def _on_template(self, message: msg.PersonTemplate) -> None:
        with self._lock:
            self._heard = time.monotonic()
            self.seen.setdefault(message.person_id, set()).add(message.robot_id)
