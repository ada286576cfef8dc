"""``facetrack persons``: lists known persons, merges two ids, or splits them again."""

import argparse
import itertools
import json
import sys
import time
import uuid
from collections.abc import Collection, Iterable
from typing import Any

from facetrack_ros.cli.audit.operator import add_operator_arguments, record_stored, said
from facetrack_ros.cli.exit_codes import DONE, NOTHING_FOUND, PARTIAL
from facetrack_ros.cli.mesh_option import add_mesh_argument, mesh_prefix
from facetrack_ros.core.utc import show_utc
from facetrack_ros.core.validation import plain_text
from facetrack_ros.errors import PartialError, RequestError
from facetrack_ros.search.fleet.fleet_answer import DONE as ANSWER_DONE
from facetrack_ros.search.fleet.fleet_answer import MISSING, REFUSED, FleetAnswer, RobotLine, reasons
from facetrack_ros.search.people import FleetPeople, KnownPerson
from facetrack_ros.tracking.decision_check import LONGEST_REASON
from facetrack_ros.tracking.identity_merges import IdentityMerges, MergeDecision, merge_decisions, split_decisions

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
        add_mesh_argument(each)
        each.add_argument("--data", metavar="DIR", help="stored histories instead of the mesh, one folder per robot")
        if action == "list":
            each.add_argument("--json", action="store_true", help="one JSON object per person and line")
        else:
            each.add_argument("--reason", default="by eye", metavar="TEXT", help="stored with the decision")
            add_operator_arguments(each, reason=False)
            each.add_argument("ids", nargs=2 if action == "merge" else 1, metavar="ID")
            each.add_argument("--json", action="store_true", help="one JSON object, with the answer of each robot")


def run(arguments: argparse.Namespace) -> int:
    """List, merge or split."""
    if arguments.action == "list":
        return _list(arguments)
    return _decide_stored(arguments) if arguments.data else _decide_live(arguments)


def _list(arguments: argparse.Namespace) -> int:
    people = _people(arguments)
    persons = people.persons()
    for person in persons:
        decisions = [decision for decision in people.merges.decisions if set(decision.pair) & set(person.ids)]
        print(_to_json(person, decisions, people) if arguments.json else _to_text(person, decisions))
    if not persons and not arguments.json:
        print(f"no person is recorded by {', '.join(robot.robot_id for robot in people.robots) or 'any robot'}")
    return report_not_listed(people.not_listed, DONE if persons else NOTHING_FOUND)


def _people(arguments: argparse.Namespace) -> FleetPeople:
    """What the stored or running robots hold of persons."""
    if arguments.data:
        from facetrack_ros.search.offline.persons import stored_people

        return stored_people(arguments.data)
    from facetrack_ros.client.people_client import PeopleClient

    with PeopleClient(mesh=mesh_prefix(arguments)) as client:
        return client.people()


def report_not_listed(not_listed: Iterable[tuple[str, str]], code: int) -> int:
    """Print each robot whose list is missing or not whole to stderr.

    :returns: the exit code: 3 where there is such a robot, else ``code``.
    """
    for robot, why in not_listed:
        print(f"not listed in full: {robot}: {why}", file=sys.stderr)
        code = PARTIAL
    return code


def _to_json(person: KnownPerson, decisions: list[MergeDecision], people: FleetPeople) -> str:
    return json.dumps(
        {
            "person_id": person.ids[0],
            "ids": list(person.ids),
            "robots": list(person.robots),
            "sightings": person.sightings,
            "first": person.first_ns / 1e9,
            "last": person.last_ns / 1e9,
            "complete": people.complete,
            "not_listed": [{"robot_id": robot, "reason": why} for robot, why in people.not_listed],
            "verdicts": [_decision_to_dict(decision) for decision in decisions],
        }
    )


def _to_text(person: KnownPerson, decisions: list[MergeDecision]) -> str:
    lines = [
        f"{person.ids[0]:<16} {', '.join(person.robots)}  {person.sightings} sightings, {show_utc(person.first_ns)} to "
        f"{show_utc(person.last_ns)} UTC"
    ]
    lines += [f"  {_decision_line(decision, person.ids)}" for decision in decisions]
    return "\n".join(lines)


def _decision_line(decision: MergeDecision, ids: Collection[str]) -> str:
    other = decision.second if decision.first in ids else decision.first
    if decision.suggestion or (decision.same and other not in ids):
        claim = f"may be {other}"
    else:
        claim = f"is {other}" if decision.same else f"is not {' and '.join(decision.pair)}"
    return (
        f"{claim}: {decision.reason}{decision.grounds} "
        f"(by {decision.by}, {show_utc(decision.stamp_ns)} UTC, {decision.record_id})"
    )


def _decision_to_dict(decision: MergeDecision) -> dict:
    names = (
        *("record_id", "first", "second", "same", "suggestion", "by", "operator", "stamp", "reason"),
        *("similarity", "template_similarity", "margin", "faces", "model_id"),
    )
    return {name: decision.stamp_ns / 1e9 if name == "stamp" else getattr(decision, name) for name in names}


