"""Services on a robot's frames: keep them, return them, save them as files."""

import re
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

from rclpy.callback_groups import ReentrantCallbackGroup
from std_msgs.msg import String

from facetrack_ros import srv
from facetrack_ros.clips.folder import ClipFolder, ClipLimits
from facetrack_ros.clips.selection import choose_clip, ids_that_stay
from facetrack_ros.clips.sources import LiveSource
from facetrack_ros.concurrency.open_calls import OpenCalls
from facetrack_ros.concurrency.worker import FifoMailbox, Worker, run_calls
from facetrack_ros.core.frame import Frame
from facetrack_ros.core.printable import printable
from facetrack_ros.errors import BusyError, RequestError
from facetrack_ros.history.audit.audit_log import CLIP, FRAMES
from facetrack_ros.history.robot_history import RobotHistory
from facetrack_ros.nodes.base.bounds import ALERTS
from facetrack_ros.nodes.base.qos import RELIABLE
from facetrack_ros.nodes.base.robot_member_node import RobotMemberNode
from facetrack_ros.nodes.base.timers import steady_timer
from facetrack_ros.nodes.conversion.requests import check_clip, check_frames
from facetrack_ros.nodes.conversion.time import to_ns
from facetrack_ros.nodes.conversion.vision import frame_to_message
from facetrack_ros.nodes.fleet.audit_writer import AuditWriter

# Limits of one response of ``get_frames``, bytes: the most, and the default.
MOST_BYTES, DEFAULT_BYTES = 64_000_000, 4_000_000
# Calls that wait or are under way at once. Chosen by hand.
MOST_CALLS = 32
# How often clips beyond their age are deleted.
DELETE_S = 60.0
# Default tolerance of a single stamp: half a frame at 10 Hz.
TOLERANCE_NS = 50_000_000
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]*")
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


