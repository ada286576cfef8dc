"""Markers node: where people stand, for rviz and Foxglove, of each camera whose CameraInfo is published."""

from datetime import datetime, timezone
from functools import partial

import numpy as np
from sensor_msgs.msg import CameraInfo
from std_msgs.msg import Header
from visualization_msgs.msg import Marker, MarkerArray

from facetrack_ros import msg
from facetrack_ros.core.camera_geometry import CameraModel, PersonPosition, locate_person
from facetrack_ros.core.frame import Frame
from facetrack_ros.core.track import Track, TrackState
from facetrack_ros.errors import InvalidInput
from facetrack_ros.nodes.base.bounds import FRAMES, RESULTS
from facetrack_ros.nodes.base.process import run_node
from facetrack_ros.nodes.base.qos import RELIABLE, SENSOR_DATA
from facetrack_ros.nodes.base.robot_member_node import RobotMemberNode
from facetrack_ros.nodes.conversion.markers import body_markers, gone, match_markers
from facetrack_ros.nodes.conversion.search import read_result, robot_of_result
from facetrack_ros.nodes.conversion.time import frame_name, make_header, to_time
from facetrack_ros.nodes.conversion.vision import read_tracks
from facetrack_ros.search.response import Match

# Numbers of distortion coefficients that OpenCV takes.
_DISTORTIONS = (0, 4, 5, 8, 12, 14)


