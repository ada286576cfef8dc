"""Persons, merge decisions and enrolled people of several robots as one list."""

from collections.abc import Callable, Iterable
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import chain
from pathlib import Path
from typing import Any

from facetrack_ros.errors import StoreError
from facetrack_ros.history.people.gallery_store import GalleryStore
from facetrack_ros.history.people.merge_log import MergeLog
from facetrack_ros.history.set_aside import aside_sentence
from facetrack_ros.history.sightings.database import stored_models
from facetrack_ros.history.sightings.model_contract import load_contract
from facetrack_ros.history.sightings.store import SightingStore
from facetrack_ros.history.sightings.table import PersonSpan
from facetrack_ros.tracking.identity.gallery import GalleryEntry
from facetrack_ros.tracking.identity_merges import IdentityMerges, MergeDecision, id_order


@dataclass(frozen=True)
class RobotPeople:
    """What one robot holds of persons.

    :param instance_id: of the robot's process; empty: stored.
    :param error: why the list is not whole, a sentence; empty: it is.
    :param persons: one span per person id and model.
    """

    robot_id: str
    instance_id: str = ""
    error: str = ""
    persons: tuple[PersonSpan, ...] = ()
    decisions: tuple[MergeDecision, ...] = ()
    entries: tuple[GalleryEntry, ...] = ()


@dataclass(frozen=True)
class KnownPerson:
    """A person under all ids.

    :param ids: the canonical one first.
    :param robots: that hold sightings of the person, sorted.
    :param first_ns: stamp of the first sighting.
    :param last_ns: stamp of the last sighting.
    """

    ids: tuple[str, ...]
    robots: tuple[str, ...]
    sightings: int
    first_ns: int
    last_ns: int


@dataclass(frozen=True)
class FleetPeople:
    """What several robots hold of persons.

    :param robots: those that answered, or whose folder was read.
    :param not_listed: robots whose list is missing or not whole, and why.
    """

    robots: tuple[RobotPeople, ...]
    not_listed: tuple[tuple[str, str], ...] = ()

    @property
    def complete(self) -> bool:
        """Whether every robot listed all it holds."""
        return not self.not_listed

    @cached_property
    def merges(self) -> IdentityMerges:
        """The decisions of all robots."""
        merges = IdentityMerges()
        for robot in self.robots:
            for decision in robot.decisions:
                with suppress(ValueError):  # no pair of ids
                    merges.add_listed(decision)
        return merges

    @cached_property
    def gallery(self) -> dict[str, GalleryEntry]:
        """The gallery entries of all robots, by id."""
        return {entry.entry_id: entry for robot in self.robots for entry in robot.entries}

    @property
    def known_ids(self) -> set[str]:
        """Every person id with a sighting or a decision."""
        seen = {span.person_id for robot in self.robots for span in robot.persons}
        return seen.union(*self.merges.groups())

    def persons(self) -> tuple[KnownPerson, ...]:
        """Every person with a sighting, ordered by id."""
        spans: dict[str, list[tuple[str, PersonSpan]]] = {}
        for robot in self.robots:
            for span in robot.persons:
                spans.setdefault(self.merges.canonical(span.person_id), []).append((robot.robot_id, span))
        return tuple(self._person(canonical, spans[canonical]) for canonical in sorted(spans, key=id_order))

    def _person(self, canonical: str, spans: list[tuple[str, PersonSpan]]) -> KnownPerson:
        return KnownPerson(
            self.merges.group(canonical),
            tuple(sorted({robot for robot, _ in spans})),
            sum(span.sightings for _, span in spans),
            min(span.first_ns for _, span in spans),
            max(span.last_ns for _, span in spans),
        )


def people_of_robot(
    folder: Path, robot_id: str, instance_id: str = "", open_stores: Iterable[SightingStore] = ()
) -> RobotPeople:
    """What a robot's folder holds of persons; what cannot be read is named in ``error``.

    :param folder: the robot's own.
    :param open_stores: stores that are open already; those of other models are opened read-only.
    """
    errors: list[str] = []
    opened = {store.contract.id: store for store in open_stores}

    def read(function: Callable[[], Iterable[Any]]) -> tuple[Any, ...]:
        try:
            return tuple(function())
        except StoreError as error:
            errors.append(str(error))
            return ()

    def persons_of(model_id: str) -> tuple[PersonSpan, ...]:
        if model_id in opened:
            return opened[model_id].persons()
        with closing(SightingStore.open_readonly(folder, load_contract(folder, model_id))) as store:
            return store.persons()

    persons = [read(partial(persons_of, model_id)) for model_id in sorted({*stored_models(folder), *opened})]
    merge_log = MergeLog(folder)
    decisions = read(lambda: merge_log.read().decisions)
    if merge_log.damaged:
        errors.append(f"{merge_log.damaged} lines of {merge_log.path} are damaged")
    if aside := aside_sentence(folder):
        errors.append(f"{aside}: what they held is missing here; delete them to accept that")
    entries = read(GalleryStore(folder).read)
    return RobotPeople(robot_id, instance_id, "; ".join(errors), tuple(chain(*persons)), decisions, entries)
