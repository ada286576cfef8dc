"""Heartbeats to messages and back."""

import re
from dataclasses import dataclass
from typing import Any

from builtin_interfaces.msg import Time

from facetrack_ros import msg
from facetrack_ros.core import validation
from facetrack_ros.core.printable import printable
from facetrack_ros.errors import InvalidInput
from facetrack_ros.history.audit.hash_chain import ChainHead
from facetrack_ros.history.keeping_rules import KeepingRules
from facetrack_ros.history.status import HistoryStatus
from facetrack_ros.nodes.conversion.fields import MOST_CAMERAS, MOST_COUNT, MOST_MODELS, clean
from facetrack_ros.nodes.conversion.time import stamp_of, to_ns, to_time
from facetrack_ros.search.camera_coverage import CameraCoverage
from facetrack_ros.search.fleet_roster import MOST_ROBOTS, KnownRobot

# Most characters of a robot's rules: two texts of 200 and some numbers.
_MOST_RULES = 2000
#: Warnings of one heartbeat, and characters of each. Chosen by hand.
MOST_WARNINGS, _LONGEST_WARNING = 20, 300
_HASH = re.compile("([0-9a-f]{64})?")
# No clock is off by more, seconds.
_LONGEST_OFFSET_S = 1e10


@dataclass(frozen=True)
class AuditStatus:
    """A robot's audit log, for its heartbeat.

    :param head: its newest record.
    :param opened: its newest record when the process started.
    :param warnings: what is wrong with the logs of others.
    """

    head: ChainHead
    opened: ChainHead
    warnings: tuple[str, ...] = ()


def status_to_message(
    status: HistoryStatus,
    stamp: Time,
    instance_id: str,
    leaving: bool,
    models: tuple[str, str],
    behind_ns: dict[str, int | None],
    audit: AuditStatus | None = None,
) -> msg.HistoryStatus:
    """A robot's heartbeat.

    :param models: ids of person and face detector.
    :param behind_ns: by how much each camera's clock is behind the robot's; None or missing: unknown, sent as NaN.
    :param audit: of its audit log; None: it keeps none.
    """
    told: dict[str, Any] = {}
    if audit is not None:
        told = {"audit_number": audit.head.number, "audit_hash": audit.head.hash}
        told |= {"audit_opened_number": audit.opened.number, "audit_opened_hash": audit.opened.hash}
        told["audit_warnings"] = list(audit.warnings)
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
        error=status.error,
        rules="" if status.rules is None else status.rules.json,
        other_models=[
            msg.StoredModel(
                model_id=other.model_id,
                sightings=other.sightings,
                oldest=to_time(other.oldest_ns),
                newest=to_time(other.newest_ns),
            )
            for other in status.other_models
        ],
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
        **told,
    )


def _seconds(span_ns: int | None) -> float:
    return float("nan") if span_ns is None else span_ns / 1e9


def coverage_from_message(message: msg.HistoryStatus) -> list[CameraCoverage]:
    """The span of time that each camera of a heartbeat holds."""
    return [
        CameraCoverage(
            message.robot_id,
            camera.camera_id,
            ((to_ns(camera.oldest), to_ns(camera.newest)),) if to_ns(camera.newest) else (),
        )
        for camera in message.cameras
    ]


def checked_status(message: msg.HistoryStatus) -> msg.HistoryStatus:
    """A heartbeat that can be used and shown: its error is made printable.

    :raises InvalidInput: a name, a stamp or a number in it is not valid, or it lists too much.
    """
    validation.ros_name(message.robot_id, "the robot of a heartbeat")
    validation.token(message.instance_id, "the process of a heartbeat")
    for name in ("model_id", "person_model_id", "face_model_id"):
        validation.model_name(getattr(message, name), "a model of a heartbeat", empty=True)
    for name in ("sightings", "disk_bytes"):
        validation.count(getattr(message, name), f"the number {name} of a heartbeat", MOST_COUNT)
    for camera in validation.at_most(message.cameras, "cameras", MOST_CAMERAS):
        validation.identifier(camera.camera_id, "a camera of a heartbeat")
        validation.count(camera.sightings, "the sightings of a camera", MOST_COUNT)
        validation.number(camera.clock_behind_s, "a clock's offset", -_LONGEST_OFFSET_S, _LONGEST_OFFSET_S, nan=True)
    for model in validation.at_most(message.other_models, "models", MOST_MODELS):
        validation.model_name(model.model_id, "a stored model of a heartbeat")
        validation.count(model.sightings, "the sightings of a model", MOST_COUNT)
    for held in (*message.cameras, *message.other_models):
        stamp_of(held.oldest, "the oldest stamp of a heartbeat")
        stamp_of(held.newest, "the newest stamp of a heartbeat")
    for name in ("audit_number", "audit_opened_number"):
        validation.count(getattr(message, name), f"the number {name} of a heartbeat", MOST_COUNT)
    for name in ("audit_hash", "audit_opened_hash"):
        if not _HASH.fullmatch(getattr(message, name)):
            raise InvalidInput(f"the {name} of a heartbeat is no hash", "id")
    warnings = validation.at_most(message.audit_warnings, "warnings", MOST_WARNINGS)
    message.audit_warnings = [printable(warning, _LONGEST_WARNING) for warning in warnings]
    message.error = clean(message, ("error",))["error"]
    rules = KeepingRules.of_json(message.rules) if len(message.rules) <= _MOST_RULES else None
    message.rules = "" if rules is None else rules.json
    return message


def known_robots_from_message(message: msg.KnownRobots) -> tuple[str, str, dict[str, KnownRobot]]:
    """The robot that tells, its process, and by name what it tells of each robot that it knows.

    :raises InvalidInput: a name is not valid, there are too many, or the lists have different lengths.
    """
    robots = validation.names(message.robots, "robots that a robot knows", MOST_ROBOTS)
    if not len(robots) == len(message.left) == len(message.silent):
        raise InvalidInput("the lists of a robot's known robots have different lengths", "count")
    return (
        validation.ros_name(message.robot_id, "the robot of a list"),
        validation.token(message.instance_id, "the process of a list"),
        dict(zip(robots, map(KnownRobot, map(bool, message.left), map(bool, message.silent)), strict=True)),
    )


def bare_status(message: msg.HistoryStatus, why: str) -> msg.HistoryStatus:
    """A heartbeat without what it says of its history, for one of which a part is not valid: the robot is there, and
    searches must not leave it out.

    :param why: the part that is not valid.
    :raises InvalidInput: robot or process have no valid name.
    """
    validation.ros_name(message.robot_id, "the robot of a heartbeat")
    validation.token(message.instance_id, "the process of a heartbeat")
    return msg.HistoryStatus(
        stamp=message.stamp,
        robot_id=message.robot_id,
        instance_id=message.instance_id,
        leaving=message.leaving,
        error=f"its heartbeat is not valid: {why}",
    )
