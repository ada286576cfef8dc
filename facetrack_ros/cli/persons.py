"""``facetrack persons``: lists known persons, merges two ids, or splits them again."""

import argparse
import getpass
import itertools
import json
import time
import uuid
from pathlib import Path

from facetrack_ros.cli.time_format import show_utc
from facetrack_ros.errors import RequestError
from facetrack_ros.tracking.identity_merges import (
    IdentityMerges,
    MergeDecision,
    id_order,
    merge_decisions,
    split_decisions,
)

_ACTIONS = {
    "list": "list persons with all their ids, and the decisions that merged them",
    "merge": "declare that two ids are one person",
    "split": "declare that an id is none of the persons it was merged with",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the subcommand."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    for action, summary in _ACTIONS.items():
        each = actions.add_parser(action, help=summary, description=summary[0].upper() + summary[1:] + ".")
        each.add_argument("--data", metavar="DIR", help="stored histories instead of the mesh, one folder per robot")
        if action == "list":
            each.add_argument("--json", action="store_true", help="one JSON object per person and line")
        else:
            each.add_argument("--reason", default="by eye", metavar="TEXT", help="stored with the decision")
            each.add_argument("ids", nargs=2 if action == "merge" else 1, metavar="ID")


def run(arguments: argparse.Namespace) -> int:
    """List, merge or split."""
    if arguments.action == "list":
        return _list_stored(arguments) if arguments.data else _list_live(arguments)
    return _decide_stored(arguments) if arguments.data else _decide_live(arguments)


def _list_stored(arguments: argparse.Namespace) -> int:
    from facetrack_ros.search.offline.persons import stored_merges, stored_persons

    persons = [
        {
            "person_id": person.ids[0],
            "ids": list(person.ids),
            "robots": list(person.robots),
            "sightings": person.sightings,
            "first": person.first_ns / 1e9,
            "last": person.last_ns / 1e9,
        }
        for person in stored_persons(arguments.data)
    ]
    return _print_persons(persons, stored_merges(arguments.data), arguments.json)


def _list_live(arguments: argparse.Namespace) -> int:
    from facetrack_ros.client.people_client import PeopleClient

    with PeopleClient() as people:
        groups = {people.merges.canonical(person_id): people.merges.group(person_id) for person_id in people.seen}
        persons = [
            {
                "person_id": canonical,
                "ids": list(groups[canonical]),
                "robots": sorted(set().union(*(people.seen.get(each, set()) for each in groups[canonical]))),
            }
            for canonical in sorted(groups, key=id_order)
        ]
        return _print_persons(persons, people.merges, arguments.json)


def _print_persons(persons: list[dict], merges: IdentityMerges, as_json: bool) -> int:
    for person in persons:
        decisions = [decision for decision in merges.decisions if set(decision.pair) & set(person["ids"])]
        if as_json:
            print(json.dumps(person | {"verdicts": [_decision_to_dict(decision) for decision in decisions]}))
            continue
        line = f"{person['person_id']:<16} {', '.join(person['robots'])}"
        if "sightings" in person:
            line += (
                f"  {person['sightings']} sightings, {show_utc(round(person['first'] * 1e9))} to "
                f"{show_utc(round(person['last'] * 1e9))} UTC"
            )
        print(line)
        for decision in decisions:
            print(f"  {_decision_line(decision, person['ids'])}")
    if not persons and not as_json:
        print("no person is known")
    return 0 if persons else 1


def _decision_line(decision: MergeDecision, ids: list[str]) -> str:
    other = decision.second if decision.first in ids else decision.first
    claim = f"is {other}" if decision.same else f"is not {' and '.join(decision.pair)}"
    similarity = "" if decision.similarity is None else f", similarity {decision.similarity:.2f}"
    return (
        f"{claim}: {decision.reason}{similarity} "
        f"(by {decision.by}, {show_utc(decision.stamp_ns)} UTC, {decision.record_id})"
    )


def _decision_to_dict(decision: MergeDecision) -> dict:
    names = ("record_id", "first", "second", "same", "by", "operator", "stamp", "reason", "similarity", "model_id")
    return {name: decision.stamp_ns / 1e9 if name == "stamp" else getattr(decision, name) for name in names}


def _decide_stored(arguments: argparse.Namespace) -> int:
    from facetrack_ros.history.layout import history_folders
    from facetrack_ros.history.people.merge_log import MergeLog
    from facetrack_ros.search.offline.persons import stored_merges, stored_persons

    folder = Path(arguments.data)
    merges = stored_merges(folder)
    decisions = _decide(arguments, merges, {each for person in stored_persons(folder) for each in person.ids})
    for robot in history_folders(folder):
        if not robot.error:
            MergeLog(robot.path).append(decisions)
    return _print_decisions(arguments, merges, decisions)


def _decide_live(arguments: argparse.Namespace) -> int:
    from facetrack_ros.client.people_client import PeopleClient

    with PeopleClient() as people:
        known = {*people.seen, *itertools.chain.from_iterable(people.merges.groups())}
        decisions = _decide(arguments, people.merges, known)
        people.publish_decisions(decisions)
        return _print_decisions(arguments, people.merges, decisions)


def _decide(arguments: argparse.Namespace, merges: IdentityMerges, known: set[str]) -> list[MergeDecision]:
    """The decisions that merge or split the given ids.

    :param known: all person ids.
    :raises RequestError: an unknown id, or there is nothing to merge or split.
    """
    for person_id in arguments.ids:
        if person_id not in known:
            raise RequestError(f"nobody is known as {person_id}; see `facetrack persons list`")
    record_ids = (f"a_{uuid.uuid4().hex[:12]}" for _ in itertools.count())
    record = (record_ids, getpass.getuser(), time.time_ns(), arguments.reason)
    if arguments.action == "merge":
        if merges.canonical(arguments.ids[0]) == merges.canonical(arguments.ids[1]):
            raise RequestError(f"{' and '.join(arguments.ids)} are one person already")
        first, second = arguments.ids
        return merge_decisions(merges, first, second, *record, operator=True)
    decisions = split_decisions(merges, arguments.ids[0], *record, operator=True)
    if not decisions:
        raise RequestError(f"{arguments.ids[0]} was never merged with another id")
    return decisions


def _print_decisions(arguments: argparse.Namespace, merges: IdentityMerges, decisions: list[MergeDecision]) -> int:
    for decision in decisions:
        merges.add(decision)
    if arguments.action == "merge":
        print(
            f"{' and '.join(arguments.ids)} are one person, {merges.canonical(arguments.ids[0])}; "
            f"undo it with: facetrack persons split {arguments.ids[1]}"
        )
    else:
        others = {each for decision in decisions for each in decision.pair} - set(arguments.ids)
        print(f"{arguments.ids[0]} is a person of its own again, apart from {', '.join(sorted(others))}")
    return 0
