"""Merges of person ids: the decisions on pairs of ids, and the persons that follow from them."""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

_DIGITS = re.compile(r"(\d+)")


@dataclass(frozen=True)
class MergeDecision:
    """Decision that two person ids are one person, or that they are not.

    :param record_id: unique; starts with a letter.
    :param first: the lower id by :func:`id_order`; ``second``: the higher one.
    :param same: one person, or two.
    :param by: robot or operator that decided.
    :param operator: whether a human decided, not a robot.
    :param version: counts the decisions on this pair.
    :param stamp_ns: nanoseconds since the epoch.
    :param reason: a few words.
    :param similarity: cosine of the faces; None where the decision does not rest on faces.
    :param model_id: of their embedder, empty without faces.
    """

    record_id: str
    first: str
    second: str
    same: bool
    by: str
    operator: bool
    version: int
    stamp_ns: int
    reason: str
    similarity: float | None = None
    model_id: str = ""

    @property
    def pair(self) -> tuple[str, str]:
        """The two ids, the lower one first."""
        return self.first, self.second

    @property
    def rank(self) -> tuple:
        """Priority among decisions on one pair: operator over robot, then later version, then "not the same"."""
        return self.operator, self.version, not self.same, self.record_id


def id_order(person_id: str) -> tuple:
    """Sort key of person ids, the same on every robot: numbers inside an id compare as numbers."""
    return tuple((int(part), "") if part.isdigit() else (-1, part) for part in _DIGITS.split(person_id)), person_id


def ordered(one: str, other: str) -> tuple[str, str]:
    """The pair of ids, the lower one first."""
    return (one, other) if id_order(one) < id_order(other) else (other, one)


class IdentityMerges:
    """All known merge decisions, and the groups of ids that they make one person.

    The groups depend on the set of decisions only, not on their order or repetition, so robots with the same decisions
    agree: of each pair the decision of the highest rank counts; pairs are joined by descending similarity, operators'
    first, except where that would join two ids decided to be different; the lowest id of a group is its canonical id.
    """

    def __init__(self, decisions: Iterable[MergeDecision] = ()):
        self._decisions: dict[tuple[str, str], MergeDecision] = {}
        self._canonical: dict[str, str] = {}
        self._groups: dict[str, tuple[str, ...]] = {}
        self._outdated = False
        for decision in decisions:
            self.add(decision)

    @property
    def decisions(self) -> tuple[MergeDecision, ...]:
        """The decision in force of each pair, in order of the pairs."""
        return tuple(sorted(self._decisions.values(), key=lambda decision: tuple(map(id_order, decision.pair))))

    def add(self, decision: MergeDecision) -> bool:
        """Add a decision; return whether it is newly in force.

        :raises ValueError: its ids are equal or in the wrong order.
        """
        if decision.first == decision.second or ordered(*decision.pair) != decision.pair:
            raise ValueError(f"{decision.first} and {decision.second} are no pair of ids, the lower one first")
        known = self._decisions.get(decision.pair)
        if known is not None and known.rank >= decision.rank:
            return False
        self._decisions[decision.pair] = decision
        self._outdated = True
        return True

    def forget(self, person_id: str) -> tuple[MergeDecision, ...]:
        """Remove and return every decision on an id."""
        removed = tuple(decision for decision in self._decisions.values() if person_id in decision.pair)
        for decision in removed:
            del self._decisions[decision.pair]
        self._outdated = True
        return removed

    def decision_on(self, one: str, other: str) -> MergeDecision | None:
        """The decision in force on two ids."""
        return self._decisions.get(ordered(one, other))

    def canonical(self, person_id: str) -> str:
        """The id that stands for a person; ``person_id`` itself where it is merged with none."""
        self._update_groups()
        return self._canonical.get(person_id, person_id)

    def group(self, person_id: str) -> tuple[str, ...]:
        """All ids of a person, the canonical one first."""
        canonical = self.canonical(person_id)
        return self._groups.get(canonical, (canonical,))

    def groups(self) -> tuple[tuple[str, ...], ...]:
        """The persons with more than one id."""
        self._update_groups()
        return tuple(self._groups[canonical] for canonical in sorted(self._groups, key=id_order))

    def can_merge(self, one: str, other: str) -> bool:
        """Whether no decision says that any id of one person differs from any id of the other."""
        return not self.conflicts(one, other)

    def conflicts(self, one: str, other: str) -> list[MergeDecision]:
        """The decisions in force that two persons, under any of their ids, are different."""
        found = (
            self.decision_on(first, second)
            for first in self.group(one)
            for second in self.group(other)
            if first != second
        )
        return [decision for decision in found if decision is not None and not decision.same]

    def _update_groups(self) -> None:
        if not self._outdated:
            return
        different = defaultdict(set)
        merges = []
        for decision in self._decisions.values():
            if decision.same:
                merges.append(decision)
            else:
                different[decision.first].add(decision.second)
                different[decision.second].add(decision.first)
        merges.sort(key=lambda decision: (not decision.operator, -(decision.similarity or 0.0), decision.pair))
        group_of: dict[str, set[str]] = {}
        for decision in merges:
            first, second = (group_of.setdefault(person_id, {person_id}) for person_id in decision.pair)
            if first is second or any(different[person_id] & second for person_id in first & different.keys()):
                continue
            first |= second
            group_of.update(dict.fromkeys(second, first))
        self._canonical, self._groups, self._outdated = {}, {}, False
        for group in {id(group): group for group in group_of.values() if len(group) > 1}.values():
            members = tuple(sorted(group, key=id_order))
            self._groups[members[0]] = members
            self._canonical.update(dict.fromkeys(members, members[0]))


def merge_decisions(
    merges: IdentityMerges,
    one: str,
    other: str,
    record_ids: Iterable[str],
    by: str,
    stamp_ns: int,
    reason: str,
    operator: bool = False,
    similarity: float | None = None,
    model_id: str = "",
) -> list[MergeDecision]:
    """Decisions that merge two persons: one on the two ids and, by an operator, one on each conflicting pair of ids.

    :param record_ids: ids for the records; as many are taken as needed.
    """
    pairs = [ordered(one, other)] if one != other else []
    if operator:
        pairs += [decision.pair for decision in merges.conflicts(one, other) if decision.pair not in pairs]
    return _decide(merges, pairs, True, record_ids, by, stamp_ns, reason, operator, similarity, model_id)


def split_decisions(
    merges: IdentityMerges,
    person_id: str,
    record_ids: Iterable[str],
    by: str,
    stamp_ns: int,
    reason: str,
    operator: bool = False,
) -> list[MergeDecision]:
    """Decisions that part an id from all ids that it is merged with."""
    pairs = [ordered(person_id, other) for other in merges.group(person_id) if other != person_id]
    return _decide(merges, pairs, False, record_ids, by, stamp_ns, reason, operator)


def _decide(
    merges: IdentityMerges,
    pairs: list[tuple[str, str]],
    same: bool,
    record_ids: Iterable[str],
    by: str,
    stamp_ns: int,
    reason: str,
    operator: bool,
    similarity: float | None = None,
    model_id: str = "",
) -> list[MergeDecision]:
    decisions = []
    for (first, second), record_id in zip(pairs, record_ids):
        known = merges.decision_on(first, second)
        version = known.version + 1 if known else 1
        source = (by, operator, version, stamp_ns, reason, similarity, model_id)
        decisions.append(MergeDecision(record_id, first, second, same, *source))
    return decisions
