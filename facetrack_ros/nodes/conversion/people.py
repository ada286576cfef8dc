"""Person templates, merge decisions and gallery entries to messages and back."""

from array import array

import numpy as np

from facetrack_ros import msg
from facetrack_ros.history.sightings.table import PersonSpan
from facetrack_ros.nodes.conversion.fields import float_array, pick
from facetrack_ros.nodes.conversion.time import to_ns, to_time
from facetrack_ros.search.people import RobotPeople
from facetrack_ros.tracking.identity.gallery import GalleryEntry
from facetrack_ros.tracking.identity_merges import MergeDecision

# Fields that value and message have alike.
_VERDICT = ("record_id", "first", "second", "same", "by", "version", "reason", "model_id")
_ENTRY = ("entry_id", "name", "model_id", "watch", "source", "by")


def template_to_message(
    robot_id: str, person_id: str, model_id: str, stamp_ns: int, embeddings: np.ndarray, qualities: np.ndarray
) -> msg.PersonTemplate:
    """A person's face template: ``(n, dimension)`` unit rows and their ``(n,)`` qualities."""
    return msg.PersonTemplate(
        robot_id=robot_id,
        person_id=person_id,
        model_id=model_id,
        stamp=to_time(stamp_ns),
        dimension=embeddings.shape[1],
        embeddings=float_array(embeddings),
        qualities=float_array(qualities),
    )


def template_from_message(message: msg.PersonTemplate) -> tuple[np.ndarray, np.ndarray]:
    """Embeddings ``(n, dimension)`` and qualities ``(n,)`` of a person's face template.

    :raises ValueError: the embeddings are not whole rows.
    """
    embeddings = np.array(message.embeddings, np.float32)
    if not message.dimension or len(embeddings) % message.dimension:
        raise ValueError(f"{len(embeddings)} numbers are no rows of {message.dimension}")
    return embeddings.reshape(-1, message.dimension), np.array(message.qualities, np.float32)


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
    """A decision whether two ids are one person; measures are rounded so that all robots rank it alike."""
    return MergeDecision(
        operator=message.operator_decided,
        stamp_ns=to_ns(message.stamp),
        similarity=_or_none(message.similarity),
        template_similarity=_or_none(message.template_similarity),
        margin=_or_none(message.margin),
        faces=message.faces or None,
        **pick(message, _VERDICT),
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
    """One gallery entry."""
    return GalleryEntry(
        embedding=np.array(message.embedding, np.float32),
        quality=message.quality,
        stamp_ns=to_ns(message.stamp),
        **pick(message, _ENTRY),
    )


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
    """What a robot holds of persons; gallery entries have empty embeddings.

    :raises ValueError: the columns are not of one length.
    """
    columns = (message.person_ids, message.sightings, message.first_ns, message.last_ns)
    return RobotPeople(
        persons=tuple(PersonSpan(*values) for values in zip(*columns, strict=True)),
        decisions=tuple(map(verdict_from_message, message.verdicts)),
        entries=tuple(map(entry_from_message, message.gallery)),
        **pick(message, ("robot_id", "instance_id", "error")),
    )
