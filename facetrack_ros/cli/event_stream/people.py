"""Names and current ids of the people of events."""

from facetrack_ros.core.event import FACE_MATCHED
from facetrack_ros.core.utc import moment
from facetrack_ros.tracking.identity_merges import IdentityMerges, MergeDecision


class EventPeople:
    """What ids have become by merges, and under which names people were recognised."""

    def __init__(self) -> None:
        self._merges = IdentityMerges()
        self._entries: dict[str, str] = {}
        self._recognised: dict[str, str] = {}

    def add_merges(self, decisions: tuple[MergeDecision, ...]) -> None:
        """Take over merge decisions."""
        for decision in decisions:
            self._merges.add_listed(decision)

    def add_names(self, names: dict[str, str]) -> None:
        """Take over the names of gallery entries by entry id."""
        self._entries |= names

    def learn(self, event: dict) -> None:
        """Take the name under which a person was recognised from an event of the tracker."""
        if event["event"] == FACE_MATCHED and not event.get("search_id") and event["person_id"]:
            name = self._reference_name(event)
            if name:
                self._recognised[event["person_id"]] = name

    def current_id(self, person_id: str) -> str:
        """The id that a person has by now."""
        return self._merges.canonical(person_id)

    def name(self, person_id: str) -> str:
        """The name under which a person was recognised, with any of its ids; empty: none is known."""
        return next((self._recognised[each] for each in self._merges.group(person_id) if each in self._recognised), "")

    def is_called(self, event: dict, person: str) -> bool:
        """Whether an event is about a person, given by an id that is the person's by now, or by name."""
        return (
            self.current_id(event["person_id"]) == self.current_id(person)
            or self.name(event["person_id"]) == person
            or (event["event"] == FACE_MATCHED and self._reference_name(event) == person)
        )

    def completed(self, event: dict) -> dict:
        """An event of the log with its time as ISO 8601, the current id and the name of its person, or None."""
        person_id = event["person_id"]
        iso = moment(round(event["timestamp"] * 1e9)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        named = {"reference_name": self._reference_name(event) or None} if event["event"] == FACE_MATCHED else {}
        more = {"timestamp_iso": iso, "current_id": self.current_id(person_id), "name": self.name(person_id) or None}
        return {**event, **named, **more}

    def _reference_name(self, event: dict) -> str:
        return event.get("reference_name") or self._entries.get(event["reference_face_id"], "")
