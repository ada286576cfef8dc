"""Merges of person ids: the decisions on pairs of ids, and the persons that follow from them."""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace

from facetrack_ros.core.fair_share import FairShare
from facetrack_ros.errors import InvalidInput

_DIGITS = re.compile(r"([0-9]+)")
#: Highest version: that of a uint32, in which messages hold it.
MAX_VERSION = 2**32 - 1
#: A version received may be this far above the one known of the pair, 0 where there is none; one beyond counts as the
#: next. Honest decisions count by one, and a robot that was away for long misses some tens.
MAX_STEP = 100
#: A version read from a file or list may be this high; one beyond counts as the next. Only an attack leads there.
MAX_LISTED = 2**31
#: Pairs with a decision. 20 robots that each gave an id to 10,000 people and merged three of them need 30,000.
MAX_PAIRS = 100_000


@dataclass(frozen=True)
class MergeEvidence:
    """What a decision rests on: two face templates; all None where it does not rest on faces.

    :param similarity: the lower of the best pair of faces and of the means, cosine.
    :param model_id: of the embedder, empty without faces.
    :param template_similarity: of the means, cosine.
    :param margin: lead of that over the next best other person; None also where there is none.
    :param faces: pairs of faces above the threshold.
    """

    similarity: float | None = None
    model_id: str = ""
    template_similarity: float | None = None
    margin: float | None = None
    faces: int | None = None


#: Of a decision that does not rest on faces.
NO_EVIDENCE = MergeEvidence()


