"""What a robot does with requests for its frames."""

import base64
from typing import Any

from facetrack_ros import srv
from facetrack_ros.core import validation
from facetrack_ros.core.fleet.fleet_request import FleetRequest, field_of, list_of
from facetrack_ros.core.fleet.kinds import CLIP, FRAMES
from facetrack_ros.msg import FleetEnvelope
from facetrack_ros.nodes.conversion.fields import MOST_NAMES
from facetrack_ros.nodes.conversion.requests import MOST_FORMATS, check_clip, check_frames
from facetrack_ros.nodes.conversion.time import to_duration, to_ns, to_time
from facetrack_ros.nodes.fleet.frame_services import FrameServices
from facetrack_ros.nodes.fleet.requests.request_server import FleetRequestServer

# Bytes of pictures in one answer: more is asked for again. Chosen by hand.
_MOST_BYTES, _MOST_NUMBER = 16_000_000, 2**32 - 1


class FrameRequests:
    """Hands out frames and saves clips, as the services ``get_frames`` and ``save_clip`` do.

    :param services: of the history node.
    """

    def __init__(self, server: FleetRequestServer, services: FrameServices):
        self._services = services
        server.register(FRAMES, self._frames, slow=True)
        server.register(CLIP, self._clip, slow=True)

    def _frames(self, request: FleetRequest) -> dict[str, Any]:
        values = request.values
        call = srv.GetFrames.Request(
            camera_id=field_of(values, "camera_id", str),
            start=_time_of(values, "start_ns"),
            end=_time_of(values, "end_ns"),
            tolerance=_span_of(values, "tolerance_ns"),
            max_frames=validation.count(field_of(values, "max_frames", int, 0), "max_frames", _MOST_NUMBER),
            max_bytes=validation.count(field_of(values, "max_bytes", int, 0), "max_bytes", _MOST_BYTES),
            operator_name=request.operator,
            reason=request.reason,
            envelope=FleetEnvelope(signer=request.signer),
        )
        check_frames(call)
        response = self._services.get_frames(call, request.operator)
        frames = [
            {
                "stamp_ns": to_ns(frame.header.stamp),
                "number": number,
                "frame_id": frame.header.frame_id,
                "data": base64.b64encode(frame.data).decode(),
            }
            for frame, number in zip(response.frames, response.frame_numbers)
        ]
        return {"frames": frames, "more": response.more}

    def _clip(self, request: FleetRequest) -> dict[str, Any]:
        values = request.values
        call = srv.SaveClip.Request(
            start=_time_of(values, "start_ns"),
            end=_time_of(values, "end_ns"),
            track_id=field_of(values, "track_id", str, ""),
            before=_span_of(values, "before_ns"),
            after=_span_of(values, "after_ns"),
            cameras=list_of(values, "cameras", str, MOST_NAMES),
            formats=list_of(values, "formats", str, MOST_FORMATS),
            boxes=field_of(values, "boxes", bool, False),
            name=field_of(values, "name", str, ""),
            blur_others=field_of(values, "blur_others", bool, False),
            operator_name=request.operator,
            reason=request.reason,
            envelope=FleetEnvelope(signer=request.signer),
        )
        check_clip(call)
        saved = self._services.save_clip(call, request.operator)
        return {"folder": saved.folder, "files": list(saved.files), "frames": saved.frames, "note": saved.message}


def _time_of(values: dict[str, Any], name: str) -> Any:
    return to_time(validation.stamp(field_of(values, name, int, 0), name))


def _span_of(values: dict[str, Any], name: str) -> Any:
    return to_duration(validation.span(field_of(values, name, int, 0), name))
