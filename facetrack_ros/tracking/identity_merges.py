"""Person ids that stand for one person: which, why, and how every robot comes to the same answer."""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

_PARTS = re.compile(r"(\d+)")


@dataclass(frozen=True)
class MergeDecision:
    """That two person ids are one person, or that they are not; one record, which can be deleted by its id.

    :param record_id: unique; starts with a letter.
    :param first: the lower of the two ids by :func:`id_order`.
    :param same: one person, or two.
    :param by: robot that says so.
    :param operator: whether a person decided it, rather than a robot by itself.
    :param version: counts the verdicts on this pair.
    :param stamp_ns: when, nanoseconds since the epoch.
    :param reason: a few words.
    :param similarity: of the faces it rests on, None where it does not rest on faces.
    :param model_id: of the embedder of these faces, empty where there are none.
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
        """The two ids."""
        return self.first, self.second

    @property
    def rank(self) -> tuple:
        """Of two verdicts on one pair the higher one counts: a person's before a robot's, later ones, and caution."""
        return self.operator, self.version, not self.same, self.record_id


def id_order(person_id: str) -> tuple:
    """Total order of ids, the same on every robot: by letters, and numbers within as numbers."""
    return tuple((int(part), "") if part.isdigit() else (-1, part) for part in _PARTS.split(person_id)), person_id


def ordered(one: str, other: str) -> tuple[str, str]:
    """A pair of ids, the lower one first."""
    return (one, other) if id_order(one) < id_order(other) else (other, one)


class Aliases:
    """All verdicts heard of, and the persons that follow from them.

    What follows depends on which verdicts are known, not on the order they came in nor on how often: of each pair the
    highest one counts; the pairs that are one person are joined strongest first, save where that would join two that are
    not; and of the ids so joined the lowest one stands for all. So robots that know the same verdicts agree.
    """

    def __init__(self, verdicts: Iterable[MergeDecision] = ()):
        self._verdicts: dict[tuple[str, str], MergeDecision] = {}
        self._settled: dict[str, str] | None = {}
        self._groups: dict[str, tuple[str, ...]] = {}
        for verdict in verdicts:
            self.take(verdict)

    @property
    def verdicts(self) -> tuple[MergeDecision, ...]:
        """Those that count, one a pair, in order of the pairs."""
        return tuple(sorted(self._verdicts.values(), key=lambda verdict: tuple(map(id_order, verdict.pair))))

    def take(self, verdict: MergeDecision) -> bool:
        """Hear a verdict; returns whether it counts from now on and did not before.

        :raises ValueError: it is about one id only, or its ids are the wrong way round.
        """
        if verdict.first == verdict.second or ordered(*verdict.pair) != verdict.pair:
            raise ValueError(f"{verdict.first} and {verdict.second} are no pair of ids, the lower one first")
        known = self._verdicts.get(verdict.pair)
        if known is not None and known.rank >= verdict.rank:
            return False
        self._verdicts[verdict.pair] = verdict
        self._settled = None
        return True

    def forget(self, person_id: str) -> tuple[MergeDecision, ...]:
        """Drop every verdict on an id; returns them."""
        dropped = tuple(verdict for verdict in self._verdicts.values() if person_id in verdict.pair)
        for verdict in dropped:
            del self._verdicts[verdict.pair]
        self._settled = None
        return dropped

    def verdict_on(self, one: str, other: str) -> MergeDecision | None:
        """What counts for two ids."""
        return self._verdicts.get(ordered(one, other))

    def settled(self, person_id: str) -> str:
        """The id that stands for a person; itself where nothing is known of it."""
        self._settle()
        return self._settled.get(person_id, person_id)

    def group(self, person_id: str) -> tuple[str, ...]:
        """All ids of a person, the one that stands for it first."""
        settled = self.settled(person_id)
        return self._groups.get(settled, (settled,))

    def groups(self) -> tuple[tuple[str, ...], ...]:
        """The persons with more than one id."""
        self._settle()
        return tuple(self._groups[lowest] for lowest in sorted(self._groups, key=id_order))

    def may_be_one(self, one: str, other: str) -> bool:
        """Whether nothing known says that two ids are two people, nor any two of their ids."""
        return not any(
            verdict is not None and not verdict.same
            for verdict in (
                self.verdict_on(mine, theirs)
                for mine in self.group(one)
                for theirs in self.group(other)
                if mine != theirs
            )
        )

    def _settle(self) -> None:
        if self._settled is not None:
            return
        apart = defaultdict(set)
        joined = []
        for verdict in self._verdicts.values():
            if verdict.same:
                joined.append(verdict)
            else:
                apart[verdict.first].add(verdict.second)
                apart[verdict.second].add(verdict.first)
        joined.sort(key=lambda verdict: (not verdict.operator, -(verdict.similarity or 0.0), verdict.pair))
        group_of: dict[str, set[str]] = {}
        for verdict in joined:
            first, second = (group_of.setdefault(each, {each}) for each in verdict.pair)
            if first is second or any(apart[each] & second for each in first if each in apart):
                continue
            first |= second
            for each in second:
                group_of[each] = first
        self._settled, self._groups = {}, {}
        for group in {id(group): group for group in group_of.values() if len(group) > 1}.values():
            members = tuple(sorted(group, key=id_order))
            self._groups[members[0]] = members
            self._settled.update(dict.fromkeys(members, members[0]))


def merging(
    aliases: Aliases,
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
    """The verdicts that make two persons one: on the two ids, and, by a person, on all that would stand against it.

    :param record_ids: ids for the records; as many are taken as needed.
    """
    pairs = [ordered(one, other)] if one != other else []
    if operator:
        for mine in aliases.group(one):
            for theirs in aliases.group(other):
                known = aliases.verdict_on(mine, theirs) if mine != theirs else None
                if known is not None and not known.same and known.pair not in pairs:
                    pairs.append(known.pair)
    return _verdicts(aliases, pairs, True, record_ids, by, stamp_ns, reason, operator, similarity, model_id)


def splitting(
    aliases: Aliases,
    person_id: str,
    record_ids: Iterable[str],
    by: str,
    stamp_ns: int,
    reason: str,
    operator: bool = False,
) -> list[MergeDecision]:
    """The verdicts that make an id stand for itself again: it is none of those it was joined with."""
    pairs = [ordered(person_id, other) for other in aliases.group(person_id) if other != person_id]
    return _verdicts(aliases, pairs, False, record_ids, by, stamp_ns, reason, operator)


def _verdicts(
    aliases: Aliases,
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
    made = []
    for pair, record_id in zip(pairs, record_ids):
        known = aliases.verdict_on(*pair)
        made.append(
            MergeDecision(
                record_id,
                *pair,
                same,
                by,
                operator,
                known.version + 1 if known else 1,
                stamp_ns,
                reason,
                similarity,
                model_id,
            )
        )
    return made
