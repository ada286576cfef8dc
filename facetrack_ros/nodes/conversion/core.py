"""Values to messages and back. No topic, no node, no decision."""

import array

import numpy as np
from builtin_interfaces.msg import Duration, Time
from geometry_msgs.msg import Point, Pose, Quaternion
from sensor_msgs.msg import CompressedImage
from std_msgs.msg import Header

from facetrack_ros import msg, srv
from facetrack_ros.core.detections import Detections
from facetrack_ros.core.event import FACE_MATCHED, PERSON_IN, PERSON_OUT, PersonEvent
from facetrack_ros.core.face import Face
from facetrack_ros.core.frame import Frame
from facetrack_ros.core.pose import RobotPose
from facetrack_ros.core.track import Track, TrackState
from facetrack_ros.history.status import HistoryStatus
from facetrack_ros.search.camera_coverage import CameraCoverage
from facetrack_ros.search.request import SearchRequest
from facetrack_ros.search.response import ANSWERED, Match, RobotResponse, SearchResponse

SECOND_NS = 1_000_000_000


def to_time(stamp_ns: int) -> Time:
    """Nanoseconds since the epoch as a ROS time."""
    return Time(sec=stamp_ns // SECOND_NS, nanosec=stamp_ns % SECOND_NS)


def to_duration(span_ns: int) -> Duration:
    """Nanoseconds as a ROS duration."""
    return Duration(sec=span_ns // SECOND_NS, nanosec=span_ns % SECOND_NS)


def to_ns(time: Time | Duration) -> int:
    """A ROS time or duration in nanoseconds."""
    return time.sec * SECOND_NS + time.nanosec


def header(stamp_ns: int, frame_id: str) -> Header:
    """A header of that stamp and coordinate frame."""
    return Header(stamp=to_time(stamp_ns), frame_id=frame_id)


def frame_of(message: msg.Detections | msg.Faces | msg.Tracks) -> Frame:
    """The frame that something was derived from, without its picture."""
    return Frame(message.camera_id, to_ns(message.header.stamp), message.frame_number, b"", message.header.frame_id)


def frame_header(frame: Frame) -> Header:
    """The header of everything derived from a frame; a camera of ours names its coordinate frame after itself."""
    return header(frame.stamp_ns, frame.frame_id or frame.camera_id)


def floats(values: np.ndarray) -> array.array:
    """Numbers as a message's ``float32[]`` takes them without looking at each."""
    return array.array("f", np.ascontiguousarray(values, np.float32).tobytes())


def _bytes(data: bytes) -> array.array:
    # An array.array is assigned as it is; bytes would be checked element by element.
    return array.array("B", data)


def frame_from_message(message: CompressedImage, camera_id: str, number: int) -> Frame:
    """A camera's JPEG, as it came."""
    return Frame(camera_id, to_ns(message.header.stamp), number, bytes(message.data), message.header.frame_id)


def frame_to_message(frame: Frame) -> CompressedImage:
    """A frame as the wire carries it."""
    format = "png" if frame.jpeg.startswith(b"\x89PNG") else "jpeg"  # the history may have stored it so
    return CompressedImage(header=frame_header(frame), format=format, data=_bytes(frame.jpeg))


def detections_to_message(frame: Frame, detections: Detections) -> msg.Detections:
    """Persons of a frame."""
    looks = [None] * len(detections) if detections.appearance is None else detections.appearance
    return msg.Detections(
        header=frame_header(frame),
        camera_id=frame.camera_id,
        frame_number=frame.number,
        model_id=detections.model_id,
        detections=[
            msg.Detection(bbox=box, confidence=float(score), appearance=floats(() if look is None else look))
            for box, score, look in zip(detections.boxes.astype(np.float32), detections.scores, looks)
        ],
        faint=floats(() if detections.faint is None else detections.faint.ravel()),
    )


def detections_from_message(message: msg.Detections) -> Detections:
    """Persons of a frame; appearance counts only where all of them have one of the same length."""
    looks = [np.array(detection.appearance, np.float32) for detection in message.detections]
    lengths = {len(look) for look in looks}
    return Detections(
        np.array([detection.bbox for detection in message.detections], np.float32).reshape(-1, 4),
        np.array([detection.confidence for detection in message.detections], np.float32),
        message.model_id,
        appearance=np.stack(looks) if len(lengths) == 1 and lengths != {0} else None,
        faint=np.array(message.faint, np.float32).reshape(-1, 4)
        if message.faint and len(message.faint) % 4 == 0
        else None,
    )


def passed_over(message: msg.Detections) -> bool:
    """Whether the detector did not look at the frame: people are where they should be by now, and that nobody was found says
    nothing."""
    return not message.model_id and not message.detections


def face_to_message(face: Face) -> msg.Face:
    """One face."""
    return msg.Face(
        bbox=np.asarray(face.bbox, np.float32),
        landmarks=np.asarray(face.landmarks, np.float32).reshape(10),
        confidence=float(face.score),
        quality=float(face.quality),
        rejected=face.rejected,
        person=int(face.person),
        embedding=array.array("f") if face.embedding is None else floats(face.embedding),
    )


def face_from_message(message: msg.Face) -> Face:
    """One face."""
    embedding = np.array(message.embedding, np.float32) if len(message.embedding) else None
    return Face(
        np.array(message.bbox, np.float32),
        np.array(message.landmarks, np.float32).reshape(5, 2),
        message.confidence,
        message.quality,
        message.rejected,
        message.person,
        embedding,
    )


def faces_to_message(frame: Frame, model_id: str, faces: tuple[Face, ...]) -> msg.Faces:
    """Faces of a frame."""
    return msg.Faces(
        header=frame_header(frame),
        camera_id=frame.camera_id,
        frame_number=frame.number,
        model_id=model_id,
        faces=[face_to_message(face) for face in faces],
    )


def faces_from_message(message: msg.Faces) -> tuple[Face, ...]:
    """Faces of a frame."""
    return tuple(face_from_message(face) for face in message.faces)


def tracks_to_message(frame: Frame, model_id: str, tracks: tuple[Track, ...]) -> msg.Tracks:
    """Everybody followed in one camera, as of one frame."""
    return msg.Tracks(
        header=frame_header(frame),
        camera_id=frame.camera_id,
        frame_number=frame.number,
        model_id=model_id,
        tracks=[
            msg.Track(
                track_id=track.track_id,
                person_id=track.person_id,
                state=int(track.state),
                bbox=np.asarray(track.bbox, np.float32),
                confidence=float(track.confidence),
                face=[] if track.face is None else [face_to_message(track.face)],
            )
            for track in tracks
        ],
    )


def tracks_from_message(message: msg.Tracks) -> tuple[Track, ...]:
    """Everybody followed in one camera, as of one frame."""
    return tuple(
        Track(
            track.track_id,
            track.person_id,
            TrackState(track.state),
            np.array(track.bbox, np.float32),
            track.confidence,
            face_from_message(track.face[0]) if track.face else None,
        )
        for track in message.tracks
    )


def event_to_message(event: PersonEvent, frame_id: str) -> msg.PersonEvent:
    """What happened to a person; ``frame_id`` is the camera's coordinate frame."""
    box = event.bbox if event.event == PERSON_IN else event.last_bbox
    return msg.PersonEvent(
        header=header(event.stamp_ns, frame_id or event.camera_id),
        event=event.event,
        robot_id=event.robot_id,
        camera_id=event.camera_id,
        person_id=event.person_id,
        frame_number=event.frame_number,
        bbox=np.array(box if box is not None else (0, 0, 0, 0), np.float32),
        confidence=event.confidence or 0.0,
        last_seen=to_time(event.last_seen_ns or 0),
        duration=to_duration(event.duration_ns or 0),
        reference_face_id=event.reference_face_id or "",
        similarity=event.similarity or 0.0,
        search_id=event.search_id or "",
        reference_name=event.reference_name or "",
        watch=event.watch,
    )


def event_from_message(message: msg.PersonEvent) -> PersonEvent:
    """What happened to a person; the fields that its kind has not stay None."""
    fields = {}
    box = tuple(float(value) for value in message.bbox)
    if message.event == PERSON_IN:
        fields = {"bbox": box, "confidence": message.confidence}
    elif message.event == PERSON_OUT:
        fields = {"last_seen_ns": to_ns(message.last_seen), "duration_ns": to_ns(message.duration), "last_bbox": box}
    elif message.event == FACE_MATCHED:
        fields = {
            "reference_face_id": message.reference_face_id,
            "similarity": message.similarity,
            "search_id": message.search_id or None,
            "reference_name": message.reference_name or None,
            "watch": message.watch,
        }
    return PersonEvent(
        message.event,
        to_ns(message.header.stamp),
        message.robot_id,
        message.camera_id,
        message.person_id,
        message.frame_number,
        **fields,
    )


def question_to_message(question: SearchRequest) -> msg.FaceSearchRequest:
    """A search as it crosses the mesh."""
    return msg.FaceSearchRequest(
        search_id=question.search_id,
        asker=question.requester,
        model_id=question.model_id,
        embedding=floats(question.embedding),
        time=to_time(question.time_ns),
        window=to_duration(question.window_ns),
        robots=list(question.robots),
        cameras=list(question.cameras),
        threshold=question.threshold,
        max_results=question.max_results,
        timeout=to_duration(question.timeout_ns),
        rescan=question.rescan,
        face_crop=_bytes(question.face_crop),
        reference=question.reference,
    )


def question_from_message(message: msg.FaceSearchRequest) -> SearchRequest:
    """A search as it crosses the mesh."""
    return SearchRequest(
        message.search_id,
        np.array(message.embedding, np.float32),
        message.model_id,
        to_ns(message.time),
        to_ns(message.window),
        tuple(message.robots),
        tuple(message.cameras),
        message.threshold,
        message.max_results,
        to_ns(message.timeout),
        message.rescan,
        bytes(message.face_crop),
        message.asker,
        message.reference,
    )


def match_to_message(match: Match) -> msg.FaceMatch:
    """One match."""
    return msg.FaceMatch(
        robot_id=match.robot_id,
        camera_id=match.camera_id,
        person_id=match.person_id,
        track_id=match.track_id,
        frame_number=match.frame_number,
        stamp=to_time(match.stamp_ns),
        first_stamp=to_time(match.first_ns),
        last_stamp=to_time(match.last_ns),
        bbox=np.asarray(match.bbox, np.float32),
        face_bbox=np.asarray(match.face_bbox, np.float32),
        similarity=match.similarity,
        quality=match.quality,
        thumbnail=_bytes(match.thumbnail),
        rescanned=match.rescanned,
        **_pose_fields(match.pose),
    )


def match_from_message(message: msg.FaceMatch) -> Match:
    """One match."""
    return Match(
        message.robot_id,
        message.camera_id,
        message.person_id,
        message.track_id,
        message.frame_number,
        to_ns(message.stamp),
        to_ns(message.first_stamp),
        to_ns(message.last_stamp),
        np.array(message.bbox, np.float32),
        np.array(message.face_bbox, np.float32),
        message.similarity,
        message.quality,
        bytes(message.thumbnail),
        message.rescanned,
        _pose_from_fields(message),
    )


def _pose_fields(pose: RobotPose | None) -> dict:
    if pose is None:
        return {"has_pose": False}
    return {
        "has_pose": True,
        "pose_header": Header(stamp=to_time(pose.stamp_ns), frame_id=pose.frame_id),
        "pose": Pose(
            position=Point(**dict(zip("xyz", pose.position))),
            orientation=Quaternion(**dict(zip("xyzw", pose.orientation))),
        ),
    }


def _pose_from_fields(message: msg.FaceMatch) -> RobotPose | None:
    if not message.has_pose:
        return None
    position, orientation = message.pose.position, message.pose.orientation
    return RobotPose(
        message.pose_header.frame_id,
        to_ns(message.pose_header.stamp),
        (position.x, position.y, position.z),
        (orientation.x, orientation.y, orientation.z, orientation.w),
    )


def robot_answer_to_message(answer: RobotResponse) -> msg.RobotAnswer:
    """How one robot did."""
    return msg.RobotAnswer(
        robot_id=answer.robot_id,
        status=answer.status,
        matches=answer.matches,
        sightings=answer.sightings,
        elapsed_ms=answer.elapsed_ms,
        error=answer.error,
        note=answer.note,
        rescanned=answer.rescanned,
        not_rescanned=answer.not_rescanned,
        model_id=answer.model_id,
        threshold=answer.threshold,
        expected_false_matches=answer.expected_false_matches,
        looking=[
            msg.CameraSpan(camera_id=camera, start=to_time(start), end=to_time(end))
            for camera, start, end in answer.coverage
        ],
    )


def robot_answer_from_message(message: msg.RobotAnswer) -> RobotResponse:
    """How one robot did."""
    return RobotResponse(
        message.robot_id,
        message.status,
        message.matches,
        message.sightings,
        message.elapsed_ms,
        message.error,
        message.note,
        message.rescanned,
        message.not_rescanned,
        message.model_id,
        message.threshold,
        message.expected_false_matches,
        tuple((span.camera_id, to_ns(span.start), to_ns(span.end)) for span in message.looking),
    )


def status_to_message(
    status: HistoryStatus,
    stamp: Time,
    instance_id: str,
    leaving: bool,
    models: tuple[str, str],
    behind_ns: dict[str, int | None],
) -> msg.HistoryStatus:
    """A robot's line in the roster.

    :param models: ids of person and face detector.
    :param behind_ns: how far each camera's clock is behind the robot's, where that is known.
    """
    return msg.HistoryStatus(
        stamp=stamp,
        robot_id=status.robot_id,
        instance_id=instance_id,
        leaving=leaving,
        model_id=status.model_id,
        person_model_id=models[0],
        face_model_id=models[1],
        sightings=status.sightings,
        disk_bytes=status.disk_bytes,
        cameras=[
            msg.CameraStatus(
                camera_id=camera.camera_id,
                frames=camera.frames,
                sightings=camera.sightings,
                oldest=to_time(camera.oldest_ns or 0),
                newest=to_time(camera.newest_ns or 0),
                clock_behind_s=_seconds(behind_ns.get(camera.camera_id)),
            )
            for camera in status.cameras
        ],
    )


def _seconds(span_ns: int | None) -> float:
    return float("nan") if span_ns is None else span_ns / 1e9


def lanes_from_message(message: msg.HistoryStatus) -> list[CameraCoverage]:
    """A robot's cameras, and the time each holds."""
    return [
        CameraCoverage(
            message.robot_id,
            camera.camera_id,
            ((to_ns(camera.oldest), to_ns(camera.newest)),) if to_ns(camera.newest) else (),
        )
        for camera in message.cameras
    ]


def fill_response(response: srv.FaceSearch.Response, answer: SearchResponse) -> None:
    """Put a merged answer into a service's response."""
    silent = [robot.robot_id for robot in answer.robots if robot.status != ANSWERED]
    response.success = True
    response.message = "" if answer.complete else f"incomplete: no answer from {', '.join(silent)}"
    response.search_id, response.model_id, response.threshold = answer.search_id, answer.model_id, answer.threshold
    response.expected_false_matches = answer.expected_false_matches
    response.matches = [match_to_message(match) for match in answer.matches]
    response.robots = [robot_answer_to_message(robot) for robot in answer.robots]


def answer_from_response(response: srv.FaceSearch.Response) -> SearchResponse:
    """The merged answer in a service's response."""
    return SearchResponse(
        response.search_id,
        response.model_id,
        response.threshold,
        response.expected_false_matches,
        tuple(match_from_message(match) for match in response.matches),
        tuple(robot_answer_from_message(robot) for robot in response.robots),
    )
