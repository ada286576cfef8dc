"""How many sightings are kept, and for how long."""

from dataclasses import dataclass

import numpy as np

from facetrack_ros.config import Config
from facetrack_ros.errors import StoreError

# What goes is a tenth of the limit at a time: deleting reads the index anew, and must not happen at every face.
_AT_ONCE = 0.1
# One sighting of a few may be more than half of what there is; that is no accident.
_FEWEST = 100
_HOUR_NS = 3_600_000_000_000


@dataclass(frozen=True)
class SightingLimits:
    """How much is kept of faces, whichever is reached first. Zero: no such limit.

    :param count: most sightings of all cameras together.
    :param age_ns: farthest a sighting may lie behind the newest frame.
    """

    count: int = 0
    age_ns: int = 0

    @classmethod
    def of_config(cls, config: Config) -> "SightingLimits":
        """What the configuration says under ``sightings``."""
        return cls(config.sightings.max_count, round(config.sightings.max_age_h * _HOUR_NS))

    def cutoff_ns(self, last_ns: np.ndarray, now_ns: int, brake: bool = True) -> int | None:
        """Sightings last seen before this stamp have to go; None: nothing has to.

        Never more than half at once: that is what a wrong clock or a wrong limit asks for.

        :param last_ns: ``(n,)`` int64, when each sighting was last seen.
        :param now_ns: stamp of the newest frame.
        :param brake: False where somebody has asked for just that.
        :raises StoreError: more than half would have to go, so nothing may.
        """
        if not last_ns.size:
            return None
        cutoffs, reasons = [], []
        if self.count and last_ns.size > self.count:
            stay = max(1, round(self.count * (1 - _AT_ONCE)))
            cutoffs.append(int(np.partition(last_ns, last_ns.size - stay)[last_ns.size - stay]))
            reasons.append(f"more than {self.count}")
        if self.age_ns and int(last_ns.min()) < now_ns - self.age_ns:
            cutoffs.append(now_ns - round(self.age_ns * (1 - _AT_ONCE)))
            reasons.append(f"older than {self.age_ns / _HOUR_NS:g} h")
        if not cutoffs:
            return None
        doomed = int(np.count_nonzero(last_ns < max(cutoffs)))
        if brake and last_ns.size >= _FEWEST and 2 * doomed > last_ns.size:
            raise StoreError(
                f"{doomed} of {last_ns.size} sightings would have to be deleted at once ({', '.join(reasons)}), so "
                "none was: check the clock and the limits (sightings), then `facetrack prune` deletes them"
            )
        return max(cutoffs) if doomed else None
