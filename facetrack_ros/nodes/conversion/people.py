"""Person templates, merge decisions and gallery entries to messages and back."""

from array import array
from dataclasses import replace

import numpy as np

from facetrack_ros import msg
from facetrack_ros.core import validation
from facetrack_ros.core.printable import printable
from facetrack_ros.errors import InvalidInput
from facetrack_ros.history.sightings.table import PersonSpan
from facetrack_ros.nodes.conversion.fields import MOST_ROBOTS, clean, float_array, pick
from facetrack_ros.nodes.conversion.time import to_ns, to_time
from facetrack_ros.search.people import RobotPeople
from facetrack_ros.tracking.decision_check import checked_decision
from facetrack_ros.tracking.identity.gallery import GalleryEntry, entry_id
from facetrack_ros.tracking.identity.shared_template import MOST_EMBEDDINGS, SharedTemplate
from facetrack_ros.tracking.identity_merges import MergeDecision

# Fields that value and message have alike.
_VERDICT = ("record_id", "first", "second", "same", "by", "version", "reason", "model_id")
_TEMPLATE = ("robot_id", "instance_id", "person_id", "model_id")
_ENTRY = ("entry_id", "name", "model_id", "watch", "source", "by")
_NOTHING = np.empty(0, np.float32)


def template_to_message(template: SharedTemplate, stamp_ns: int) -> msg.PersonTemplate:
    """A person's face template."""
    return msg.PersonTemplate(
        stamp=to_time(stamp_ns),
        dimension=template.embeddings.shape[1],
        embeddings=float_array(template.embeddings),
        qualities=float_array(template.qualities),
        **pick(template, _TEMPLATE),
    )


def template_from_message(message: msg.PersonTemplate) -> SharedTemplate:
    """A person's face template.

    :raises InvalidInput: a part of it cannot be used, or the person is not the robot's.
    """
    rows = len(message.qualities)
    ids = SharedTemplate(**pick(message, _TEMPLATE), embeddings=_NOTHING, qualities=_NOTHING)
    ids.check_ids()
    face = f"the face of {ids.person_id}"
    embeddings = validation.embeddings(message.embeddings, face, message.dimension, MOST_EMBEDDINGS, least=1)
    if rows != len(embeddings):
        raise InvalidInput(f"{face} has {len(embeddings)} embeddings and {rows} qualities", "embedding")
    return replace(
        ids,
        embeddings=embeddings,
        qualities=validation.numbers(message.qualities, f"a quality of {face}", (rows,), 0.0, 1.0),
    )


def verdict_to_message(verdict: MergeDecision) -> msg.PersonVerdict:
    """A decision whether two ids are one person, or a suggestion."""
    return msg.PersonVerdict(
        operator_decided=verdict.operator,
        stamp=to_time(verdict.stamp_ns),
        similarity=_or_nan(verdict.similarity),
        template_similarity=_or_nan(verdict.template_similarity),
        margin=_or_nan(verdict.margin),
        faces=verdict.faces or 0,
        **pick(verdict, _VERDICT),
    )


def verdict_from_message(message: msg.PersonVerdict) -> MergeDecision:
    """A decision whether two ids are one person; measures are rounded so that all robots rank it alike.

    :raises InvalidInput: a part of it cannot be used.
    """
    return checked_decision(
        MergeDecision(
            operator=message.operator_decided,
            stamp_ns=to_ns(message.stamp),
            similarity=_or_none(message.similarity),
            template_similarity=_or_none(message.template_similarity),
            margin=_or_none(message.margin),
            faces=message.faces or None,
            **pick(message, _VERDICT),
        )
    )


def _or_nan(value: float | None) -> float:
    """A measure as a message holds it."""
    return float("nan") if value is None else float(value)


def _or_none(value: float) -> float | None:
    """A measure of a message; NaN stands for a missing one."""
    return None if np.isnan(value) else round(float(value), 4)


def entry_to_message(entry: GalleryEntry) -> msg.GalleryEntry:
    """One gallery entry."""
    return msg.GalleryEntry(
        embedding=float_array(entry.embedding),
        quality=float(entry.quality),
        stamp=to_time(entry.stamp_ns),
        **pick(entry, _ENTRY),
    )


def entry_from_message(message: msg.GalleryEntry) -> GalleryEntry:
    """One gallery entry.

    :raises InvalidInput: it cannot be used.
    """
    entry = _entry(message)
    entry.check()
    return entry


def _entry(message: msg.GalleryEntry) -> GalleryEntry:
    return GalleryEntry(
        embedding=np.array(message.embedding, np.float32),
        quality=message.quality,
        stamp_ns=to_ns(message.stamp),
        **pick(message, _ENTRY),
    )


def checked_query(message: msg.PeopleRequest) -> msg.PeopleRequest:
    """A request to list people, itself.

    :raises InvalidInput: a part of it is not valid.
    """
    validation.token(message.query_id, "the id of a query")
    validation.token(message.robot_id, "who asks", empty=True)
    for robot in validation.at_most(message.robots, "robots", MOST_ROBOTS):
        validation.plain_text(robot, "one of the robots", 255)
    return message


def people_to_message(people: RobotPeople, query_id: str) -> msg.PeopleResult:
    """What a robot holds of persons; gallery entries without their embeddings."""
    result = msg.PeopleResult(
        query_id=query_id,
        person_ids=[span.person_id for span in people.persons],
        sightings=array("Q", [span.sightings for span in people.persons]),
        first_ns=array("q", [span.first_ns for span in people.persons]),
        last_ns=array("q", [span.last_ns for span in people.persons]),
        verdicts=[verdict_to_message(decision) for decision in people.decisions],
        gallery=[entry_to_message(entry) for entry in people.entries],
        **pick(people, ("robot_id", "instance_id", "error")),
    )
    for entry in result.gallery:
        entry.embedding = []
    return result


def people_from_message(message: msg.PeopleResult) -> RobotPeople:
    """What a robot holds of persons; gallery entries have empty embeddings. Texts are printable.

    :raises InvalidInput: a part of it cannot be used.
    """
    columns = (message.person_ids, message.sightings, message.first_ns, message.last_ns)
    if len(set(map(len, columns))) > 1:
        raise InvalidInput("its list of persons has columns of several lengths", "count")
    for person_id in message.person_ids:
        validation.identifier(person_id, "a listed person id", empty=True)
    return RobotPeople(
        persons=tuple(PersonSpan(*values) for values in zip(*columns)),
        decisions=tuple(map(verdict_from_message, message.verdicts)),
        entries=tuple(map(_listed_entry, message.gallery)),
        robot_id=validation.ros_name(message.robot_id, "the robot of a list of persons"),
        instance_id=validation.token(message.instance_id, "the process of a list of persons", empty=True),
        error=printable(message.error),
    )


def _listed_entry(message: msg.GalleryEntry) -> GalleryEntry:
    """An entry without its embedding, for a list."""
    entry_id(message.entry_id)
    validation.number(message.quality, "the quality of a gallery entry", 0.0, 1.0)
    return replace(_entry(message), **clean(message, ("name", "model_id", "source", "by"), 200))
