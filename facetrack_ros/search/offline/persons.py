"""Persons and enrolled people of stored histories."""

from dataclasses import dataclass
from pathlib import Path

from facetrack_ros.history.layout import history_folders
from facetrack_ros.history.people.gallery_store import GalleryStore
from facetrack_ros.history.people.merge_log import MergeLog
from facetrack_ros.search.offline.stores import stores_below
from facetrack_ros.tracking.gallery import GalleryEntry
from facetrack_ros.tracking.identity_merges import IdentityMerges, id_order


@dataclass(frozen=True)
class StoredPerson:
    """A person of the stored histories.

    :param ids: all ids, the canonical one first.
    :param robots: that saw the person.
    :param first_ns: stamp of the first sighting.
    :param last_ns: stamp of the last sighting.
    """

    ids: tuple[str, ...]
    robots: tuple[str, ...]
    sightings: int
    first_ns: int
    last_ns: int


def stored_merges(data_dir: Path | str) -> IdentityMerges:
    """The identity merges of all robots below a folder.

    :raises StoreError: there is no such folder, or a file in it cannot be read.
    """
    return IdentityMerges(
        decision
        for folder in history_folders(data_dir)
        if not folder.error
        for decision in MergeLog(folder.path).read().decisions
    )


def stored_persons(data_dir: Path | str) -> tuple[StoredPerson, ...]:
    """Every person with a sighting, ordered by id.

    :raises StoreError: there is no such folder, or a history cannot be read.
    """
    merges = stored_merges(data_dir)
    persons: dict[str, StoredPerson] = {}
    for folder in history_folders(data_dir):
        for store in () if folder.error else stores_below(folder.path):
            for span in store.persons():
                canonical = merges.canonical(span.person_id)
                new = StoredPerson(merges.group(canonical), (), 0, span.first_ns, span.last_ns)
                known = persons.get(canonical, new)
                robots = tuple(sorted({*known.robots, folder.robot_id}))
                first_ns, last_ns = min(known.first_ns, span.first_ns), max(known.last_ns, span.last_ns)
                sightings = known.sightings + span.sightings
                persons[canonical] = StoredPerson(known.ids, robots, sightings, first_ns, last_ns)
    return tuple(persons[canonical] for canonical in sorted(persons, key=id_order))


def enrolled_face(data_dir: Path | str, name: str) -> GalleryEntry | None:
    """The entry of highest quality under a name, or the entry of that id, in the stored galleries.

    :raises StoreError: there is no such folder, or a gallery cannot be read.
    """
    entries = [
        entry
        for folder in history_folders(data_dir)
        if not folder.error
        for entry in GalleryStore(folder.path).read()
        if name in (entry.name, entry.entry_id)
    ]
    return max(entries, key=lambda entry: (entry.quality, entry.entry_id), default=None)
