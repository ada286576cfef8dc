"""Enrolment by the command line: pictures are embedded here, and robots get the entries."""

import time
import uuid
from collections.abc import Sequence

from facetrack_ros.client.asker_node import asker_name
from facetrack_ros.client.fleet_models import fleet_models
from facetrack_ros.client.people_client import PeopleClient
from facetrack_ros.config import Config
from facetrack_ros.enrolment.entries import Enrolment, EnrolmentPicture, build_gallery, enrol
from facetrack_ros.errors import RequestError
from facetrack_ros.nodes.fleet.people_listener import PeopleHandler, PeopleListener
from facetrack_ros.tracking.identity.gallery import GalleryEntry
from facetrack_ros.tracking.settings import TrackingSettings

# Longest wait for the embeddings of the entries that robots list; they send them when they are discovered.
ENTRIES_S = 5.0
_CHECK_S = 0.05
_INSTEAD = "let a robot embed the pictures: --robot NAME"


class MeshEnrolment(PeopleHandler):
    """Makes the entries of a person's pictures, compares them with everyone enrolled, and shares them.

    :param client: an open one.
    :param config: settings of the command line.
    """

    def __init__(self, client: PeopleClient, config: Config):
        self._client, self._config = client, config
        self._entries: dict[str, GalleryEntry] = {}
        PeopleListener(client.fleet.node, self, ("gallery",))

    def on_entry(self, entry: GalleryEntry) -> None:
        """Keep an entry."""
        self._entries[entry.entry_id] = entry

    def on_entry_deleted(self, entry_id: str) -> None:
        """Drop an entry."""
        self._entries.pop(entry_id, None)

    def enrol(
        self, name: str, pictures: Sequence[EnrolmentPicture], watch: bool, force: bool
    ) -> tuple[Enrolment, dict[str, str]]:
        """Enrol a person on every robot.

        :returns: the entries, and the robots that do not hold them with the reason.
        :raises FacetrackError: there is no robot or no model, or a picture is refused; nothing is enrolled then.
        """
        people = self._client.people()
        pipeline = fleet_models(self._client.fleet, self._config, instead=_INSTEAD).acquire("asker")
        held = set(people.gallery)
        deadline = time.monotonic() + ENTRIES_S
        while not held <= set(self._entries) and time.monotonic() < deadline:
            time.sleep(_CHECK_S)
        known = [entry for entry_id, entry in list(self._entries.items()) if entry_id in held]
        gallery = build_gallery(known, pipeline.contract, TrackingSettings().margin)
        origin = (watch, asker_name(), time.time_ns())
        done = enrol(name, list(pictures), pipeline, gallery, _new_id, *origin, force)
        without = dict(people.not_listed)
        if done.entries:
            without |= self._client.publish_entries(done.entries)
            if all(robot.robot_id in without for robot in people.robots):
                reasons = "; ".join(f"{robot}: {why}" for robot, why in without.items())
                raise RequestError(f"no robot has taken over the faces of {name}: {reasons}")
        if done.outdated:
            without |= self._client.delete_entries(done.outdated)
        missing = held - set(self._entries)
        if missing:
            without["this program"] = f"{len(missing)} enrolled faces were not compared: their embeddings did not come"
        return done, without


def _new_id() -> str:
    return f"g_{asker_name()}_{uuid.uuid4().hex[:10]}"
