"""What requests change in a robot's folder: gallery entries and merge decisions."""

from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from facetrack_ros.errors import RequestError
from facetrack_ros.history.people.gallery_store import GalleryStore
from facetrack_ros.history.people.merge_log import MergeLog
from facetrack_ros.tracking.identity.gallery import GalleryEntry
from facetrack_ros.tracking.identity_merges import MAX_VERSION, IdentityMerges, MergeDecision

#: How far clocks of robots may differ, nanoseconds: an entry made later than that after a removal was issued is another
#: one. Chosen by hand.
CLOCKS_NS = 60_000_000_000


def enrol_entries(folder: Path, entries: Sequence[GalleryEntry], outdated: Collection[str] = ()) -> list[GalleryEntry]:
    """Store gallery entries that are not there, and delete those that they replace; the new ones.

    :raises EntryRefused: one is unusable, or there are too many; none is stored then.
    :raises StoreError: they cannot be written.
    """
    store = GalleryStore(folder)
    store.check_all(entries)
    added = [entry for entry in entries if store.add(entry)]
    for entry_id in outdated:
        store.delete(entry_id)
    return added


def remove_entries(folder: Path, name: str, issued_ns: int, spared: Collection[str] = ()) -> list[str]:
    """Delete the gallery entries of a name, or the one of an id; their ids.

    :param issued_ns: when that was asked for: entries made later stay.
    :param spared: ids of entries that stay.
    :raises StoreError: they cannot be deleted.
    """
    store = GalleryStore(folder)
    found = [
        entry.entry_id
        for entry in store.read()
        if entry.is_called(name) and entry.entry_id not in spared and entry.stamp_ns <= issued_ns + CLOCKS_NS
    ]
    for entry_id in found:
        store.delete(entry_id)
    return found


def merge_persons(folder: Path, ids: Sequence[str], decisions: Sequence[MergeDecision]) -> list[MergeDecision]:
    """Store decisions that make two ids one person; those that were not known.

    :raises RequestError: they have no effect, as other decisions count more; nothing is stored then.
    :raises StoreError: they cannot be read or written.
    """

    def why_not(merges: IdentityMerges) -> str:
        apart = len({merges.canonical(person_id) for person_id in ids}) > 1
        return "other decisions here say that they differ" if apart else ""

    return _decide(folder, decisions, why_not)


def split_person(folder: Path, person_id: str, decisions: Sequence[MergeDecision]) -> list[MergeDecision]:
    """Store decisions that part an id from others; as :func:`merge_persons`."""
    others = {each for decision in decisions for each in decision.pair} - {person_id}

    def why_not(merges: IdentityMerges) -> str:
        joined = merges.canonical(person_id) in map(merges.canonical, others)
        return "other decisions here join them again" if joined else ""

    return _decide(folder, decisions, why_not)


def _decide(
    folder: Path, decisions: Sequence[MergeDecision], why_not: Callable[[IdentityMerges], str]
) -> list[MergeDecision]:
    log = MergeLog(folder)
    merges = log.read()
    new = []
    for decision in decisions:
        known = merges.decision_on(*decision.pair)
        merges.add(decision)
        taken = merges.decision_on(*decision.pair)
        if taken is None or taken.record_id != decision.record_id:
            highest = known is not None and known.version >= MAX_VERSION
            raise RequestError(
                "a decision here has the highest version that there is" if highest else "another decision counts more"
            )
        if taken is not known:
            new.append(taken)
    if why := why_not(merges):
        raise RequestError(why)
    log.append(new)
    return new