def _decide_stored(arguments: argparse.Namespace) -> int:
    from facetrack_ros.history.audit.audit_log import MERGE, SPLIT, decision_record
    from facetrack_ros.history.layout import history_folders
    from facetrack_ros.history.requests.people_changes import merge_persons, split_person

    people = _people(arguments)
    decisions = _decide(arguments, people)
    lines = [RobotLine(robot, MISSING, why) for robot, why in people.not_listed]
    for robot in history_folders(arguments.data):
        if not robot.error:
            try:
                if arguments.action == "merge":
                    merge_persons(robot.path, arguments.ids, decisions)
                else:
                    split_person(robot.path, arguments.ids[0], decisions)
                for decision in decisions:
                    record_stored(robot, MERGE if decision.same else SPLIT, decision_record(decision))
                lines.append(RobotLine(robot.robot_id, ANSWER_DONE))
            except RequestError as error:
                lines.append(RobotLine(robot.robot_id, REFUSED, str(error)))
    return _print_outcome(arguments, people, decisions, FleetAnswer("", tuple(lines)))


def _decide_live(arguments: argparse.Namespace) -> int:
    from facetrack_ros.client.people_client import PeopleClient

    with PeopleClient(mesh_prefix(arguments), None, **said(arguments)) as client:
        people = client.people()
        decisions = _decide(arguments, people)
        if arguments.action == "merge":
            answer = client.merge(arguments.ids, decisions, arguments.reason)
        else:
            answer = client.split(arguments.ids[0], decisions, arguments.reason)
    return _print_outcome(arguments, people, decisions, answer)


def _decide(arguments: argparse.Namespace, people: FleetPeople) -> list[MergeDecision]:
    """The decisions that merge or split the given ids.

    :raises PartialError: an unknown id, and a robot that may know it is not listed.
    :raises RequestError: an unknown id, or there is nothing to merge or split.
    """
    merges = people.merges
    plain_text(arguments.reason, "--reason", LONGEST_REASON)
    for person_id in arguments.ids:
        if person_id not in people.known_ids:
            unlisted = "; ".join(f"{robot} is not listed in full: {why}" for robot, why in people.not_listed)
            error = PartialError if unlisted else RequestError
            raise error(
                f"no robot knows a person {person_id}; see `facetrack persons list`{'; ' if unlisted else ''}{unlisted}"
            )
    record_ids = (f"a_{uuid.uuid4().hex[:12]}" for _ in itertools.count())
    record = (record_ids, said(arguments)["operator"], time.time_ns(), arguments.reason)
    if arguments.action == "merge":
        if merges.canonical(arguments.ids[0]) == merges.canonical(arguments.ids[1]):
            raise RequestError(f"{' and '.join(arguments.ids)} are one person already")
        first, second = arguments.ids
        return merge_decisions(merges, first, second, *record, operator=True)
    decisions = split_decisions(merges, arguments.ids[0], *record, operator=True)
    if not decisions:
        raise RequestError(f"{arguments.ids[0]} was never merged with another id")
    return decisions


def _print_outcome(
    arguments: argparse.Namespace, people: FleetPeople, decisions: list[MergeDecision], answer: FleetAnswer
) -> int:
    """Print what took effect, and where it did not.

    :param people: what the robots held before.
    :raises PartialError: it took effect nowhere.
    """
    ids = arguments.ids
    others = sorted({each for decision in decisions for each in decision.pair} - set(ids))
    canonical = IdentityMerges((*people.merges.decisions, *decisions)).canonical(ids[0])
    if arguments.json:
        said = {"ids": ids, "person_id": canonical, "apart_from": others if arguments.action == "split" else []}
        print(json.dumps({**said, **answer_to_dict(answer)}))
    elif not answer.done:
        raise PartialError(f"nothing has changed: {reasons(answer.not_done)}")
    elif arguments.action == "merge":
        print(f"{' and '.join(ids)} are one person, {canonical}; undo it with: facetrack persons split {ids[1]}")
    else:
        print(f"{ids[0]} is a person of its own again, apart from {', '.join(others)}")
    return report_not_done(answer)


def answer_to_dict(answer: FleetAnswer) -> dict[str, Any]:
    """What the robots answered, for the JSON of a command."""
    return {"complete": answer.complete, "answers": answer.to_json()}


def report_not_done(answer: FleetAnswer) -> int:
    """Print each robot that refused, or whose answer is missing, to stderr.

    :returns: the exit code: 3 where there is such a robot, else 0.
    """
    for line in answer.lines:
        if line.state != ANSWER_DONE:
            said = "refused by" if line.state == REFUSED else "not yet on"
            print(f"{said} {line.robot_id}: {line.reason}", file=sys.stderr)
    return DONE if answer.complete else PARTIAL
