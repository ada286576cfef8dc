"""Count of the frames of a source that could not be used, by reason."""

from collections import Counter

_LINES = 12


class UnusedFrames:
    """Frames of a source that were not used, by reason.

    A reason says what is wrong with these frames and, where something helps, what to do: ``"JPEG images that are cut
    short"``. Frames of one reason are counted together, in the order the reasons came up.
    """

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._unknown: dict[str, None] = {}

    def add(self, reason: str, count: int = 1) -> None:
        """Count frames that are there and were not used."""
        if count > 0:
            self._counts[reason] += count

    def add_unknown(self, reason: str) -> None:
        """Note frames that are missing, where nothing says how many: a file that is cut short, for example."""
        self._unknown[reason] = None

    def clear(self) -> None:
        """Forget all; each reading of a source counts anew."""
        self._counts.clear()
        self._unknown.clear()

    def update(self, other: "UnusedFrames") -> None:
        """Count the frames of another, too."""
        for reason, count in other._counts.items():
            self.add(reason, count)
        self._unknown.update(other._unknown)

    @property
    def total(self) -> int:
        """Number of unused frames, as far as it is known."""
        return self._counts.total()

    def __bool__(self) -> bool:
        """Whether any frame was not used."""
        return bool(self._counts or self._unknown)

    def by_reason(self) -> dict[str, int | None]:
        """Number of frames by reason; None where it is unknown."""
        return {**self._counts, **dict.fromkeys(self._unknown)}

    def lines(self) -> list[str]:
        """A line a reason: ``2 frames: JPEG images that are cut short``; of very many reasons, the last share one."""
        found = list(self.by_reason().items())
        lines = [f"{_frames(count)}: {reason}" for reason, count in found[:_LINES]]
        rest = [count for _, count in found[_LINES:]]
        if rest:
            lines.append(f"{_frames(None if None in rest else sum(filter(None, rest)))}: {len(rest)} other reasons")
        return lines


def _frames(count: int | None) -> str:
    if count is None:
        return "an unknown number of frames"
    return "1 frame" if count == 1 else f"{count} frames"
