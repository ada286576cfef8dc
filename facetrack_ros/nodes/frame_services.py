"""What others may ask of a robot's frames: to keep them, to hand them out."""

from typing import Callable

from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from std_msgs.msg import String

from facetrack_ros import srv
from facetrack_ros.errors import FacetrackError
from facetrack_ros.history.robot_history import RobotHistory
from facetrack_ros.nodes import conversion
from facetrack_ros.nodes.member import RELIABLE, RobotMember

MOST_BYTES, USUAL_BYTES = 64_000_000, 4_000_000
TOLERANCE_NS = 50_000_000


class FrameServices:
    """The topic ``alert`` and the service ``get_frames`` of a history node.

    :param history: the robot's history, None while there is none yet.
    :param on_alert: whether the topic counts.
    """

    def __init__(self, node: RobotMember, history: "Callable[[], RobotHistory | None]", on_alert: bool):
        self._node = node
        self._history = history
        # A thread of their own: reading from a slow disk holds up neither frames nor the roster.
        group = MutuallyExclusiveCallbackGroup()
        if on_alert:
            node.create_subscription(String, node.robot_topic("alert"), self._on_alert, RELIABLE)
        node.create_service(srv.GetFrames, node.robot_topic("get_frames"), self._get_frames, callback_group=group)

    def _on_alert(self, message: String) -> None:
        history = self._history()
        newest = history.newest_ns if history is not None else None
        if newest is None:
            self._node.get_logger().warning(f"alert \"{message.data}\": there are no frames yet to keep")
            return
        history.alert(newest)
        self._node.get_logger().info(f"alert \"{message.data}\": the frames around it are kept")

    def _get_frames(self, request: srv.GetFrames.Request, response: srv.GetFrames.Response) -> srv.GetFrames.Response:
        history = self._history()
        if history is None:
            response.message = "there is no history yet: it opens with the first faces"
            return response
        start, end = conversion.to_ns(request.start), conversion.to_ns(request.end)
        room = min(request.max_bytes or USUAL_BYTES, MOST_BYTES)
        try:
            if not end:
                found = history.find_frame(request.camera_id, start, conversion.to_ns(request.tolerance) or TOLERANCE_NS)
                frames = iter(() if found is None else (found,))
            else:
                frames = history.frames_between(request.camera_id, start, end)
            for frame in frames:
                # One frame always fits, so that asking again gets on.
                full = response.frames and len(frame.jpeg) > room
                if full or request.max_frames and len(response.frames) >= request.max_frames:
                    response.more = True
                    break
                room -= len(frame.jpeg)
                response.frames.append(conversion.frame_to_message(frame))
                response.frame_numbers.append(frame.number)
        except FacetrackError as error:
            response.message = str(error)
            return response
        response.success = bool(response.frames)
        if not response.frames:
            response.message = (f"{history.robot_id} holds no frame of {request.camera_id} then; its cameras are "
                                f"{', '.join(sorted(camera.camera_id for camera in history.status().cameras)) or 'not known yet'}")
        return response
