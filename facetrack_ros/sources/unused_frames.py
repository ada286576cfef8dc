"""Count of the frames of a source that could not be used, by reason."""

from collections import Counter

UNKNOWN = "an unknown number of"


class UnusedFrames:
    """Frames of a source that were not used, by reason.

    A reason is a noun phrase that says what these frames are and, where something helps, what to do:
    ``"JPEG images that are cut short"``. Frames of one reason are counted together, in the order the reasons came up.
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
        """A line a reason: ``2 JPEG images that are cut short``."""
        return [f"{UNKNOWN if count is None else count} {reason}" for reason, count in self.by_reason().items()]
