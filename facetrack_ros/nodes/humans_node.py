"""Humans node: faces, bodies and persons on the topics of ROS4HRI (REP-155), as libhri reads them."""

import time

import cv2
import numpy as np
from rclpy.qos import QoSDurabilityPolicy, QoSProfile
from sensor_msgs.msg import Image
from std_msgs.msg import Bool, Float32, Header, String

from facetrack_ros import msg
from facetrack_ros.core.frame import Frame
from facetrack_ros.core.pictures.jpeg_orientation import shown_size
from facetrack_ros.core.track import Track, TrackState
from facetrack_ros.errors import FrameError
from facetrack_ros.nodes.base.optional_messages import import_messages
from facetrack_ros.nodes.base.process import run_node
from facetrack_ros.nodes.base.robot_member_node import RobotMemberNode
from facetrack_ros.nodes.conversion.fields import byte_array
from facetrack_ros.nodes.conversion.hri_state import HriState, PersonState, facial_landmarks, hri_id, region
from facetrack_ros.nodes.conversion.time import make_header
from facetrack_ros.nodes.conversion.vision import read_tracks
from facetrack_ros.nodes.inputs.image_buffer import ImageBuffer
from facetrack_ros.nodes.inputs.images import ImageInput
from facetrack_ros.nodes.inputs.rotation import follow_rotations
from facetrack_ros.tracking.factory import enrolled_only
from facetrack_ros.vision.faces.alignment import align

# libhri's subscriptions: default QoS for changing values, reliable and transient local for lasting ones.
CHANGING = QoSProfile(depth=10)  # reliable
STAYING = QoSProfile(depth=1, durability=QoSDurabilityPolicy.TRANSIENT_LOCAL)
#: The tracks of a camera that is silent for this long are dropped.
SILENT_S = 2.0
#: Side of the face images, pixels, as ROS4HRI's own face detector publishes them.
FACE_SIDE = 128


