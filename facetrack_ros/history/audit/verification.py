"""Checks a chain of records: each record's hash, number and place, and that no end was cut off."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from facetrack_ros.core.sealed_files.sealed_lines import stored_bytes
from facetrack_ros.errors import StoreError
from facetrack_ros.history.audit.hash_chain import DELETED, ChainHead, HashChain, parse_line

# Problems told of one chain; further ones are counted.
_MOST_TOLD = 100


@dataclass(frozen=True)
class ChainProblem:
    """Something that is not as it was written.

    :param file: name of the file; empty: it concerns the chain.
    :param line: from 1; 0: it concerns the file.
    :param sentence: what is wrong.
    """

    file: str
    line: int
    sentence: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}: " if self.line else f"{self.file}: " if self.file else ""
        return place + self.sentence


@dataclass(frozen=True)
class KnownHead:
    """A record that was seen elsewhere, such as by another robot.

    :param source: who saw it, for sentences: ``robot2``.
    """

    head: ChainHead
    source: str


@dataclass(frozen=True)
class ChainCheck:
    """What a check found.

    :param records: that are right.
    :param first: number of the first record; 0: there is none.
    :param head: the last record that is right.
    :param problems: in the order of the files; empty: nothing was changed.
    :param more: problems beyond those told.
    """

    records: int
    first: int
    head: ChainHead
    problems: tuple[ChainProblem, ...]
    more: int = 0

    @property
    def intact(self) -> bool:
        """Whether nothing was found."""
        return not self.problems


def verify_chain(chain: HashChain, known: Iterable[KnownHead] = ()) -> ChainCheck:
    """Read all records and check them. A robot may append meanwhile: what comes later is left to the next check.

    Found are changed, added, exchanged and missing records and lines. A chain that was cut off at its end *and* whose
    head file was made to fit, or that was written anew as a whole, is found only by ``known`` heads.

    :param known: records that were seen elsewhere.
    :raises StoreError: a file cannot be read.
    """
    return _Check(chain, known).run()


class _Check:
    def __init__(self, chain: HashChain, known: Iterable[KnownHead]):
        self._chain = chain
        self._problems: list[ChainProblem] = []
        self._more = 0
        # Hashes to be found, by number: who told them.
        self._expected: dict[int, list[KnownHead]] = {}
        for each in known:
            if each.head.number > 0:
                self._expected.setdefault(each.head.number, []).append(each)
        self._deleted: set[tuple[int, str]] = set()
        self._stored: tuple[ChainHead, str, int] | None = None
        self._first: tuple[int, str] | None = None
        self._last, self._records, self._after_damage = chain.empty_head, 0, False

    def run(self) -> ChainCheck:
        self._expect_stored_head()
        for path in self._chain.files():
            lines, left = self._lines(path)
            end = 0
            for number, line in enumerate(lines, 1):
                end += stored_bytes(path, line, number == 1)
                self._check_line(path.name, number, line, end)
            if left:
                self._tell(path.name, len(lines) + 1, f"{left} bytes of an incomplete record")
        if self._first is not None:
            self._check_begin(*self._first)
        self._check_end()
        first = self._first[0] if self._first is not None else 0
        return ChainCheck(self._records, first, self._last, tuple(self._problems), self._more)

    def _check_line(self, file: str, number: int, line: bytes, end: int) -> None:
        """Check a line of a file.

        :param end: bytes of the file up to its end.
        """
        try:
            record = parse_line(line)
        except ValueError as error:
            self._tell(file, number, f"this record was changed: {error}")
            self._after_damage = True
            return
        last, head = self._last, ChainHead(record["n"], record["hash"])
        if self._first is None:
            self._first = head.number, record["prev"]
        elif head.number != last.number + 1:
            self._tell(file, number, _gap(last.number, head.number))
        elif not self._after_damage and record["prev"] != last.hash:
            self._tell(file, number, f"record {head.number} does not build on the one before it")
        if record.get("kind") == DELETED and type(record.get("through")) is int:
            self._deleted.add((record["through"], str(record.get("through_hash"))))
        for each in self._expected.get(head.number, ()):
            if each.head.hash != head.hash:
                self._tell(file, number, f"record {head.number} is not the one that {each.source} knows")
        if self._stored is not None and self._stored[0] == head and self._stored[1:] != (file, end):
            self._tell(self._chain.head_path.name, 0, f"record {head.number} is not where it says")
        self._records, self._last, self._after_damage = self._records + 1, head, False

    def _expect_stored_head(self) -> None:
        name = self._chain.head_path.name
        try:
            stored = self._chain.stored_head()
        except ValueError as error:
            self._tell(name, 0, f"it is damaged: {error}")
            return
        except OSError as error:
            raise StoreError(f"cannot read {self._chain.head_path}: {error.strerror or error}") from error
        self._stored = stored
        if stored is not None:
            self._expected.setdefault(stored[0].number, []).append(KnownHead(stored[0], name))
            if not (self._chain.folder / stored[1]).exists():
                self._tell(stored[1], 0, "this file is missing")
        elif self._chain.files():
            self._tell(name, 0, "this file is missing")

    def _lines(self, path: Path) -> tuple[list[bytes], int]:
        """The complete lines of a file, and the bytes behind them that are left of a record."""
        lines, left = self._chain.lines(path)
        if left:  # it may just be written
            with self._chain.paused():
                lines, left = self._chain.lines(path)
        return lines, left

    def _check_begin(self, number: int, prev: str) -> None:
        if number == 1 and prev != self._chain.empty_head.hash:
            self._tell("", 0, f"the first record is not of the chain {self._chain.name} of {self._chain.owner}")
        elif number != 1 and (number - 1, prev) not in self._deleted:
            self._tell("", 0, f"the records before {number} are missing, and no record says that they were deleted")

    def _check_end(self) -> None:
        for number in sorted(self._expected):
            if number > self._last.number:
                for each in self._expected[number]:
                    last = f"the last here is {self._last.number}"
                    self._tell("", 0, f"record {number} is missing: {each.source} knows it, {last}")

    def _tell(self, file: str, line: int, sentence: str) -> None:
        if len(self._problems) < _MOST_TOLD:
            self._problems.append(ChainProblem(file, line, sentence))
        else:
            self._more += 1


def _gap(before: int, number: int) -> str:
    if number <= before:
        return f"record {number} stands behind record {before}"
    missing = f"record {before + 1} is" if number == before + 2 else f"records {before + 1} to {number - 1} are"
    return f"{missing} missing"
