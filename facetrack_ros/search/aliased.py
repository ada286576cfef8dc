"""An answer that names people as they are known now, whatever they were called when they were seen."""

from collections.abc import Iterable
from dataclasses import replace

from facetrack_ros.search.response import Match, SearchResponse
from facetrack_ros.search.visits import fold_visits
from facetrack_ros.tracking.identity_merges import IdentityMerges


def apply_merges(answer: SearchResponse, aliases: IdentityMerges) -> SearchResponse:
    """The answer with each match's person under the id that stands for them, and what thereby is one visit as one."""
    return replace(answer, matches=named_now(answer.matches, aliases))


def named_now(matches: Iterable[Match], aliases: IdentityMerges) -> tuple[Match, ...]:
    """Likewise some matches, best first."""
    return tuple(fold_visits(replace(match, person_id=aliases.canonical(match.person_id)) for match in matches))
