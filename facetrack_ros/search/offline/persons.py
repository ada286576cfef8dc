"""Whom the stored histories know, under which ids, and who is enrolled."""

from dataclasses import dataclass
from pathlib import Path

from facetrack_ros.history.layout import history_folders
from facetrack_ros.history.people.gallery_store import GalleryStore
from facetrack_ros.history.people.merge_log import MergeLog
from facetrack_ros.history.sightings.database import stored_models
from facetrack_ros.history.sightings.model_contract import load_contract
from facetrack_ros.history.sightings.store import SightingStore
from facetrack_ros.tracking.gallery import GalleryEntry
from facetrack_ros.tracking.identity_merges import IdentityMerges, id_order


@dataclass(frozen=True)
class StoredPerson:
    """A person of the stored histories.

    :param ids: all ids, the one that stands for the person first.
    :param robots: who saw them.
    :param first_ns: stamp of the first sighting, and of the last one.
    """

    ids: tuple[str, ...]
    robots: tuple[str, ...]
    sightings: int
    first_ns: int
    last_ns: int


def stored_aliases(data_dir: Path | str) -> IdentityMerges:
    """The verdicts of all robots below a folder.

    :raises StoreError: there is no such folder, or a file in it cannot be read.
    """
    return IdentityMerges(
        verdict
        for folder in history_folders(data_dir)
        if not folder.error
        for verdict in MergeLog(folder.path).read().decisions
    )


def stored_persons(data_dir: Path | str) -> tuple[StoredPerson, ...]:
    """Everybody with a sighting, in order of their ids.

    :raises StoreError: there is no such folder, or a history cannot be read.
    """
    aliases = stored_aliases(data_dir)
    found: dict[str, StoredPerson] = {}
    for folder in history_folders(data_dir):
        for model_id in stored_models(folder.path) if not folder.error else ():
            store = SightingStore.open_readonly(folder.path, load_contract(folder.path, model_id))
            try:
                for span in store.persons():
                    settled = aliases.canonical(span.person_id)
                    known = found.get(settled, StoredPerson(aliases.group(settled), (), 0, span.first_ns, span.last_ns))
                    found[settled] = StoredPerson(
                        known.ids,
                        tuple(sorted({*known.robots, folder.robot_id})),
                        known.sightings + span.sightings,
                        min(known.first_ns, span.first_ns),
                        max(known.last_ns, span.last_ns),
                    )
            finally:
                store.close()
    return tuple(found[settled] for settled in sorted(found, key=id_order))


def enrolled_face(data_dir: Path | str, name: str) -> GalleryEntry | None:
    """The best reference face that stored galleries have of an enrolled name, or the entry of that id.

    :raises StoreError: there is no such folder, or a gallery cannot be read.
    """
    found = [
        entry
        for folder in history_folders(data_dir)
        if not folder.error
        for entry in GalleryStore(folder.path).read()[0]
        if name in (entry.name, entry.entry_id)
    ]
    return max(found, key=lambda entry: (entry.quality, entry.entry_id), default=None)
