"""Log of what a robot's data was used for, and by whom."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from facetrack_ros.core.utc import moment
from facetrack_ros.errors import store_errors
from facetrack_ros.history.audit.hash_chain import ChainHead, HashChain
from facetrack_ros.history.audit.old_log import old_logs, old_records
from facetrack_ros.history.audit.reason import who_asked
from facetrack_ros.history.disk_room import DiskRoom
from facetrack_ros.tracking.identity_merges import MergeDecision

#: Kinds of records.
SEARCH, FRAMES, CLIP, EXPORT = "search", "frames", "clip", "export"
ENROLMENT, REMOVAL, MERGE, SPLIT = "enrolment", "removal", "merge", "split"
SETTINGS, START, STOP, PRUNE, FORGET = "settings", "start", "stop", "prune", "forget"
VERIFICATION, WARNING, REQUEST = "verification", "warning", "request"
NAME = "audit"
_DAY_NS = 86_400 * 10**9
_MOST_NAMES, _LONGEST_TEXT = 50, 1000


class AuditLog:
    """The chain ``audit-2026-11-23.jsonl`` in a robot's folder. No face is recorded, neither as image nor as embedding.

    Records name ``operator`` and ``reason`` as they were given, empty: they were not, and say whether a signature
    verified the operator: :func:`.who_asked`. Several processes may append.

    :param directory: the robot's folder.
    :param room: the space that stays free; None: none.
    """

    def __init__(self, directory: Path | str, robot_id: str, room: DiskRoom | None = None) -> None:
        self.chain = HashChain(directory, NAME, robot_id, room)

    def append(self, kind: str, fields: Mapping[str, Any], now_ns: int) -> ChainHead:
        """Append a record.

        :param fields: JSON values; texts are cut to 1,000 characters, lists to 50 elements, with the number of all
            under ``NAME_count``.
        :param now_ns: time of what is recorded.
        :raises StoreError: the file cannot be written.
        """
        return self.chain.append(kind, _bounded(fields), now_ns)

    def records(self, kinds: Iterable[str] = ()) -> Iterator[dict[str, Any]]:
        """All records, oldest first; those that earlier versions wrote into ``searches-DATE.jsonl`` come first, and
        have no number.

        :param kinds: only these; empty: all.
        :raises StoreError: a file cannot be read.
        """
        wanted = set(kinds)
        for record in (*old_records(self.chain.folder), *self.chain.read()):
            if not wanted or record.get("kind") in wanted:
                yield record

    def delete_older(self, max_age_days: int, now_ns: int) -> int:
        """Delete what is older, also of earlier versions; see :meth:`HashChain.delete_older`.

        :param max_age_days: 0: nothing is deleted.
        :returns: number of files deleted.
        """
        if not max_age_days:
            return 0
        oldest = f"searches-{moment(now_ns - (max_age_days + 1) * _DAY_NS):%Y-%m-%d}.jsonl"
        old = [path for path in old_logs(self.chain.folder) if path.name < oldest]
        with store_errors(f"cannot delete {self.chain.folder}/searches-*.jsonl", "check the permissions"):
            for path in old:
                path.unlink(missing_ok=True)
        return len(old) + self.chain.delete_older(max_age_days * _DAY_NS, now_ns)


def decision_record(decision: MergeDecision, signed_by: str = "") -> dict[str, Any]:
    """The record of a person's decision that two ids are one person, or are not.

    :param signed_by: see :func:`.who_asked`.
    """
    ids = {"record_id": decision.record_id, "persons": [decision.first, decision.second]}
    return {**who_asked(decision.by, decision.reason, signed_by), **ids}


def _bounded(fields: Mapping[str, Any]) -> dict[str, Any]:
    bounded: dict[str, Any] = {}
    for name, value in fields.items():
        if isinstance(value, str):
            value = value[:_LONGEST_TEXT]
        elif isinstance(value, (list, tuple)):
            if len(value) > _MOST_NAMES:
                bounded[f"{name}_count"] = len(value)
            value = list(value[:_MOST_NAMES])
            for number, each in enumerate(value):
                if isinstance(each, str) and len(each) > _LONGEST_TEXT:
                    value[number] = each[:_LONGEST_TEXT]
        bounded[name] = value
    return bounded
