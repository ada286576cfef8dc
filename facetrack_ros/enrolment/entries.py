"""Pictures become gallery entries: all of a person's, or none."""

from collections.abc import Callable, Iterable

from facetrack_ros.errors import FrameError, ReferenceFaceError
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
    """An entry for each picture.

    :param pictures: what each is called, and its bytes.
    :param new_id: gives out ids; none is taken when a picture is refused.
    :raises ReferenceFaceError: a picture without exactly one usable face, and which one; or no picture at all.
    :raises EntryRefused: no name a person can have.
    """
    faces = []
    for source, data in pictures:
        try:
            faces.append((source, pipeline.embed_reference(decode_reference(data))))
        except (ReferenceFaceError, FrameError) as error:
            raise ReferenceFaceError(f"{source}: {error}") from error
    if not faces:
        raise ReferenceFaceError("give at least one picture to enrol somebody")
    contract = pipeline.contract
    trial = GalleryEntry("g", name, contract.id, faces[0][1].embedding, 0.0)
    trial.check()
    return [
        GalleryEntry(
            new_id(),
            name,
            contract.id,
            face.embedding,
            float(min(max(face.quality, 0.0), 1.0)),
            watch,
            source,
            by,
            stamp_ns,
        )
        for source, face in faces
    ]


def enrolment_warnings(entries: Iterable[GalleryEntry], gallery: Gallery) -> list[str]:
    """What whoever enrols should know: who looks alike, and which picture does not look like the others of that name.

    :param gallery: with the new entries in it.
    """
    said: list[str] = []
    for entry in entries:
        for match in gallery.lookalikes(entry):
            said.append(
                f"{entry.name} looks like {match.entry.name} (similarity {match.similarity:.2f}): the two may be taken "
                "for each other; where that cannot be told, neither is recognised"
            )
        if gallery.is_outlier(entry):
            said.append(f"{entry.source or entry.entry_id} does not look like the other pictures of {entry.name}")
    # A person's pictures say the same of a look-alike: once is enough.
    return list({sentence.split(" (")[0]: sentence for sentence in said}.values())


def build_gallery(entries: Iterable[GalleryEntry], pipeline_contract, margin_share: float) -> Gallery:
    """The entries of one model as a gallery.

    :param pipeline_contract: of the face embedder.
    :param margin_share: as :attr:`TrackingSettings.margin`.
    """
    gallery = Gallery(
        pipeline_contract.id, pipeline_contract.threshold, margin_share * (1 - pipeline_contract.threshold)
    )
    for entry in entries:
        try:
            gallery.add(entry)
        except EntryRefused:
            continue  # of another model
    return gallery
