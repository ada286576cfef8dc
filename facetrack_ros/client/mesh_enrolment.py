"""Enrolment by the command line: pictures are embedded here, and robots get the entries."""

import time
import uuid
from collections.abc import Sequence

from facetrack_ros.client.asker_node import asker_name
from facetrack_ros.client.fleet_models import fleet_models
from facetrack_ros.client.people_client import PeopleClient
from facetrack_ros.config import Config
from facetrack_ros.enrolment.entries import Enrolment, EnrolmentPicture, build_gallery, enrol
from facetrack_ros.search.fleet.fleet_answer import MISSING, FleetAnswer, RobotLine
from facetrack_ros.tracking.settings import TrackingSettings

_INSTEAD = "let a robot embed the pictures: --robot NAME"


class MeshEnrolment:
    """Makes the entries of a person's pictures, compares them with everyone enrolled, and shares them.

    :param client: an open one.
    :param config: settings of the command line.
    """

    def __init__(self, client: PeopleClient, config: Config):
        self._client, self._config = client, config

    def enrol(
        self, name: str, pictures: Sequence[EnrolmentPicture], watch: bool, force: bool
    ) -> tuple[Enrolment, FleetAnswer]:
        """Enrol a person on every robot.

        :returns: the entries, and what the robots answered.
        :raises FacetrackError: there is no robot or no model, or a picture is refused; nothing is enrolled then.
        """
        held = self._client.gallery()
        pipeline = fleet_models(self._client.fleet, self._config, instead=_INSTEAD).acquire("asker")
        known = self._client.whole_entries(held)
        gallery = build_gallery(known, pipeline.contract, TrackingSettings().margin)
        origin = (watch, asker_name(), time.time_ns())
        done = enrol(name, list(pictures), pipeline, gallery, _new_id, *origin, force)
        answer = self._client.enrol((*done.entries, *done.known), done.outdated)
        not_compared = len(held.gallery.keys() - {entry.entry_id for entry in known})
        if not_compared:
            why = f"{not_compared} enrolled faces were not compared: their embeddings did not come"
            answer = FleetAnswer(answer.request_id, (*answer.lines, RobotLine("this program", MISSING, why)))
        return done, answer


def _new_id() -> str:
    return f"g_{asker_name()}_{uuid.uuid4().hex[:10]}"
