"""Log of the merge decisions that a robot knows, one JSON record a line."""

import json
import logging
from collections.abc import Iterable
from dataclasses import asdict, fields
from pathlib import Path

from facetrack_ros.core.disk.overwriting import shred
from facetrack_ros.core.line_file import append_lines, read_lines, replace_lines
from facetrack_ros.errors import InvalidInput, store_errors
from facetrack_ros.history.set_aside import aside_path, is_foreign, set_aside
from facetrack_ros.tracking.decision_check import checked_decision
from facetrack_ros.tracking.identity_merges import IdentityMerges, MergeDecision

NAME = "aliases.jsonl"
# Lines beyond twice the decisions in force that lead to a shorter file.
_SPARE_LINES = 1000
# Types of the fields of a record as JSON gives them.
_TYPES: dict[str, tuple[type, ...]] = {field.name: (str,) for field in fields(MergeDecision)} | {
    "same": (bool,),
    "operator": (bool,),
    "version": (int,),
    "stamp_ns": (int,),
    "similarity": (float, int, type(None)),
    "template_similarity": (float, int, type(None)),
    "margin": (float, int, type(None)),
    "faces": (int, type(None)),
}

logger = logging.getLogger(__name__)


class MergeLog:
    """``aliases.jsonl`` in a robot's folder. Lines are written whole; an incomplete last line is cut off.

    :param directory: the robot's folder.
    :ivar damaged: number of lines that the last :meth:`read` left out.
    """

    def __init__(self, directory: Path | str):
        self.path = Path(directory) / NAME
        self.damaged = 0

    def read(self) -> IdentityMerges:
        """Read all decisions; empty without a file. Damaged lines are left out, counted and logged.

        :raises StoreError: the file cannot be read.
        """
        merges, damaged, _ = self._read()
        self.damaged = len(damaged)
        if damaged:
            logger.warning("%d lines of %s are damaged and left out", len(damaged), self.path)
        return merges

    def repair(self) -> IdentityMerges:
        """Read all decisions, for the robot that owns the file: damaged lines are moved to a file beside it, something
        else of its name is moved away, and decisions that no longer count are deleted once they are many.

        :raises StoreError: the file cannot be read or written.
        """
        if is_foreign(self.path):
            set_aside(self.path, "it is no file")
        merges, damaged, count = self._read()
        if damaged:
            aside = aside_path(self.path)
            with store_errors(f"cannot write {aside}", "make room or check the permissions"):
                replace_lines(aside, b"".join(line + b"\n" for line in damaged))
            logger.warning("%d damaged lines of %s are in %s now", len(damaged), self.path, aside.name)
        if damaged or count > 2 * len(merges.decisions) + _SPARE_LINES:
            self.replace(merges.decisions)
        return merges

    def _read(self) -> tuple[IdentityMerges, list[bytes], int]:
        """The decisions, the damaged lines, and the number of lines."""
        merges, damaged = IdentityMerges(), []
        with store_errors(f"cannot read {self.path}", "check its permissions"):
            lines = read_lines(self.path)
        for line in lines:
            try:
                merges.add_listed(decision_from_dict(json.loads(line)))
            except (ValueError, RecursionError):
                damaged.append(line)
        return merges, damaged, len(lines)

    def append(self, decisions: Iterable[MergeDecision]) -> None:
        """Append decisions.

        :raises StoreError: they cannot be written.
        """
        data = _to_lines(decisions)
        if not data:
            return
        with store_errors(f"cannot write {self.path}", "make room or check the permissions"):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            append_lines(self.path, data)

    def replace(self, decisions: Iterable[MergeDecision]) -> None:
        """Replace all decisions, so that those left out are deleted from the disk.

        :raises StoreError: they cannot be written; the file is unchanged then.
        """
        data = _to_lines(decisions)
        with store_errors(f"cannot write {self.path}", "check the permissions"):
            if data:
                replace_lines(self.path, data)
            else:
                shred(self.path)


def _to_lines(decisions: Iterable[MergeDecision]) -> bytes:
    return b"".join(json.dumps(asdict(decision), ensure_ascii=False).encode() + b"\n" for decision in decisions)


def decision_from_dict(values: object) -> MergeDecision:
    """The decision of a JSON record.

    :raises InvalidInput: it is not one.
    """
    if not isinstance(values, dict) or any(type(value) not in _TYPES.get(name, ()) for name, value in values.items()):
        raise InvalidInput("no merge decision", "field")
    try:
        return checked_decision(MergeDecision(**values))
    except TypeError as error:
        raise InvalidInput("no merge decision", "field") from error
