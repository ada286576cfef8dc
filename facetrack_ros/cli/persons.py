"""``facetrack persons``: who is known under which ids; join two, or part them again."""

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


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The subcommand's arguments."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    for action, summary in (
        ("list", "everybody, with all their ids and why they are one"),
        ("merge", "say that two ids are one person"),
        ("split", "say that an id is none of those it was joined with"),
    ):
        each = actions.add_parser(action, help=summary, description=summary[0].upper() + summary[1:] + ".")
        each.add_argument("--data", metavar="DIR", help="stored histories instead of the mesh, one folder a robot")
        if action == "list":
            each.add_argument("--json", action="store_true", help="one JSON object a person and line")
        else:
            each.add_argument("--reason", default="by eye", metavar="TEXT", help="kept with the record")
    actions.choices["merge"].add_argument("ids", nargs=2, metavar="ID")
    actions.choices["split"].add_argument("ids", nargs=1, metavar="ID")


def run(arguments: argparse.Namespace) -> int:
    """List, merge or split."""
    if arguments.action == "list":
        return _list_stored(arguments) if arguments.data else _list_live(arguments)
    return _decide_stored(arguments) if arguments.data else _decide_live(arguments)


def _list_stored(arguments: argparse.Namespace) -> int:
    from facetrack_ros.search.offline.persons import stored_merges, stored_persons

    folder = Path(arguments.data)
    return _show(
        [
            {
                "person_id": person.ids[0],
                "ids": list(person.ids),
                "robots": list(person.robots),
                "sightings": person.sightings,
                "first": person.first_ns / 1e9,
                "last": person.last_ns / 1e9,
            }
            for person in stored_persons(folder)
        ],
        stored_merges(folder),
        arguments.json,
    )


def _list_live(arguments: argparse.Namespace) -> int:
    from facetrack_ros.client.people_client import PeopleClient

    with PeopleClient() as people:
        groups = {people.merges.canonical(person_id): people.merges.group(person_id) for person_id in people.seen}
        lines = [
            {
                "person_id": settled,
                "ids": list(groups[settled]),
                "robots": sorted(set().union(*(people.seen.get(each, set()) for each in groups[settled]))),
            }
            for settled in sorted(groups, key=id_order)
        ]
        return _show(lines, people.merges, arguments.json)


def _show(persons: list[dict], aliases: IdentityMerges, as_json: bool) -> int:
    for person in persons:
        verdicts = [verdict for verdict in aliases.decisions if set(verdict.pair) & set(person["ids"])]
        if as_json:
            print(json.dumps(person | {"verdicts": [_evidence(verdict) for verdict in verdicts]}))
            continue
        line = f"{person['person_id']:<16} {', '.join(person['robots'])}"
        if "sightings" in person:
            line += (
                f"  {person['sightings']} sightings, {show_utc(round(person['first'] * 1e9))} to "
                f"{show_utc(round(person['last'] * 1e9))} UTC"
            )
        print(line)
        for verdict in verdicts:
            likeness = "" if verdict.similarity is None else f", similarity {verdict.similarity:.2f}"
            other = verdict.second if verdict.first in person["ids"] else verdict.first
            print(
                f"  {'is' if verdict.same else 'is not'} {other if verdict.same else ' and '.join(verdict.pair)}: "
                f"{verdict.reason}{likeness} (by {verdict.by}, {show_utc(verdict.stamp_ns)} UTC, {verdict.record_id})"
            )
    if not persons and not as_json:
        print("nobody is known by face")
    return 0 if persons else 1


def _evidence(verdict: MergeDecision) -> dict:
    return {
        "record_id": verdict.record_id,
        "first": verdict.first,
        "second": verdict.second,
        "same": verdict.same,
        "by": verdict.by,
        "operator": verdict.operator,
        "stamp": verdict.stamp_ns / 1e9,
        "reason": verdict.reason,
        "similarity": verdict.similarity,
        "model_id": verdict.model_id,
    }


def _decide_stored(arguments: argparse.Namespace) -> int:
    from facetrack_ros.history.layout import history_folders
    from facetrack_ros.history.people.merge_log import MergeLog
    from facetrack_ros.search.offline.persons import stored_merges, stored_persons

    folder = Path(arguments.data)
    aliases = stored_merges(folder)
    known = {each for person in stored_persons(folder) for each in person.ids}
    verdicts = _verdicts(arguments, aliases, known)
    for robot in history_folders(folder):
        if not robot.error:
            MergeLog(robot.path).append(verdicts)
    return _say(arguments, aliases, verdicts)


def _decide_live(arguments: argparse.Namespace) -> int:
    from facetrack_ros.client.people_client import PeopleClient

    with PeopleClient() as people:
        known = {*people.seen, *(each for group in people.merges.groups() for each in group)}
        verdicts = _verdicts(arguments, people.merges, known)
        people.publish_decisions(verdicts)
        return _say(arguments, people.merges, verdicts)


def _verdicts(arguments: argparse.Namespace, aliases: IdentityMerges, known: set[str]) -> list[MergeDecision]:
    for person_id in arguments.ids:
        if person_id not in known:
            raise RequestError(f"nobody is known as {person_id}; `facetrack persons list` names everybody")
    who = getpass.getuser()
    record_ids = (f"a_{uuid.uuid4().hex[:12]}" for _ in itertools.count())
    if arguments.action == "merge":
        if aliases.canonical(arguments.ids[0]) == aliases.canonical(arguments.ids[1]):
            raise RequestError(f"{' and '.join(arguments.ids)} are one person already")
        return merge_decisions(
            aliases, *arguments.ids, record_ids, who, time.time_ns(), arguments.reason, operator=True
        )
    verdicts = split_decisions(
        aliases, arguments.ids[0], record_ids, who, time.time_ns(), arguments.reason, operator=True
    )
    if not verdicts:
        raise RequestError(f"{arguments.ids[0]} was never joined with another id")
    return verdicts


def _say(arguments: argparse.Namespace, aliases: IdentityMerges, verdicts: list[MergeDecision]) -> int:
    for verdict in verdicts:
        aliases.add(verdict)
    if arguments.action == "merge":
        print(
            f"{' and '.join(arguments.ids)} are one person, {aliases.canonical(arguments.ids[0])}; "
            f"undo it with: facetrack persons split {arguments.ids[1]}"
        )
    else:
        print(
            f"{arguments.ids[0]} stands for itself again, apart from "
            f"{', '.join(sorted({each for verdict in verdicts for each in verdict.pair} - set(arguments.ids)))}"
        )
    return 0
