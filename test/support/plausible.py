"""Messages and requests as an honest peer sends them; mutations of these get further than random ones."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from builtin_interfaces.msg import Duration, Time
from hostile_fleet import DIMENSION, MODEL
from sensor_msgs.msg import CompressedImage
from std_msgs.msg import Header

from facetrack_ros import msg, srv
from facetrack_ros.nodes.conversion.fields import byte_array, float_array

#: Kinds of fleet requests.
KINDS = ("list_people", "list_gallery", "missed", "list_requests", "frames", "clip", "unknown")


class Plausible:
    """Makes an honest message of a type; of one that it does not know, an empty one.

    :param jpeg: a picture with a face.
    :param seed: of the embeddings.
    """

    def __init__(self, jpeg: bytes, seed: int):
        self._jpeg = jpeg
        self._chance = np.random.default_rng(seed)
        self._made = 0
        self._makers: dict[type, Callable[[], Any]] = {
            msg.HistoryStatus: self._heartbeat,
            msg.PersonTemplate: self._template,
            msg.PersonVerdict: self._verdict,
            msg.GalleryEntry: self._entry,
            msg.FaceSearchRequest: self._request,
            msg.FaceSearchResult: self._result,
            msg.FleetRequest: self._fleet_request,
            msg.FleetReceipt: self._receipt,
            msg.PeopleResult: self._people,
            msg.PersonEvent: self._event,
            msg.Tracks: self._tracks,
            msg.Detections: self._detections,
            msg.Faces: self._faces,
            CompressedImage: lambda: CompressedImage(header=self._header(), format="jpeg", data=byte_array(jpeg)),
            srv.FaceSearch.Request: self._search,
            srv.EnrollFace.Request: lambda: srv.EnrollFace.Request(
                name="Eve", images=[CompressedImage(data=byte_array(jpeg))]
            ),
            srv.ListPeople.Request: lambda: srv.ListPeople.Request(timeout=Duration(sec=2)),
            srv.GetFrames.Request: lambda: srv.GetFrames.Request(camera_id="front", end=Time(sec=2**31 - 1)),
            srv.SaveClip.Request: lambda: srv.SaveClip.Request(cameras=["front"], end=Time(sec=2**31 - 1)),
        }

    def message(self, kind: type) -> Any:
        """A message of that type."""
        return self._makers.get(kind, kind)()

    def _id(self, prefix: str) -> str:
        self._made += 1
        return f"{prefix}_robot9_{self._made}"

    def _unit(self) -> Any:
        row = self._chance.standard_normal(DIMENSION)
        return float_array(row / np.linalg.norm(row))

    @staticmethod
    def _now() -> Time:
        now = time.time_ns()
        return Time(sec=now // 10**9, nanosec=now % 10**9)

    def _header(self) -> Header:
        return Header(stamp=self._now(), frame_id="door")

    def _heartbeat(self) -> msg.HistoryStatus:
        camera = msg.CameraStatus(camera_id="front", frames=3, sightings=5, newest=self._now())
        return msg.HistoryStatus(
            stamp=self._now(), robot_id="robot9", instance_id="robot9", model_id=MODEL, cameras=[camera], sightings=5
        )

    def _template(self) -> msg.PersonTemplate:
        return msg.PersonTemplate(
            robot_id="robot9",
            instance_id="robot9",
            person_id=self._id("p"),
            model_id=MODEL,
            dimension=DIMENSION,
            embeddings=self._unit(),
            qualities=[0.9],
            stamp=self._now(),
        )

    def _verdict(self) -> msg.PersonVerdict:
        return msg.PersonVerdict(
            record_id=self._id("a"),
            first="p_robot9_1",
            second="p_robot9_2",
            same=True,
            by="robot9",
            version=1,
            stamp=self._now(),
            model_id=MODEL,
        )

    def _entry(self) -> msg.GalleryEntry:
        return msg.GalleryEntry(
            entry_id=self._id("g"),
            name="Eve",
            model_id=MODEL,
            embedding=self._unit(),
            quality=0.9,
            by="robot9",
            stamp=self._now(),
        )

    def _request(self) -> msg.FaceSearchRequest:
        return msg.FaceSearchRequest(
            search_id=self._id("s"),
            asker="robot9",
            reference="picture",
            model_id=MODEL,
            embedding=self._unit(),
            threshold=0.9,
            max_results=5,
            timeout=Duration(sec=2),
        )

    def _result(self) -> msg.FaceSearchResult:
        answer = msg.RobotAnswer(robot_id="robot9", status="answered", matches=1, instance_id="robot9")
        match = msg.FaceMatch(robot_id="robot9", camera_id="front", similarity=0.9, thumbnail=byte_array(self._jpeg))
        return msg.FaceSearchResult(
            search_id=self._id("s"), instance_id="robot9", model_id=MODEL, robot=answer, matches=[match]
        )

    def _fleet_request(self) -> msg.FleetRequest:
        return msg.FleetRequest(
            id=self._id("f"),
            kind=str(self._chance.choice(KINDS)),
            operator_name="eve",
            issued=self._now(),
            deadline=self._now(),
            requester="robot9",
        )

    def _receipt(self) -> msg.FleetReceipt:
        return msg.FleetReceipt(
            request_id=self._id("f"),
            robot_id="robot9",
            instance_id="robot9",
            state=msg.FleetReceipt.DONE,
            body=byte_array(b'{"error": ""}'),
            parts=1,
            stamp=self._now(),
        )

    def _people(self) -> msg.PeopleResult:
        return msg.PeopleResult(
            query_id=self._id("q"),
            robot_id="robot9",
            instance_id="robot9",
            person_ids=["p_robot9_1"],
            sightings=[1],
            first_ns=[1],
            last_ns=[2],
            verdicts=[self._verdict()],
            gallery=[self._entry()],
        )

    def _event(self) -> msg.PersonEvent:
        return msg.PersonEvent(
            header=self._header(),
            event="PERSON_IN",
            robot_id="robot2",
            camera_id="door",
            person_id="p_robot2_9",
            bbox=[0.0, 0.0, 9.0, 9.0],
            confidence=0.9,
        )

    def _face(self) -> msg.Face:
        return msg.Face(
            bbox=[10.0, 10.0, 50.0, 50.0], landmarks=[20.0] * 10, confidence=0.9, quality=0.9, embedding=self._unit()
        )

    def _tracks(self) -> msg.Tracks:
        track = msg.Track(
            track_id=self._id("t"),
            person_id="p_robot2_9",
            state=1,
            bbox=[0.0, 0.0, 60.0, 90.0],
            confidence=0.9,
            face=[self._face()],
        )
        return msg.Tracks(header=self._header(), camera_id="door", frame_number=1, model_id=MODEL, tracks=[track])

    def _detections(self) -> msg.Detections:
        found = msg.Detection(bbox=[0.0, 0.0, 60.0, 90.0], confidence=0.9)
        return msg.Detections(header=self._header(), camera_id="door", model_id="m", detections=[found], frame_number=1)

    def _faces(self) -> msg.Faces:
        return msg.Faces(header=self._header(), camera_id="door", frame_number=1, model_id=MODEL, faces=[self._face()])

    def _search(self) -> srv.FaceSearch.Request:
        request = srv.FaceSearch.Request(timeout=Duration(sec=2), embedding=self._unit(), model_id=MODEL)
        if self._chance.random() < 0.2:
            request.embedding, request.model_id, request.image.data = [], "", byte_array(self._jpeg)
        return request
