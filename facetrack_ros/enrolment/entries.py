"""Gallery entries made from pictures."""

from collections.abc import Callable, Iterable
from dataclasses import replace

import numpy as np

from facetrack_ros.errors import FrameError, ReferenceFaceError
from facetrack_ros.models.contract import ModelContract
from facetrack_ros.search.reference_image import decode_reference
from facetrack_ros.tracking.gallery import EntryRefused, Gallery, GalleryEntry
from facetrack_ros.vision.pipeline import VisionPipeline


def make_entries(
    name: str,
    pictures: Iterable[tuple[str, bytes]],
    pipeline: VisionPipeline,
    new_id: Callable[[], str],
    watch: bool = False,
    by: str = "",
    stamp_ns: int = 0,
) -> list[GalleryEntry]:
    """Make an entry of each picture of a person, or of none where one is refused.

    :param pictures: name and bytes of each.
    :param new_id: allocates entry ids; not called when a picture is refused.
    :raises ReferenceFaceError: a picture without exactly one usable face, or no picture at all.
    :raises EntryRefused: an unusable name.
    """
    entries = []
    for source, data in pictures:
        try:
            face = pipeline.embed_reference(decode_reference(data))
        except (ReferenceFaceError, FrameError) as error:
            raise ReferenceFaceError(f"{source}: {error}") from error
        embedding = np.asarray(face.embedding, np.float32)
        quality = float(min(max(face.quality, 0.0), 1.0))
        entry = GalleryEntry("unnamed", name, pipeline.contract.id, embedding, quality, watch, source, by, stamp_ns)
        entry.check()
        entries.append(entry)
    if not entries:
        raise ReferenceFaceError("give at least one picture to enrol a person")
    return [replace(entry, entry_id=new_id()) for entry in entries]


def enrolment_warnings(entries: Iterable[GalleryEntry], gallery: Gallery) -> list[str]:
    """A sentence for each person that looks like the enrolled one, and for each picture unlike the others of its name.

    :param gallery: with the new entries in it.
    """
    warnings: dict[tuple[str, str], str] = {}
    for entry in entries:
        # Once a person, although each picture may match the same lookalike.
        for match in gallery.lookalikes(entry):
            warnings[entry.name, match.entry.name] = (
                f"{entry.name} looks like {match.entry.name} (similarity {match.similarity:.2f}): the two may be taken "
                "for each other; where that cannot be told, neither is recognised"
            )
        if gallery.is_outlier(entry):
            source = entry.source or entry.entry_id
            warnings[source, ""] = f"{source} does not look like the other pictures of {entry.name}"
    return list(warnings.values())


def build_gallery(entries: Iterable[GalleryEntry], contract: ModelContract, margin: float) -> Gallery:
    """The gallery of the entries of one model; unusable ones are left out.

    :param contract: of the face embedder.
    :param margin: as :attr:`TrackingSettings.margin`, a fraction of the threshold distance.
    """
    gallery = Gallery(contract.id, contract.threshold, margin * (1 - contract.threshold))
    for entry in entries:
        try:
            gallery.add(entry)
        except EntryRefused:
            continue  # of another model
    return gallery
