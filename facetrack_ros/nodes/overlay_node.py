"""Overlay node: frames with boxes, ids and the last search's best matches drawn on them."""

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timezone

import numpy as np
from rclpy.subscription import Subscription
from sensor_msgs.msg import CompressedImage

from facetrack_ros import msg
from facetrack_ros.clips.overlay import MATCHES_SHOWN, draw_overlay
from facetrack_ros.concurrency.worker import LatestPerCamera, Worker
from facetrack_ros.core.frame import Frame, encode_jpeg
from facetrack_ros.core.pictures.erasure import PersonRegion, with_regions
from facetrack_ros.core.track import Track
from facetrack_ros.errors import FrameError
from facetrack_ros.nodes.base.bounds import RESULTS
from facetrack_ros.nodes.base.one_process import require_one_process
from facetrack_ros.nodes.base.process import run_node
from facetrack_ros.nodes.base.qos import SEARCH_RESULT_SUB, SENSOR_DATA
from facetrack_ros.nodes.base.robot_member_node import RobotMemberNode
from facetrack_ros.nodes.base.timers import steady_timer
from facetrack_ros.nodes.conversion.search import read_result, robot_of_result
from facetrack_ros.nodes.conversion.vision import frame_to_message, read_tracks
from facetrack_ros.nodes.health.publisher import Diagnostics
from facetrack_ros.nodes.health.stage_health import StageHealth
from facetrack_ros.nodes.health.status import OK, STALE, Diagnosis
from facetrack_ros.nodes.inputs.image_buffer import ImageBuffer
from facetrack_ros.nodes.inputs.images import ImageInput
from facetrack_ros.nodes.inputs.rotation import follow_rotations
from facetrack_ros.search.latest_matches import LatestMatches
from facetrack_ros.search.response import Match
from facetrack_ros.tracking.factory import enrolled_only

# How often the number of subscribers is checked.
CHECK_S = 1.0


