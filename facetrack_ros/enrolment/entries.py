"""Gallery entries made from pictures."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from facetrack_ros.core.names import nfc
from facetrack_ros.errors import FrameError, ReferenceFaceError
from facetrack_ros.models.contract import ModelContract
from facetrack_ros.models.operating_points import operating_point
from facetrack_ros.search.reference_image import decode_reference
from facetrack_ros.tracking.identity.gallery import EntryRefused, Gallery, GalleryEntry
from facetrack_ros.vision.pipeline import VisionPipeline

#: Similarity from which two entries are of the same picture: the same file gives 1, a picture taken a second later less
#: than this. Chosen by hand.
SAME_PICTURE = 0.999


@dataclass(frozen=True)
class EnrolmentPicture:
    """A picture of a person to enrol.

    :param source: name of its file.
    :param data: of the file.
    :param face: number of the face, from the left, from 1 on; 0: the clearly widest.
    """

    source: str
    data: bytes
    face: int = 0


@dataclass(frozen=True)
class Enrolment:
    """What enrolling pictures comes to.

    :param entries: to add.
    :param known: entries that are there already, of the same pictures.
    :param outdated: ids of entries to delete, which new ones of the same pictures replace, watched for.
    :param notes: sentences on pictures that were turned, or whose face was chosen; on people who look alike.
    """

    entries: tuple[GalleryEntry, ...]
    known: tuple[GalleryEntry, ...] = ()
    outdated: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def entry_ids(self) -> list[str]:
        """Ids of the person's entries, new and known ones."""
        return list(dict.fromkeys(entry.entry_id for entry in (*self.entries, *self.known)))


def enrol(
    name: str,
    pictures: Iterable[EnrolmentPicture],
    pipeline: VisionPipeline,
    gallery: Gallery,
    new_id: Callable[[], str],
    watch: bool = False,
    by: str = "",
    stamp_ns: int = 0,
    force: bool = False,
) -> Enrolment:
    """Make an entry of each picture of a person that has none yet, or of none where one is refused.

    :param gallery: the enrolled people; it is not changed.
    :param new_id: allocates entry ids; not called when a picture is refused.
    :param force: enrol different faces under one name, and faces that look like another enrolled person.
    :raises ReferenceFaceError: a picture without a usable face, or no picture at all.
    :raises EntryRefused: an unusable name; pictures of different people; a picture that looks like someone else.
    """
    drafts, notes = _drafts(nfc(name), list(pictures), pipeline, (watch, by, stamp_ns))
    if not force:
        _refuse_different_people(drafts, gallery, pipeline.contract)
        _refuse_lookalikes(drafts, gallery)
    new, known, outdated = _apart_from_known(drafts, gallery)
    notes += [f"{source} is enrolled already, as {entry.entry_id}" for source, entry in known]
    entries = tuple(replace(entry, entry_id=new_id()) for entry in new)
    return Enrolment(
        entries, tuple(entry for _, entry in known), tuple(outdated), (*notes, *_warnings(entries, gallery))
    )


def _drafts(
    name: str, pictures: list[EnrolmentPicture], pipeline: VisionPipeline, origin: tuple[bool, str, int]
) -> tuple[list[GalleryEntry], list[str]]:
    """An entry of each picture, without an id, and notes on the pictures."""
    watch, by, stamp_ns = origin
    drafts, notes = [], []
    for picture in pictures:
        try:
            face = pipeline.embed_reference(decode_reference(picture.data), picture.face)
        except (ReferenceFaceError, FrameError) as error:
            raise ReferenceFaceError(f"{picture.source}: {error}") from error
        if face.note:
            notes.append(f"{picture.source}: {face.note}")
        embedding = np.asarray(face.embedding, np.float32)
        quality = float(min(max(face.quality, 0.0), 1.0))
        own = (pipeline.contract.id, embedding, quality, watch, picture.source, by, stamp_ns)
        entry = GalleryEntry("unnamed", name, *own)
        entry.check()
        drafts.append(entry)
    if not drafts:
        raise ReferenceFaceError("give at least one picture to enrol a person")
    return drafts, notes