class FrameServices:
    """The topic ``alert`` and the services ``get_frames`` and ``save_clip`` of a history node.

    A worker of its own reads and encodes, so that a slow disk delays neither frames nor heartbeats.

    Each call that hands something out is logged. Calls beyond :data:`MOST_CALLS` are refused at once.

    :param history: the robot's history, None until it is open.
    :param audit: takes a record of each call.
    :param not_yet: why calls have to wait, a sentence; empty: they need not.
    """

    def __init__(
        self,
        node: RobotMemberNode,
        history: Callable[[], RobotHistory | None],
        audit: AuditWriter,
        not_yet: Callable[[], str] = lambda: "",
    ):
        self._node, self._not_yet = node, not_yet
        self._history = history
        self._clips: ClipFolder | None = None
        self._audit = audit
        self._not_logged = 0
        self._saving = threading.Lock()
        self._calls = OpenCalls(f"the history of {node.robot_id}", MOST_CALLS)
        self._worker = Worker("history frame services", FifoMailbox(), run_calls)
        steady_timer(node, DELETE_S, lambda: self._worker.put("", (self._delete_old_clips,)))
        group = ReentrantCallbackGroup()
        alert = node.inbox.gate("alert", self._on_alert, _text_of, limit=ALERTS)
        node.receive(String, node.robot_topic("alert"), alert, RELIABLE)
        for kind, name, handle, check in (
            (srv.GetFrames, "get_frames", self._get_frames, check_frames),
            (srv.SaveClip, "save_clip", self._save_clip, check_clip),
        ):
            serve = node.inbox.serve(f"{name} call", self._serving(handle), check=check)
            node.create_service(kind, node.robot_topic(name), serve, callback_group=group)

    def close(self) -> None:
        """Finish pending requests."""
        self._worker.close()

    def get_frames(self, request: srv.GetFrames.Request, asker: str) -> srv.GetFrames.Response:
        """What the service answers; on any thread.

        :raises RequestError: there are none.
        """
        return self._call(self._get_frames, request, srv.GetFrames.Response(), asker)

    def save_clip(self, request: srv.SaveClip.Request, asker: str) -> srv.SaveClip.Response:
        """What the service answers; on any thread.

        :raises FacetrackError: it cannot be saved.
        """
        return self._call(self._save_clip, request, srv.SaveClip.Response(), asker)

    def _on_alert(self, text: str) -> None:
        if not self._node.settings.frame_history.save_on_alert:
            return
        history = self._history()
        newest_ns = history.newest_ns if history is not None else None
        if history is None or newest_ns is None:
            self._node.get_logger().warning(f'alert "{text}": there are no frames yet to keep')
            return
        history.alert(newest_ns)
        self._node.get_logger().info(f'alert "{text}": the frames around it are kept')

    def _serving(self, handle: Callable[..., None]) -> Callable:
        async def serve(request: Any, response: Any) -> None:
            with self._calls.one():
                await self._node.run_in(self._worker, self._call, handle, request, response)

        return serve

    def _call(self, handle: Callable[..., None], request: Any, response: Any, asker: str = "") -> Any:
        """Handle a call; its response.

        :param asker: who asks; empty: unknown, as a service is not told.
        """
        self._audit.require_reason(request.operator_name, request.reason)
        if why := self._not_yet():
            raise BusyError(f"{why}: try again in a few seconds")
        history = self._history()
        if history is None:
            raise RequestError("there is no history yet: it opens with the first faces")
        handle(history, request, response, asker)
        return response

    def values(self) -> dict[str, str]:
        """Figures for diagnostics."""
        return {
            "frame calls refused as busy": str(self._calls.refused),
            "frame calls not logged": str(self._not_logged),
        }

    def _log(self, history: RobotHistory, kind: str, request: Any, asker: str, **what: Any) -> None:
        """Record what is handed out; that it cannot be recorded is told, and hinders nothing."""
        said = {**self._audit.who_called(request), "asker": asker}
        if not self._audit.record(kind, {**said, **what}, history.room):
            self._not_logged += 1

    def _get_frames(
        self, history: RobotHistory, request: srv.GetFrames.Request, response: srv.GetFrames.Response, asker: str
    ) -> None:
        start, end = to_ns(request.start), to_ns(request.end)
        room = min(request.max_bytes or DEFAULT_BYTES, MOST_BYTES)
        if end:
            frames = history.frames_between(request.camera_id, start, end)
        else:
            found = history.find_frame(request.camera_id, start, to_ns(request.tolerance) or TOLERANCE_NS)
            frames = iter(() if found is None else (found,))
        taken: list[Frame] = []
        for frame in frames:
            # The first frame is always returned, so that repeated requests make progress.
            if (taken and len(frame.jpeg) > room) or (request.max_frames and len(taken) >= request.max_frames):
                response.more = True
                break
            room -= len(frame.jpeg)
            taken.append(frame)
        if not taken:
            cameras = ", ".join(LiveSource(history).cameras()) or "none yet"
            raise RequestError(
                f"{history.robot_id} holds no frame of {request.camera_id or 'no camera'} then; cameras with "
                f"frames: {cameras}"
            )
        scope = {"from": start / 1e9, "to": (end or start) / 1e9}
        self._log(history, FRAMES, request, asker, camera=request.camera_id, **scope, handed_out=len(taken))
        response.frames = [frame_to_message(frame) for frame in taken]
        response.frame_numbers = [frame.number for frame in taken]
        response.success = True

    def _save_clip(
        self, history: RobotHistory, request: srv.SaveClip.Request, response: srv.SaveClip.Response, asker: str
    ) -> None:
        source, only = LiveSource(history), None
        if request.blur_others:
            only = ids_that_stay(source, history.path, request.track_id)
        start, end, before, after = map(to_ns, (request.start, request.end, request.before, request.after))
        cameras, formats = tuple(request.cameras), tuple(request.formats)
        clip = choose_clip(
            source, cameras, start, end, request.track_id, "", before, after, formats, request.boxes, only
        )
        name = request.name or (_EPOCH + timedelta(microseconds=clip.start_ns // 1000)).strftime("%Y%m%dT%H%M%S.%fZ")
        if not _NAME.fullmatch(name):
            raise RequestError(f"{name!r} cannot name a clip: letters, digits and _ . : - are allowed")
        with self._saving:
            saved, deleted = self._clip_folder(history).save(source, clip, name, history.room)
        scope = {"from": clip.start_ns / 1e9, "to": clip.end_ns / 1e9, "others_erased": only is not None}
        self._log(history, CLIP, request, asker, clip=name, cameras=clip.cameras, **scope, handed_out=saved.frames)
        response.folder, response.files, response.frames = str(saved.folder), list(saved.files), saved.frames
        notes = [f"{saved.skipped} frames do not decode"] if saved.skipped else []
        if saved.unknown:
            notes.append(f"{saved.unknown} frames are erased as a whole: they were not analysed for people")
        if deleted:
            notes.append(
                f"{len(deleted)} older clips were deleted (clips.max_count, clips.max_mb): {', '.join(deleted)}"
            )
        response.message = "; ".join(notes)
        response.success = True

    def _clip_folder(self, history: RobotHistory) -> ClipFolder:
        if self._clips is None or self._clips.path.parent != history.path:
            self._clips = ClipFolder(history.path / "clips", ClipLimits.of_config(self._node.settings))
        return self._clips

    def _delete_old_clips(self) -> None:
        history = self._history()
        if history is not None:
            with self._saving:
                self._clip_folder(history).delete_older(time.time_ns())


def _text_of(message: String) -> str:
    """Why frames are to be kept, printable."""
    return printable(message.data, 200)