class HumansNode(RobotMemberNode):
    """Publishes ``/humans/{faces,bodies,persons}/tracked``, ``/humans/persons/known`` and the topics of each id.

    :raises ConfigError: hri_msgs is not installed.
    """

    NAME = "humans"
    USES = ("camera.", "recognition.", "hri.")
    OWN = ("cameras",)
    WHILE_INACTIVE = "no person is published"

    def __init__(self, **member):
        self._kinds = import_messages("hri_msgs")
        super().__init__(**member)
        self._prefix = self.settings.hri.prefix.rstrip("/")
        self._humans = HriState()
        self._buffer = ImageBuffer(self.cameras)
        self._images = ImageInput(self, self.cameras, self.settings, self._on_frame, follow_rotations(self))
        self._sizes: dict[str, tuple[int, int]] = {}
        self._heard: dict[str, float] = {}
        self._published: dict[str, PersonState] = {}
        self._topics: dict[str, dict] = {}
        lists = {
            "faces/tracked": CHANGING,
            "bodies/tracked": CHANGING,
            "persons/tracked": STAYING,
            "persons/known": STAYING,
        }
        self._lists = {
            name: self.create_publisher(self._kinds.IdsList, f"{self._prefix}/{name}", qos)
            for name, qos in lists.items()
        }
        for camera in self.cameras:
            self.receive_camera(camera, msg.Tracks, "tracks", read_tracks, self._on_tracks)
        self.create_timer(1.0, self._check)

    def _on_frame(self, frame: Frame) -> None:
        self._buffer.keep(frame)
        size = shown_size(frame.jpeg[:65536])
        if size is not None:
            self._sizes[frame.camera_id] = size

    def _on_tracks(self, found: tuple[Frame, tuple[Track, ...], str]) -> None:
        if not self.active:
            return
        tracked, tracks, _ = found
        camera, header = tracked.camera_id, make_header(tracked.stamp_ns, tracked.frame_id)
        self._heard[camera] = time.monotonic()
        self._humans.update(camera, tracked.stamp_ns, tracks)
        self._publish(header)
        frame = self._buffer.take(camera, tracked.stamp_ns)
        if self._sizes.get(camera) is not None:
            self._publish_tracks(header, tracks, self._sizes[camera], frame)

    def _publish(self, header: Header) -> None:
        """Publish id lists and changes of persons; an id's topics are created before it is listed, destroyed after."""
        faces, bodies, known = self._humans.faces, self._humans.bodies, self._humans.known
        kinds = self._kinds
        roi, image = (kinds.NormalizedRegionOfInterest2D, CHANGING), (Image, CHANGING)
        of_face = {"roi": roi, "landmarks": (kinds.FacialLandmarks, CHANGING), "cropped": image, "aligned": image}
        for face in faces:
            self._topics_of(f"faces/{face}", of_face)
        for body in bodies:
            self._topics_of(f"bodies/{body}", {"roi": roi})
        for person, state in known.items():
            self._publish_person(person, state)
        for publisher, ids in zip(self._lists.values(), (faces, bodies, self._humans.persons, known), strict=True):
            publisher.publish(kinds.IdsList(header=header, ids=list(ids)))
        listed = (("faces", faces), ("bodies", bodies), ("persons", known))
        for gone in set(self._topics) - {f"{kind}/{name}" for kind, names in listed for name in names}:
            for publisher in self._topics.pop(gone).values():
                self.destroy_publisher(publisher)
        self._published = known

    def _topics_of(self, below: str, topics: dict) -> dict:
        if below not in self._topics:
            self._topics[below] = {
                name: self.create_publisher(kind, f"{self._prefix}/{below}/{name}", qos)
                for name, (kind, qos) in topics.items()
            }
        return self._topics[below]

    def _publish_person(self, person: str, state: PersonState) -> None:
        kinds = {"face_id": String, "body_id": String, "alias": String, "anonymous": Bool}
        lasting = {name: (kind, STAYING) for name, kind in kinds.items()}
        topics = self._topics_of(f"persons/{person}", {**lasting, "location_confidence": (Float32, CHANGING)})
        before = self._published.get(person)
        for name, kind in kinds.items():
            value = getattr(state, name)
            if before is None or getattr(before, name) != value:
                topics[name].publish(kind(data=value))
        if before is None:
            topics["location_confidence"].publish(Float32(data=0.0))  # no transform is published for a person

    def _publish_tracks(
        self, header: Header, tracks: tuple[Track, ...], size: tuple[int, int], frame: Frame | None
    ) -> None:
        """Publish boxes, landmarks and face images of the tracks seen in this frame."""
        picture = None
        for track in tracks:
            if track.state != TrackState.TRACKING:
                continue
            body = self._topics.get(f"bodies/{hri_id('b', track.track_id)}", {})
            if body:
                body["roi"].publish(region(self._kinds, header, track.bbox, size, track.confidence))
            face, topics = track.face, self._topics.get(f"faces/{hri_id('f', track.track_id)}")
            if face is None or not topics:
                continue
            topics["roi"].publish(region(self._kinds, header, face.bbox, size, face.score))
            topics["landmarks"].publish(facial_landmarks(self._kinds, header, face, size))
            if enrolled_only(self.settings):  # whose faces these are is not known here
                continue
            if frame is not None and any(topics[name].get_subscription_count() for name in ("cropped", "aligned")):
                picture = self._decode(frame) if picture is None else picture
                if picture is not None:
                    self._publish_pictures(header, topics, face, picture)

    def _decode(self, frame: Frame) -> np.ndarray | None:
        try:
            return frame.image
        except FrameError as error:
            self.get_logger().warning(str(error), throttle_duration_sec=60.0)
            return None

    def _publish_pictures(self, header: Header, topics: dict, face, picture: np.ndarray) -> None:
        x1, y1, x2, y2 = (round(float(value)) for value in face.bbox)
        part = picture[max(0, y1) : max(0, y2), max(0, x1) : max(0, x2)]
        if part.size:
            topics["cropped"].publish(_image(header, cv2.resize(part, (FACE_SIDE, FACE_SIDE))))
        upright = align(picture, face.landmarks, (FACE_SIDE, FACE_SIDE))
        if upright is not None:
            topics["aligned"].publish(_image(header, upright))

    def _check(self) -> None:
        silent = [camera for camera, heard in self._heard.items() if time.monotonic() - heard > SILENT_S]
        for camera in silent:
            del self._heard[camera]
            self._humans.drop(camera)
        if silent:
            self._publish(Header(stamp=self.get_clock().now().to_msg()))
        if self.count_publishers(f"{self._prefix}/persons/tracked") > 1:
            self.get_logger().warning(
                f"another node publishes {self._prefix}/persons/tracked too, and readers mix the "
                "two: run one of them, or give this robot a prefix of its own (hri.prefix)",
                throttle_duration_sec=60.0,
            )

    def deactivate(self) -> None:
        """Publish empty lists."""
        for camera in self.cameras:
            self._humans.drop(camera)
        self._publish(Header(stamp=self.get_clock().now().to_msg()))

    def close(self) -> None:
        """Publish empty lists and ignore images."""
        self._images.close()
        self.deactivate()


def _image(header: Header, picture: np.ndarray) -> Image:
    height, width = picture.shape[:2]
    data = byte_array(np.ascontiguousarray(picture).tobytes())
    return Image(header=header, height=height, width=width, encoding="bgr8", step=width * 3, data=data)


def main() -> None:
    """Run the node in a process of its own."""
    run_node(HumansNode)