class MarkersNode(RobotMemberNode):
    """Publishes ``<camera>/markers`` (MarkerArray) in the camera's optical frame; where that is, tf says.

    Bearing and distance come from the box of a person of assumed height (``markers.person_height_m``). The transparent
    ellipsoid around a person is twice the standard deviation.
    """

    NAME = "markers"
    USES = ("mesh", "markers.")
    OWN = ("cameras",)
    WHILE_INACTIVE = "no person is marked"

    def __init__(self, **member):
        super().__init__(**member)
        self._outputs = self.camera_publishers(MarkerArray, "markers", RELIABLE)
        self._models: dict[str, CameraModel] = {}
        self._frames: dict[str, str] = {}
        self._shown: dict[str, list[Marker]] = {camera: [] for camera in self.cameras}
        self._found: dict[str, list[Marker]] = {camera: [] for camera in self.cameras}
        self._search_id, self._matches = "", {}
        for camera in self.cameras:
            topic = self.given_topic("markers.camera_info", camera)
            info = self.inbox.gate(
                "CameraInfo", partial(self._on_info, camera), _camera_of, partial(_of, topic), FRAMES
            )
            self.receive(CameraInfo, topic, info, SENSOR_DATA)
            self.receive_camera(camera, msg.Tracks, "tracks", read_tracks, self._on_tracks)
        result = self.inbox.gate("FaceSearchResult", self._on_result, read_result, robot_of_result, RESULTS)
        self.receive(msg.FaceSearchResult, self.mesh_topic("search/result"), result, RELIABLE)

    def _on_info(self, camera: str, info: tuple[CameraModel, str]) -> None:
        model, frame_id = info
        if not model.known:
            self.get_logger().warning(
                f"the CameraInfo of {camera} is empty: calibrate the camera, or no person can be placed",
                throttle_duration_sec=60.0,
            )
            return
        self._models[camera], self._frames[camera] = model, frame_id

    def _locate(self, camera: str, box) -> PersonPosition | None:
        model, person = self._models.get(camera), self.settings.markers
        if model is None:
            return None
        return locate_person(np.asarray(box), model, person.person_height_m, person.person_height_sd_m)

    def _on_tracks(self, found: tuple[Frame, tuple[Track, ...], str]) -> None:
        frame, tracks, _ = found
        camera = frame.camera_id
        if camera not in self._models:
            topic = self.given_topic("markers.camera_info", camera)
            self.get_logger().info(
                f"no CameraInfo of {camera} on {topic}: its people are not placed", throttle_duration_sec=60.0
            )
            return
        if not self.active or not self._outputs[camera].get_subscription_count():
            return
        header = make_header(frame.stamp_ns, self._frames[camera] or frame.frame_id)
        shown = []
        for track in tracks:
            position = self._locate(camera, track.bbox) if track.state != TrackState.IDLE else None
            if position is not None:
                name, colour = track.track_id, track.person_id or track.track_id
                height_m, seen = self.settings.markers.person_height_m, track.state == TrackState.TRACKING
                text = self._text(track.person_id or "new", position)
                shown += body_markers(header, camera, name, colour, text, position, height_m, seen)
        names = {(marker.ns, marker.id) for marker in shown}
        left = [gone(marker) for marker in self._shown[camera] if (marker.ns, marker.id) not in names]
        self._shown[camera] = shown
        if shown or left:
            self._outputs[camera].publish(MarkerArray(markers=left + shown))

    def _text(self, name: str, position: PersonPosition) -> str:
        text = f"{name}\n{position.distance_m:.1f} ± {position.distance_sd_m:.1f} m{', cut' if position.cut else ''}"
        return f"{text}\nmatch {self._matches[name]:.2f}" if name in self._matches else text

    def _on_result(self, result: tuple[str, tuple[Match, ...]]) -> None:
        """Mark the matches of the last search: at their current track, and where this robot's cameras saw them."""
        left: dict[str, list[Marker]] = {camera: [] for camera in self.cameras}
        search_id, matches = result
        if search_id != self._search_id:
            self._search_id, self._matches = search_id, {}
            left = {camera: [gone(marker) for marker in markers] for camera, markers in self._found.items()}
            self._found = {camera: [] for camera in self.cameras}
        for match in matches:
            if match.different_person:
                continue
            self._matches[match.person_id] = max(match.similarity, self._matches.get(match.person_id, 0.0))
            if match.robot_id == self.robot_id and match.camera_id in self._found:
                self._found[match.camera_id] += self._match(match)
        for camera, publisher in self._outputs.items():
            if left[camera] or self._found[camera]:
                publisher.publish(MarkerArray(markers=left[camera] + self._found[camera]))

    def _match(self, match: Match) -> list[Marker]:
        position = self._locate(match.camera_id, match.bbox)
        if position is None:
            return []
        # With the sighting's stamp: tf places it where the robot was then, or, beyond tf's memory, not at all.
        header = Header(stamp=to_time(match.stamp_ns), frame_id=self._frames[match.camera_id])
        clock = datetime.fromtimestamp(match.stamp_ns / 1e9, timezone.utc).strftime("%H:%M:%S")
        name, text = f"{match.track_id} {match.stamp_ns}", f"{match.person_id} {match.similarity:.2f}\n{clock} UTC"
        return match_markers(header, match.camera_id, name, match.person_id, text, position)

    def deactivate(self) -> None:
        """Delete the markers."""
        for camera, publisher in self._outputs.items():
            shown = self._shown[camera] + self._found[camera]
            publisher.publish(MarkerArray(markers=[gone(marker) for marker in shown]))
            self._shown[camera], self._found[camera] = [], []

    def close(self) -> None:
        """Delete the markers."""
        self.deactivate()


def _of(topic: str, _: CameraInfo) -> str:
    return topic


def _camera_of(info: CameraInfo) -> tuple[CameraModel, str]:
    """The camera's intrinsics, and its coordinate frame.

    :raises InvalidInput: the distortion is of no model of OpenCV's, or a number is not finite.
    """
    if len(info.d) not in _DISTORTIONS:
        raise InvalidInput(f"it has {len(info.d)} distortion coefficients", "count")
    matrix, distortion = np.array(info.k, np.float64).reshape(3, 3), np.array(info.d, np.float64)
    if not np.isfinite([*info.k, *info.d]).all():
        raise InvalidInput("a number in it is not finite", "number")
    return CameraModel(matrix, distortion, info.width, info.height, info.distortion_model), frame_name(info.header)


def main() -> None:
    """Run the node in a process of its own."""
    run_node(MarkersNode)
