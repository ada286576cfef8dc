"""Persons, merge decisions and gallery entries as the JSON of requests and receipts."""

import base64
import binascii
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

import numpy as np

from facetrack_ros.core import validation
from facetrack_ros.core.fleet.fleet_request import field_of, list_of
from facetrack_ros.core.printable import printable
from facetrack_ros.errors import InvalidInput
from facetrack_ros.history.people.gallery_store import MOST_ENTRIES
from facetrack_ros.history.people.merge_log import decision_from_dict
from facetrack_ros.history.sightings.table import PersonSpan
from facetrack_ros.search.fleet.fleet_answer import FleetAnswer
from facetrack_ros.search.people import FleetPeople, RobotPeople
from facetrack_ros.tracking.identity.gallery import GalleryEntry
from facetrack_ros.tracking.identity.gallery import entry_id as checked_id
from facetrack_ros.tracking.identity_merges import MAX_PAIRS, MergeDecision

# Persons of a robot; chosen by hand above what a store of ten million sightings has.
_MOST_PERSONS = 1_000_000
_LONGEST_TEXT = 200
_COLUMNS = ("ids", "sightings", "first_ns", "last_ns")
_ENTRY_TEXTS = ("name", "model_id", "source", "by")
_NOTHING = np.empty(0, np.float32)


def people_to_json(people: RobotPeople) -> dict[str, Any]:
    """What a robot holds of persons; gallery entries without their embeddings."""
    spans = [(span.person_id, span.sightings, span.first_ns, span.last_ns) for span in people.persons]
    columns = zip(*spans) if spans else ((),) * len(_COLUMNS)
    return {
        "error": people.error,
        "persons": {name: list(column) for name, column in zip(_COLUMNS, columns)},
        "decisions": [asdict(decision) for decision in people.decisions],
        "entries": entries_to_json(people.entries, embeddings=False),
    }


def people_from_json(values: dict[str, Any], robot_id: str, instance_id: str) -> RobotPeople:
    """What a robot holds of persons; gallery entries have empty embeddings. Texts are printable.

    :raises InvalidInput: a part of it cannot be used.
    """
    table = field_of(values, "persons", dict, {})
    ids, sightings, first, last = (
        list_of(table, name, str if name == "ids" else int, _MOST_PERSONS) for name in _COLUMNS
    )
    if len({len(ids), len(sightings), len(first), len(last)}) > 1:
        raise InvalidInput("its list of persons has columns of several lengths", "count")
    for person_id in ids:
        validation.identifier(person_id, "a listed person id", empty=True)
    spans = (
        PersonSpan(
            person,
            validation.count(number, "the sightings of a person", 2**63 - 1),
            validation.count(start, "the first stamp of a person", 2**63 - 1),
            validation.count(end, "the last stamp of a person", 2**63 - 1),
        )
        for person, number, start, end in zip(ids, sightings, first, last)
    )
    return RobotPeople(
        robot_id,
        instance_id,
        printable(field_of(values, "error", str, "")),
        tuple(spans),
        decisions_from_json(values),
        tuple(map(_listed_entry, list_of(values, "entries", dict, 2 * MOST_ENTRIES))),
    )


def people_of_answer(answer: FleetAnswer) -> FleetPeople:
    """The lists of an answer that can be used; robots whose list is missing, not whole or unusable are named."""
    robots, faults = [], {line.robot_id: line.reason for line in answer.lines if line.state != "done"}
    for line in answer.done:
        try:
            people = people_from_json(line.values, line.robot_id, line.instance_id)
        except InvalidInput as error:
            faults[line.robot_id] = f"its list cannot be used: {error}"
            continue
        robots.append(people)
        if people.error:
            faults[line.robot_id] = people.error
    return FleetPeople(tuple(robots), tuple(sorted(faults.items())))


def decisions_to_json(decisions: Iterable[MergeDecision]) -> dict[str, Any]:
    """Merge decisions as a body."""
    return {"decisions": [asdict(decision) for decision in decisions]}


def decisions_from_json(values: dict[str, Any]) -> tuple[MergeDecision, ...]:
    """Merge decisions of a body.

    :raises InvalidInput: one cannot be used.
    """
    return tuple(map(decision_from_dict, list_of(values, "decisions", dict, MAX_PAIRS)))


def entries_to_json(entries: Iterable[GalleryEntry], embeddings: bool = True) -> list[dict[str, Any]]:
    """Gallery entries; embeddings as little-endian float32 in base64."""
    listed = []
    for entry in entries:
        values = asdict(entry) | {"quality": float(entry.quality)}
        vector = np.ascontiguousarray(entry.embedding, "<f4").tobytes()
        values["embedding"] = base64.b64encode(vector).decode() if embeddings else ""
        listed.append(values)
    return listed


def entries_from_json(values: dict[str, Any], most: int) -> list[GalleryEntry]:
    """Gallery entries with their embeddings; each is to be checked by the store that takes it.

    :raises InvalidInput: one cannot be used.
    """
    return [_entry(each, _embedding(each)) for each in list_of(values, "entries", dict, most)]


def _embedding(values: dict[str, Any]) -> np.ndarray:
    try:
        data = base64.b64decode(field_of(values, "embedding", str), validate=True)
        return np.frombuffer(data, "<f4").astype(np.float32)
    except (ValueError, binascii.Error) as error:
        raise InvalidInput("the embedding of a gallery entry is no float32 in base64", "embedding") from error


def _entry(values: dict[str, Any], embedding: np.ndarray) -> GalleryEntry:
    texts = {name: printable(field_of(values, name, str, ""), _LONGEST_TEXT) for name in _ENTRY_TEXTS}
    return GalleryEntry(
        entry_id=checked_id(field_of(values, "entry_id", str)),
        embedding=embedding,
        quality=validation.number(values.get("quality"), "the quality of a gallery entry", 0.0, 1.0),
        watch=field_of(values, "watch", bool, False),
        stamp_ns=validation.stamp(field_of(values, "stamp_ns", int, 0), "the time of a gallery entry"),
        **texts,
    )


def _listed_entry(values: dict[str, Any]) -> GalleryEntry:
    return _entry(values, _NOTHING)