class OverlayNode(RobotMemberNode):
    """Draws while the overlay is subscribed, from :data:`CHECK_S` after it is; else it subscribes nothing itself.

    :ivar viewers: receive the name of a camera and its overlay, ``(height, width, 3)`` uint8 BGR, without delay: while
        there are any, every camera is drawn.
    :param subscribe: whether frames and tracks come over topics, rather than through :meth:`on_tracks`.
    """

    NAME = "overlay"
    USES = ("mesh", "camera.", "recognition.")
    OWN = ("cameras",)
    WHILE_INACTIVE = "nothing is drawn"

    def __init__(self, subscribe: bool = True, **member):
        super().__init__(**member)
        self._outputs = self.camera_publishers(CompressedImage, "overlay/compressed", SENSOR_DATA)
        self.viewers: list[Callable[[str, np.ndarray], object]] = []
        self._waiting = ImageBuffer(self.cameras)
        self._last_search = LatestMatches(MATCHES_SHOWN)
        self._worker = Worker("overlay", LatestPerCamera(), self._draw)
        self._results: Subscription | None = None
        self._subscribe = subscribe
        self._rotations = follow_rotations(self)
        self._images: dict[str, ImageInput] = {}
        self._tracks: dict[str, Subscription] = {}
        steady_timer(self, CHECK_S, self._update_subscriptions)
        self._health = StageHealth(self, self.cameras, "overlay", "drawing", self._problem)
        self._diagnostics = Diagnostics(self, self.robot_id, self._report)

    def _problem(self, camera_id: str) -> str:
        images = self._images.get(camera_id)
        return images.problem(camera_id) if images is not None else ""

    def _watched(self, camera_id: str) -> bool:
        return bool(self.viewers) or self._subscribed(camera_id)

    def _subscribed(self, camera_id: str) -> bool:
        return bool(self._outputs[camera_id].get_subscription_count())

    def _report(self) -> list[Diagnosis]:
        idle = (OK, "not subscribed, so nothing is drawn")
        if not self.active:
            idle = (STALE, f"is {self.state}: {self.WHILE_INACTIVE}")
        return [
            self._health.report_camera(camera)
            if self.active and self._watched(camera)
            else Diagnosis(f"{camera} overlay", *idle)
            for camera in self.cameras
        ]

    def on_tracks(self, frame: Frame, tracks: tuple[Track, ...]) -> None:
        """Draw a frame with its tracks."""
        if self.active and self._watched(frame.camera_id):
            self._health.arrived(frame)
            self._worker.put(frame.camera_id, (frame, tracks))

    def _on_tracks_message(self, found: tuple[Frame, tuple[Track, ...], str]) -> None:
        tracked, tracks, _ = found
        frame = self._waiting.take(tracked.camera_id, tracked.stamp_ns)
        if frame is not None:
            self.on_tracks(replace(frame, number=tracked.number), tracks)

    def _update_subscriptions(self) -> None:
        """Subscribe search results while any overlay is subscribed, else each result of a fleet would go to all robots;
        and a camera's images, if they come over topics, while its overlay is."""
        watched = [camera for camera in self.cameras if self._watched(camera)]
        if self._subscribe:
            self._subscribe_cameras(watched)
        if watched and self._results is None:
            gate = self.inbox.gate("FaceSearchResult", self._on_result, read_result, robot_of_result, RESULTS)
            self._results = self.receive(
                msg.FaceSearchResult, self.mesh_topic("search/result"), gate, SEARCH_RESULT_SUB
            )
        elif not watched and self._results is not None:
            self.destroy_subscription(self._results)
            self._results = None

    def _subscribe_cameras(self, watched: list[str]) -> None:
        for camera in set(watched).difference(self._images):
            self._images[camera] = ImageInput(self, (camera,), self.settings, self._waiting.keep, self._rotations)
            self._tracks[camera] = self.receive_camera(
                camera, msg.Tracks, "tracks", read_tracks, self._on_tracks_message
            )
        for camera in set(self._images).difference(watched):
            self._images.pop(camera).leave()
            self.destroy_subscription(self._tracks.pop(camera))

    def _on_result(self, found: tuple[str, tuple[Match, ...]]) -> None:
        self._last_search.add(*found)

    def _draw(self, work: tuple[Frame, tuple[Track, ...]]) -> None:
        frame, tracks = work
        began = time.perf_counter()
        try:
            matches = [(_match_line(match), match.person_id) for match in self._last_search.matches]
            source = f"{self.robot_id}/{frame.camera_id}"
            frame = self._without_others(frame, tracks)
            picture = draw_overlay(frame.image, tracks, frame.stamp_ns, source, matches)
        except FrameError as error:
            self._health.failed(frame.camera_id, str(error), frame.stamp_ns)
            self.get_logger().warning(str(error), throttle_duration_sec=60.0)
            return
        for viewer in tuple(self.viewers):
            viewer(frame.camera_id, picture)
        if self._subscribed(frame.camera_id):
            jpeg = encode_jpeg(picture, self.settings.camera.jpeg_quality)
            self._outputs[frame.camera_id].publish(frame_to_message(replace(frame, jpeg=jpeg)))
        self._health.finished(frame, time.perf_counter() - began)

    def _without_others(self, frame: Frame, tracks: tuple[Track, ...]) -> Frame:
        """The frame, of which only enrolled people remain where only they are kept."""
        if not enrolled_only(self.settings):
            return frame
        kept = [PersonRegion.of_track(track) for track in tracks if track.kept]
        others = [PersonRegion.of_track(track) for track in tracks if not track.kept]
        return with_regions(frame, kept, others, background=False)

    def activate(self) -> None:
        """
        :raises ConfigError: it draws what other processes send, and only enrolled people are kept.
        """
        require_one_process(self.settings, self._subscribe)

    def deactivate(self) -> None:
        """Finish pending frames."""
        self._worker.drain()

    def close(self) -> None:
        """Stop drawing."""
        self._diagnostics.close()
        for images in self._images.values():
            images.close()
        self._worker.close()


def _match_line(match: Match) -> str:
    """Similarity, camera, UTC time of day and person of a match."""
    clock = datetime.fromtimestamp(match.stamp_ns / 1e9, timezone.utc).strftime("%H:%M:%S")
    return f"{match.similarity:.2f}  {match.robot_id}/{match.camera_id}  {clock}  {match.person_id}"


def main() -> None:
    """Run the node in a process of its own."""
    run_node(OverlayNode)