def _refuse_different_people(drafts: Sequence[GalleryEntry], gallery: Gallery, contract: ModelContract) -> None:
    """Refuse pictures of a name that hang together with none of its others, however loosely.

    The similarity required is that of the operating point ``wide``: one pair of different people in 1,000 reaches it,
    and nearly every pair of one person.

    :raises EntryRefused: there are some; with the least alike of them.
    """
    entries = [*gallery.of_name(drafts[0].name), *drafts]
    least = operating_point(contract, "wide").threshold
    similarity = np.array([entry.embedding for entry in entries]) @ np.array([entry.embedding for entry in entries]).T
    together = _connected(similarity >= least, 0 if len(entries) > len(drafts) else _most_central(similarity))
    odd = [row for row in np.flatnonzero(~together) if row >= len(entries) - len(drafts)]
    if odd:
        row = min(odd, key=lambda each: similarity[each][together].max())
        like = similarity[row][together].max()
        raise EntryRefused(
            f"{entries[row].source} shows someone else than the other pictures of {entries[row].name} (similarity "
            f"{like:.2f}, at least {least:.2f} expected): enrol each person under a name of their own; --force enrols "
            "it all the same"
        )


def _connected(alike: np.ndarray, start: int) -> np.ndarray:
    """Rows of a symmetric matrix reached from ``start``."""
    reached = np.zeros(len(alike), bool)
    reached[start] = True
    while (grown := alike[reached].any(axis=0) | reached).sum() > reached.sum():
        reached = grown
    return reached


def _most_central(similarity: np.ndarray) -> int:
    return int(similarity.sum(axis=1).argmax())


def _refuse_lookalikes(drafts: Sequence[GalleryEntry], gallery: Gallery) -> None:
    """Refuse pictures that look like another enrolled person: recognition could tell neither from the other.

    :raises EntryRefused: there are some.
    """
    for entry in drafts:
        for match in gallery.lookalikes(entry):
            raise EntryRefused(
                f"{entry.source} looks like {match.entry.name}, who is enrolled (similarity {match.similarity:.2f}): "
                f"enrol it under that name if it is the same person; --force enrols it as {entry.name} all the same, "
                "and where the two cannot be told apart, neither is recognised"
            )


def _apart_from_known(
    drafts: Sequence[GalleryEntry], gallery: Gallery
) -> tuple[list[GalleryEntry], list[tuple[str, GalleryEntry]], list[str]]:
    """The drafts without an entry of the same picture, source and entry of the others, ids that new entries replace."""
    new: list[GalleryEntry] = []
    known: list[tuple[str, GalleryEntry]] = []
    outdated: list[str] = []
    for draft in drafts:
        enrolled = [each for each in gallery.of_name(draft.name) if _same_picture(each, draft)]
        if any(_same_picture(each, draft) for each in new):
            continue  # the same picture twice in one call
        if enrolled and (enrolled[0].watch or not draft.watch):
            known.append((draft.source, enrolled[0]))
            continue
        outdated += [each.entry_id for each in enrolled]  # not watched for until now
        new.append(draft)
    return new, known, outdated


def _same_picture(one: GalleryEntry, other: GalleryEntry) -> bool:
    return float(np.dot(one.embedding, other.embedding)) >= SAME_PICTURE


def _warnings(entries: Iterable[GalleryEntry], gallery: Gallery) -> list[str]:
    """A sentence for each person that looks like the enrolled one, and for each picture unlike others of its name."""
    entries = list(entries)
    with_new = gallery.with_entries(entries)
    warnings: dict[tuple[str, str], str] = {}
    for entry in entries:
        # Once a person, although each picture may match the same lookalike.
        for match in with_new.lookalikes(entry):
            warnings[entry.name, match.entry.name] = (
                f"{entry.name} looks like {match.entry.name} (similarity {match.similarity:.2f}): the two may be taken "
                "for each other; where that cannot be told, neither is recognised"
            )
        if with_new.is_outlier(entry):
            source = entry.source or entry.entry_id
            warnings[source, ""] = f"{source} does not look like the other pictures of {entry.name}"
    return list(warnings.values())


def build_gallery(entries: Iterable[GalleryEntry], contract: ModelContract, margin: float) -> Gallery:
    """The gallery of the entries of one model; unusable ones are left out.

    :param contract: of the face embedder.
    :param margin: as :attr:`TrackingSettings.margin`, a fraction of the threshold distance.
    """
    margin *= 1 - contract.threshold
    gallery = Gallery(contract.id, contract.threshold, margin, dimension=contract.dimension)
    for entry in entries:
        try:
            gallery.add(entry)
        except EntryRefused:
            continue  # of another model
    return gallery
