"""What robots tell each other of people: templates, verdicts, gallery entries. Values to messages and back."""

import numpy as np

from facetrack_ros import msg
from facetrack_ros.nodes.conversion.core import floats, to_ns, to_time
from facetrack_ros.tracking.gallery import GalleryEntry
from facetrack_ros.tracking.identity_merges import MergeDecision


def template_to_message(
    robot_id: str, person_id: str, model_id: str, stamp_ns: int, embeddings: np.ndarray, qualities: np.ndarray
) -> msg.PersonTemplate:
    """What a robot knows of a person's face: ``(n, dimension)`` unit rows and ``(n,)`` qualities."""
    return msg.PersonTemplate(
        robot_id=robot_id,
        person_id=person_id,
        model_id=model_id,
        stamp=to_time(stamp_ns),
        dimension=embeddings.shape[1],
        embeddings=floats(embeddings),
        qualities=floats(qualities),
    )


def template_from_message(message: msg.PersonTemplate) -> tuple[np.ndarray, np.ndarray]:
    """Embeddings ``(n, dimension)`` and qualities ``(n,)`` of a person's face.

    :raises ValueError: lengths that do not fit together.
    """
    embeddings = np.array(message.embeddings, np.float32)
    if not message.dimension or len(embeddings) % message.dimension:
        raise ValueError(f"{len(embeddings)} numbers are no rows of {message.dimension}")
    return embeddings.reshape(-1, message.dimension), np.array(message.qualities, np.float32)


def verdict_to_message(verdict: MergeDecision) -> msg.PersonVerdict:
    """Whether two ids are one person."""
    return msg.PersonVerdict(
        record_id=verdict.record_id,
        first=verdict.first,
        second=verdict.second,
        same=verdict.same,
        by=verdict.by,
        operator_decided=verdict.operator,
        version=verdict.version,
        stamp=to_time(verdict.stamp_ns),
        reason=verdict.reason,
        similarity=float("nan") if verdict.similarity is None else float(verdict.similarity),
        model_id=verdict.model_id,
    )


def verdict_from_message(message: msg.PersonVerdict) -> MergeDecision:
    """Whether two ids are one person. The likeness decides between verdicts: rounded, it is the same on all robots."""
    return MergeDecision(
        message.record_id,
        message.first,
        message.second,
        message.same,
        message.by,
        message.operator_decided,
        message.version,
        to_ns(message.stamp),
        message.reason,
        None if np.isnan(message.similarity) else round(float(message.similarity), 4),
        message.model_id,
    )


def entry_to_message(entry: GalleryEntry) -> msg.GalleryEntry:
    """One reference face."""
    return msg.GalleryEntry(
        entry_id=entry.entry_id,
        name=entry.name,
        model_id=entry.model_id,
        embedding=floats(entry.embedding),
        quality=float(entry.quality),
        watch=entry.watch,
        source=entry.source,
        by=entry.by,
        stamp=to_time(entry.stamp_ns),
    )


def entry_from_message(message: msg.GalleryEntry) -> GalleryEntry:
    """One reference face."""
    return GalleryEntry(
        message.entry_id,
        message.name,
        message.model_id,
        np.array(message.embedding, np.float32),
        message.quality,
        message.watch,
        message.source,
        message.by,
        to_ns(message.stamp),
    )