@dataclass(frozen=True)
class MergeDecision:
    """Decision that two person ids are one person, or that they are not; or a suggestion that they may be one.

    :param record_id: unique; starts with a letter.
    :param first: the lower id by :func:`id_order`; ``second``: the higher one.
    :param same: one person, or two.
    :param by: robot or operator that decided.
    :param operator: whether a human decided, not a robot.
    :param version: counts the decisions on this pair; 0: a suggestion, which merges nothing.
    :param stamp_ns: nanoseconds since the epoch.
    :param reason: a few words.
    :param similarity: and all that follow: see :class:`MergeEvidence`. Robots' decisions without ``faces`` are of
        versions that merged by one pair of faces.
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
    template_similarity: float | None = None
    margin: float | None = None
    faces: int | None = None

    @property
    def suggestion(self) -> bool:
        """Whether it only says that the two may be one person."""
        return self.same and self.version == 0

    @property
    def sentence(self) -> str:
        """What it says, and what it stands on."""
        claim = "may be one person" if self.suggestion else f"are {'' if self.same else 'not '}one person"
        return f"{self.first} and {self.second} {claim}: {self.reason}{self.grounds}"

    @property
    def grounds(self) -> str:
        """The measures it stands on, each after a comma; empty without faces."""
        measures = (("similarity", self.similarity), ("of templates", self.template_similarity), ("lead", self.margin))
        said = [f", {name} {value:.3f}" for name, value in measures if value is not None]
        return "".join(said) + (f", {self.faces} pairs of faces" if self.faces else "")

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
    parts = _DIGITS.split(person_id)
    return tuple((int(part), "") if row % 2 else (-1, part) for row, part in enumerate(parts)), person_id


def ordered(one: str, other: str) -> tuple[str, str]:
    """The pair of ids, the lower one first."""
    return (one, other) if id_order(one) < id_order(other) else (other, one)


class IdentityMerges:
    """All known merge decisions, and the groups of ids that they make one person.

    The groups depend on the set of decisions only, not on their order or repetition, so robots with the same decisions
    agree: of each pair the decision of the highest rank counts; pairs are joined by descending similarity, operators'
    first, except where that would join two ids decided to be different; the lowest id of a group is its canonical id.
    A robot's decision joins two groups only where each id of one is decided to be the same as each id of the other:
    that A is B and B is C does not make A and C one person. What an operator joined counts as one id.

    :param most_pairs: beyond that many pairs, the oldest decision of the author with most of them is dropped.
    """

    def __init__(self, decisions: Iterable[MergeDecision] = (), most_pairs: int = MAX_PAIRS):
        self._decisions: FairShare[tuple[str, str], MergeDecision] = FairShare(most_pairs)
        self._canonical: dict[str, str] = {}
        self._groups: dict[str, tuple[str, ...]] = {}
        # The pairs of each id with a decision, and the ids whose groups are to be found anew.
        self._pairs: dict[str, set[tuple[str, str]]] = {}
        self._changed: set[str] = set()
        for decision in decisions:
            self.add_listed(decision)

    @property
    def decisions(self) -> tuple[MergeDecision, ...]:
        """The decision in force of each pair, in order of the pairs."""
        return tuple(sorted(self._decisions.values(), key=lambda decision: tuple(map(id_order, decision.pair))))

    def add(self, decision: MergeDecision) -> bool:
        """Add a decision; return whether it is newly in force.

        A version farther than :data:`MAX_STEP` above the one known counts as the next, so that there is always a higher
        one: :meth:`decision_on` returns what is in force.

        :raises InvalidInput: its ids are equal or in the wrong order.
        """
        return self._add(decision, 0)

    def add_listed(self, decision: MergeDecision) -> bool:
        """Like :meth:`add`, for what is read from a robot's file or list: its version may be far above the one known.

        :raises InvalidInput: its ids are equal or in the wrong order.
        """
        return self._add(decision, MAX_LISTED)

    def _add(self, decision: MergeDecision, plausible: int) -> bool:
        if decision.first == decision.second or ordered(*decision.pair) != decision.pair:
            raise InvalidInput(
                f"{decision.first} and {decision.second} are no pair of ids, the lower one first", "pair"
            )
        known = self._decisions.get(decision.pair)
        version = known.version if known is not None else 0
        if decision.version > min(max(version + MAX_STEP, plausible), MAX_VERSION):
            if known is not None and known.record_id == decision.record_id:
                return False
            decision = replace(decision, version=min(version + 1, MAX_VERSION))
        if known is not None and known.rank >= decision.rank:
            return False
        dropped = self._decisions.put(decision.by, decision.pair, decision)
        for person_id in decision.pair:
            self._pairs.setdefault(person_id, set()).add(decision.pair)
        self._changed.update(decision.pair)
        if dropped is not None:
            self._unlink(dropped)
        return True

    def _unlink(self, decision: MergeDecision) -> None:
        """Note that a decision is gone."""
        for person_id in decision.pair:
            pairs = self._pairs[person_id]
            pairs.discard(decision.pair)
            if not pairs:
                del self._pairs[person_id]
        self._changed.update(decision.pair)

    def forget(self, person_id: str) -> tuple[MergeDecision, ...]:
        """Remove and return every decision on an id."""
        removed = tuple(self._decisions[pair] for pair in self._pairs.get(person_id, ()))
        for decision in removed:
            self._decisions.pop(decision.pair)
            self._unlink(decision)
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
        """Find the groups anew of the ids that changed, and of all that decisions link with them: what is not linked
        with an id has no part in its group."""
        if not self._changed:
            return
        linked = self._linked({member for person_id in self._changed for member in self._known_group(person_id)})
        pairs = {pair for person_id in linked for pair in self._pairs.get(person_id, ())}
        decisions = [self._decisions[pair] for pair in pairs]
        in_force = [each for each in decisions if not each.suggestion and linked.issuperset(each.pair)]
        self._changed.clear()
        for person_id in linked:
            self._groups.pop(self._canonical.pop(person_id, ""), None)
        for members in _groups_of(in_force):
            self._groups[members[0]] = members
            self._canonical.update(dict.fromkeys(members, members[0]))

    def _known_group(self, person_id: str) -> tuple[str, ...]:
        """The ids of a person as found last."""
        return self._groups.get(self._canonical.get(person_id, ""), (person_id,))

    def _linked(self, person_ids: set[str]) -> set[str]:
        """The ids that decisions for one person link with any of these, over any number of steps; and these."""
        linked, new = set(person_ids), list(person_ids)
        while new:
            for pair in self._pairs.get(new.pop(), ()):
                decision = self._decisions[pair]
                if decision.same and not decision.suggestion:
                    found = set(pair) - linked
                    linked |= found
                    new += found
        return linked


def _groups_of(in_force: list[MergeDecision]) -> list[tuple[str, ...]]:
    """The groups of several ids that decisions make one person, each in order of the ids."""
    same = sorted(
        (decision for decision in in_force if decision.same),
        key=lambda decision: (not decision.operator, -(decision.similarity or 0.0), decision.pair),
    )
    grouping = _Grouping(decision.pair for decision in in_force if not decision.same)
    for decision in same:
        if decision.operator or decision.faces is None:
            grouping.join(*decision.pair)
    grouping.join_linked([decision.pair for decision in same if not decision.operator and decision.faces])
    return grouping.groups()


class _Grouping:
    """Groups of ids that grow by joining two at a time.

    :param different: pairs that must not be in one group.
    """

    def __init__(self, different: Iterable[tuple[str, str]]):
        self._different: dict[str, set[str]] = defaultdict(set)
        for one, other in different:
            self._different[one].add(other)
            self._different[other].add(one)
        self._group_of: dict[str, set[str]] = {}

    def _group(self, person_id: str) -> set[str]:
        return self._group_of.setdefault(person_id, {person_id})

    def join(self, one: str, other: str) -> None:
        """Join the groups of two ids, unless that would join two that are different."""
        first, second = self._group(one), self._group(other)
        if first is second or any(self._different[each] & second for each in first & self._different.keys()):
            return
        first |= second
        self._group_of.update(dict.fromkeys(second, first))

    def join_linked(self, pairs: list[tuple[str, str]]) -> None:
        """Join groups by pairs, in this order, where a pair links each id of one with each id of the other.

        The groups before count as single ids.
        """
        ids = {person_id for pair in pairs for person_id in pair}
        unit = {member: min(group) for group in map(self._group, ids) for member in group}
        linked = {frozenset((unit[one], unit[other])) for one, other in pairs}
        for one, other in pairs:
            first, second = ({unit[member] for member in self._group(end)} for end in (one, other))
            if all(frozenset((left, right)) in linked for left in first for right in second):
                self.join(one, other)

    def groups(self) -> list[tuple[str, ...]]:
        """The ids of each group of several, in order."""
        groups = {id(group): group for group in self._group_of.values() if len(group) > 1}.values()
        return [tuple(sorted(group, key=id_order)) for group in groups]


def merge_decisions(
    merges: IdentityMerges,
    one: str,
    other: str,
    record_ids: Iterable[str],
    by: str,
    stamp_ns: int,
    reason: str,
    operator: bool = False,
    evidence: MergeEvidence = NO_EVIDENCE,
) -> list[MergeDecision]:
    """Decisions that merge two persons.

    By an operator, one on the two ids and one on each conflicting pair of ids; by a robot, one on each pair of an id of
    one person and an id of the other.

    :param record_ids: ids for the records; as many are taken as needed.
    """
    pairs = [ordered(one, other)] if one != other else []
    if operator:
        pairs += [decision.pair for decision in merges.conflicts(one, other) if decision.pair not in pairs]
    elif merges.canonical(one) != merges.canonical(other):
        across = (ordered(first, second) for first in merges.group(one) for second in merges.group(other))
        known = ((pair, merges.decision_on(*pair)) for pair in across)
        pairs = [pair for pair, decision in known if decision is None or decision.suggestion]
    return _decide(merges, pairs, True, record_ids, by, stamp_ns, reason, operator, evidence)


def suggestion(
    merges: IdentityMerges,
    one: str,
    other: str,
    record_id: str,
    by: str,
    stamp_ns: int,
    reason: str,
    evidence: MergeEvidence,
) -> MergeDecision | None:
    """A suggestion that two persons may be one; None where there is a decision on them or a suggestion already."""
    if merges.decision_on(one, other) is not None:
        return None
    first, second = ordered(one, other)
    decision = MergeDecision(record_id, first, second, True, by, False, 0, stamp_ns, reason)
    return replace(decision, **asdict(evidence))


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
    return _decide(merges, pairs, False, record_ids, by, stamp_ns, reason, operator, NO_EVIDENCE)


def _decide(
    merges: IdentityMerges,
    pairs: list[tuple[str, str]],
    same: bool,
    record_ids: Iterable[str],
    by: str,
    stamp_ns: int,
    reason: str,
    operator: bool,
    evidence: MergeEvidence,
) -> list[MergeDecision]:
    decisions = []
    for pair, record_id in zip(pairs, record_ids):
        known = merges.decision_on(*pair)
        version = min(known.version + 1, MAX_VERSION) if known else 1
        decision = MergeDecision(record_id, pair[0], pair[1], same, by, operator, version, stamp_ns, reason)
        decisions.append(replace(decision, **asdict(evidence)))
    return decisions
