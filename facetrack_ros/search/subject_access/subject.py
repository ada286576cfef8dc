"""The person that an access request is about."""

from collections.abc import Iterable
from dataclasses import dataclass

from facetrack_ros.search.response import Match
from facetrack_ros.tracking.identity_merges import IdentityMerges


@dataclass(frozen=True)
class Subject:
    """Every id under which robots know one person.

    :param person_ids: with those merged into them.
    :param track_ids: tracks without a person.
    """

    person_ids: frozenset[str]
    track_ids: frozenset[str] = frozenset()

    @classmethod
    def of_matches(cls, matches: Iterable[Match], merges: IdentityMerges) -> "Subject":
        """The person of a search's matches."""
        matches = tuple(matches)
        persons = {match.person_id for match in matches if match.person_id}
        return cls(
            frozenset(each for person in persons for each in merges.group(person)),
            frozenset(match.track_id for match in matches if match.track_id and not match.person_id),
        )

    @property
    def ids(self) -> frozenset[str]:
        """Ids of persons and tracks."""
        return self.person_ids | self.track_ids
