"""The verdicts on who is who that a robot knows, kept as lines of JSON: one record a line, each with its id."""

import json
import os
from collections.abc import Iterable
from dataclasses import asdict, fields
from pathlib import Path

from facetrack_ros.core.line_file import append_lines, read_lines
from facetrack_ros.errors import StoreError
from facetrack_ros.tracking.identity_merges import IdentityMerges, MergeDecision

NAME = "aliases.jsonl"
_FIELDS = tuple(field.name for field in fields(MergeDecision))


class MergeLog:
    """``aliases.jsonl`` in a robot's folder. A line goes out in one write; a torn tail is mended.

    :param directory: the robot's folder.
    """

    def __init__(self, directory: Path | str):
        self.path = Path(directory) / NAME

    def read(self) -> IdentityMerges:
        """All that was written; nothing where there is no file. A damaged line is left out, the rest counts.

        :raises StoreError: the file is there and cannot be read.
        """
        aliases = IdentityMerges()
        try:
            lines = read_lines(self.path)
        except OSError as error:
            raise StoreError(f"cannot read {self.path}: {error.strerror}; check its permissions") from error
        for line in lines:
            try:
                aliases.add(decision_from_dict(json.loads(line)))
            except ValueError:
                continue
        return aliases

    def append(self, verdicts: Iterable[MergeDecision]) -> None:
        """Keep verdicts.

        :raises StoreError: the disk does not take them.
        """
        data = b"".join(json.dumps(asdict(verdict), ensure_ascii=False).encode() + b"\n" for verdict in verdicts)
        if not data:
            return
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            append_lines(self.path, data)
        except OSError as error:
            raise StoreError(
                f"cannot write {self.path}: {error.strerror}; make room or check the permissions"
            ) from error

    def replace(self, verdicts: Iterable[MergeDecision]) -> None:
        """Keep these verdicts and no others: what was dropped is nowhere any more.

        :raises StoreError: the disk does not take them; the file is as it was.
        """
        draft = MergeLog.__new__(MergeLog)
        draft.path = self.path.with_suffix(".part")
        draft.path.unlink(missing_ok=True)
        draft.append(verdicts)
        try:
            if draft.path.exists():
                os.replace(draft.path, self.path)
            else:
                self.path.unlink(missing_ok=True)
        except OSError as error:
            raise StoreError(f"cannot write {self.path}: {error.strerror}; check the permissions") from error


def decision_from_dict(values: object) -> MergeDecision:
    """A verdict from what JSON gives.

    :raises ValueError: it is none.
    """
    if not isinstance(values, dict) or not set(values) <= set(_FIELDS):
        raise ValueError("no verdict on two persons")
    try:
        verdict = MergeDecision(**values)
    except TypeError as error:
        raise ValueError("no verdict on two persons") from error
    texts = (verdict.record_id, verdict.first, verdict.second, verdict.by, verdict.reason, verdict.model_id)
    numbers = (verdict.version, verdict.stamp_ns)
    if (
        not all(isinstance(text, str) for text in texts)
        or not all(type(number) is int for number in numbers)
        or not all(type(flag) is bool for flag in (verdict.same, verdict.operator))
        or not isinstance(verdict.similarity, (float, int, type(None)))
    ):
        raise ValueError("no verdict on two persons")
    return verdict
