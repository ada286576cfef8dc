"""Matches that people confirmed or rejected."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from facetrack_ros.errors import RequestError
from facetrack_ros.history.audit.audit_log import SEARCH, VERIFICATION, AuditLog
from facetrack_ros.history.audit.hash_chain import HashChain
from facetrack_ros.history.audit.reason import who_asked

UNVERIFIED, CONFIRMED, REJECTED = "unverified", "confirmed", "rejected"
NAME = "verifications"
#: Rounding of similarities in records.
_ROUNDING = 5e-5
_DAY_NS = 86_400 * 10**9


@dataclass(frozen=True)
class JudgedMatches:
    """Matches that people judged, of searches by one model, at or above a similarity.

    :param verified: number that was confirmed or rejected.
    :param rejected: number of those that was rejected: false matches.
    :param sightings: compared in the searches that they are of.
    """

    verified: int = 0
    rejected: int = 0
    sightings: int = 0


@dataclass(frozen=True)
class MatchJudgement:
    """What people said of a match.

    :param state: ``confirmed``, ``rejected`` or ``unverified``: too few persons have confirmed it.
    :param verdicts: by operator, ``confirmed`` or ``rejected``.
    """

    state: str
    verdicts: dict[str, str]


class MatchVerifications:
    """What people said of a robot's matches: in the chain ``verifications-DATE.jsonl``, and in the audit log.

    :param folder: the robot's folder.
    """

    def __init__(self, folder: Path | str, robot_id: str) -> None:
        self._log = AuditLog(folder, robot_id)
        self._chain = HashChain(folder, NAME, robot_id)

    def verify(
        self,
        search_id: str,
        match: str,
        confirmed: bool,
        operator: str,
        reason: str,
        now_ns: int,
        confirmations: int = 1,
        signed_by: str = "",
    ) -> str:
        """Record that a person confirms or rejects a match; of several words of one person the last counts.

        :param match: its id, such as ``robot1:5e1f90ab``.
        :param operator: the person, who has to be named.
        :param confirmations: persons who have to confirm it.
        :param signed_by: see :func:`.who_asked`.
        :returns: its state now: one that any person rejects is rejected; one is confirmed when as many persons as
            required confirm it.
        :raises RequestError: no person is named, or no recorded search has such a match.
        :raises StoreError: it cannot be recorded.
        """
        if not operator:
            raise RequestError("a match is verified by a person: name the operator")
        search, found = self._find(search_id, match)
        fields = {
            "search_id": search_id,
            "match": match,
            "verdict": CONFIRMED if confirmed else REJECTED,
            **who_asked(operator, reason, signed_by),
            "similarity": found["similarity"],
            "model_id": search["model_id"],
            "input": search.get("input", ""),
            "threshold": search["threshold"],
            "sightings": search["sightings"],
            "search_operator": search.get("operator", ""),
        }
        state = _state([*self._of(search_id, match), fields], confirmations)
        self._log.append(VERIFICATION, {**fields, "state": state}, now_ns)
        self._chain.append(VERIFICATION, fields, now_ns)
        return state

    def state(self, search_id: str, match: str, confirmations: int = 1) -> str:
        """The state of a match, see :meth:`verify`.

        :raises StoreError: the records cannot be read.
        """
        return _state(self._of(search_id, match), confirmations)

    def of_input(self, digest: str, confirmations: int = 1) -> dict[str, MatchJudgement]:
        """What people said of the matches of searches that asked with the same embeddings, by match.

        :param digest: ``input`` of their records.
        :raises StoreError: the records cannot be read.
        """
        votes: dict[str, list[dict[str, Any]]] = {}
        for record in self._chain.read() if self._chain.head_path.exists() else ():
            if record.get("kind") == VERIFICATION and record.get("input") == digest:
                votes.setdefault(record["match"], []).append(record)
        return {
            match: MatchJudgement(_state(found, confirmations), {vote["operator"]: vote["verdict"] for vote in found})
            for match, found in votes.items()
        }

    def persons_who_confirm(self, search_id: str, match: str) -> list[str]:
        """The operators who confirm a match."""
        last = {record["operator"]: record["verdict"] for record in self._of(search_id, match)}
        return sorted(operator for operator, verdict in last.items() if verdict == CONFIRMED)

    def delete_older(self, max_age_days: int, now_ns: int) -> int:
        """As :meth:`AuditLog.delete_older`."""
        return self._chain.delete_older(max_age_days * _DAY_NS, now_ns) if max_age_days else 0

    def _of(self, search_id: str, match: str) -> list[dict[str, Any]]:
        return [each for each in self._chain.read() if (each.get("search_id"), each.get("match")) == (search_id, match)]

    def _find(self, search_id: str, match: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """The recorded search and match."""
        known = False
        # The visits of the persons that a search found are asked for under an id of their own.
        for record in self._log.records([SEARCH]):
            if record.get("search_id") not in (search_id, f"{search_id}.persons"):
                continue
            known = True
            for each in record.get("matches", ()):
                if each.get("match") == match:
                    return record, each
        if known:
            raise RequestError(f"the search {search_id} has no match {match} in the audit log")
        raise RequestError(f"no search {search_id} is in the audit log")


def judged_matches(folder: Path, robot_id: str, model_id: str, threshold: float) -> JudgedMatches:
    """The matches of a robot that people judged, at or above a similarity.

    :raises StoreError: they cannot be read.
    """
    chain = HashChain(folder, NAME, robot_id)
    if not chain.head_path.exists():
        return JudgedMatches()
    head = chain.head()
    records = _judged(folder, robot_id, head.number, head.hash)
    own = [record for record in records if record["model_id"] == model_id]
    above = [record for record in own if record["similarity"] >= threshold - _ROUNDING]
    rejected = sum(record["state"] == REJECTED for record in above)
    sightings = {record["search_id"]: record["sightings"] for record in own}
    return JudgedMatches(len(above), rejected, sum(sightings.values()))


@lru_cache(maxsize=64)
def _judged(folder: Path, robot_id: str, number: int, digest: str) -> tuple[dict[str, Any], ...]:
    """Each judged match once, with its state; the head of the chain tells whether it was read."""
    by_match: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for record in HashChain(folder, NAME, robot_id).read():
        if record.get("kind") == VERIFICATION:
            by_match.setdefault((record["search_id"], record["match"]), []).append(record)
    return tuple({**votes[-1], "state": _state(votes, 1)} for votes in by_match.values())


def _state(votes: Iterable[dict[str, Any]], confirmations: int) -> str:
    last = {vote["operator"]: vote["verdict"] for vote in votes}
    if REJECTED in last.values():
        return REJECTED
    return CONFIRMED if len(last) >= max(confirmations, 1) else UNVERIFIED
