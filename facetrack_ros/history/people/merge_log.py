"""Log of the merge decisions that a robot knows, one JSON record a line."""

import json
import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, fields
from pathlib import Path

from facetrack_ros.core.line_file import append_lines, read_lines
from facetrack_ros.errors import store_errors
from facetrack_ros.tracking.identity_merges import IdentityMerges, MergeDecision

NAME = "aliases.jsonl"
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


class MergeLog:
    """``aliases.jsonl`` in a robot's folder. Lines are written whole; an incomplete last line is cut off.

    :param directory: the robot's folder.
    """

    def __init__(self, directory: Path | str):
        self.path = Path(directory) / NAME

    def read(self) -> IdentityMerges:
        """Read all decisions; empty without a file. Damaged lines are left out.

        :raises StoreError: the file cannot be read.
        """
        merges = IdentityMerges()
        with store_errors(f"cannot read {self.path}", "check its permissions"):
            lines = read_lines(self.path)
        for line in lines:
            with suppress(ValueError):
                merges.add(decision_from_dict(json.loads(line)))
        return merges

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
        data, draft = _to_lines(decisions), self.path.with_suffix(".part")
        with store_errors(f"cannot write {self.path}", "check the permissions"):
            if data:
                draft.write_bytes(data)
                os.replace(draft, self.path)
            else:
                self.path.unlink(missing_ok=True)


def _to_lines(decisions: Iterable[MergeDecision]) -> bytes:
    return b"".join(json.dumps(asdict(decision), ensure_ascii=False).encode() + b"\n" for decision in decisions)


def decision_from_dict(values: object) -> MergeDecision:
    """The decision of a JSON record.

    :raises ValueError: it is not one.
    """
    if not isinstance(values, dict) or any(type(value) not in _TYPES.get(name, ()) for name, value in values.items()):
        raise ValueError("no merge decision")
    try:
        return MergeDecision(**values)
    except TypeError as error:
        raise ValueError("no merge decision") from error
