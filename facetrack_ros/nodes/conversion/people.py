"""Person templates, merge decisions and gallery entries to messages and back."""

from array import array
from dataclasses import replace

import numpy as np

from facetrack_ros import msg
from facetrack_ros.core import validation
from facetrack_ros.errors import InvalidInput
from facetrack_ros.nodes.conversion.fields import float_array, pick
from facetrack_ros.nodes.conversion.time import to_ns, to_time
from facetrack_ros.search.people import RobotPeople
from facetrack_ros.tracking.decision_check import checked_decision
from facetrack_ros.tracking.identity.gallery import GalleryEntry
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
    entry = GalleryEntry(
        embedding=np.array(message.embedding, np.float32),
        quality=message.quality,
        stamp_ns=to_ns(message.stamp),
        **pick(message, _ENTRY),
    )
    entry.check()
    return entry


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
