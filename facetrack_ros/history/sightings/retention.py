"""How many sightings are kept, and for how long."""

from dataclasses import dataclass

import numpy as np

from facetrack_ros.config import Config
from facetrack_ros.errors import StoreError

# A tenth of a limit is deleted at a time: deleting reloads the index, and must not happen at every face.
_HEADROOM = 0.1
# Below this many sightings, deleting more than half is no sign of a wrong clock.
_BRAKE_FROM = 100
_HOUR_NS = 3_600_000_000_000


@dataclass(frozen=True)
class SightingLimits:
    """Limits of the stored sightings; each applies by itself. Zero: no such limit.

    :param count: most sightings of all cameras together.
    :param age_ns: farthest a sighting may lie behind the newest frame.
    :param thumbnail_age_ns: farthest a sighting with a thumbnail may.
    """

    count: int = 0
    age_ns: int = 0
    thumbnail_age_ns: int = 0

    @classmethod
    def of_config(cls, config: Config) -> "SightingLimits":
        """The limits in the configuration's group ``sightings``."""
        sightings = config.sightings
        ages = (sightings.max_age_h, sightings.thumbnails_max_age_h)
        return cls(sightings.max_count, *(round(age_h * _HOUR_NS) for age_h in ages))

    def thumbnails_cutoff_ns(self, now_ns: int) -> int | None:
        """The stamp before which thumbnails of sightings last seen have to be deleted; None: there is no limit."""
        return now_ns - self.thumbnail_age_ns if self.thumbnail_age_ns else None

    def check_thumbnails(self, doomed: int, held: int) -> None:
        """
        :param doomed: number of thumbnails to be deleted; ``held``: of all.
        :raises StoreError: they are more than half, which only a wrong clock or limit demands.
        """
        if held >= _BRAKE_FROM and 2 * doomed > held:
            raise StoreError(
                f"{doomed} of {held} thumbnails would have to be deleted at once (older than "
                f"{self.thumbnail_age_ns / _HOUR_NS:g} h), so none was: check the clock and the limits (sightings), "
                "then `facetrack prune` deletes them"
            )

    def cutoff_ns(self, last_ns: np.ndarray, now_ns: int, brake: bool = True, held: int = 0) -> int | None:
        """The stamp before which sightings last seen have to be deleted; None: there are none.

        Never more than half at once, and for the number of sightings never so many that less than half of what was held
        within a day remains: only a wrong clock or a wrong limit demands that. Age alone may empty a store slowly.

        :param last_ns: ``(n,)`` int64, when each sighting was last seen.
        :param now_ns: stamp of the newest frame.
        :param brake: False where a user has asked for the deletion.
        :param held: the most sightings held within the last day.
        :raises StoreError: more than half would have to be deleted.
        """
        if not last_ns.size:
            return None
        cutoffs, reasons = [], []
        if self.count and last_ns.size > self.count:
            stay = max(1, round(self.count * (1 - _HEADROOM)))
            if brake and held >= _BRAKE_FROM and 2 * stay < held:
                raise StoreError(
                    f"of {held} sightings held within a day {stay} would remain (more than {self.count}), so none is "
                    "deleted: check the limits (sightings), then `facetrack prune` deletes them"
                )
            cutoffs.append(int(np.partition(last_ns, last_ns.size - stay)[last_ns.size - stay]))
            reasons.append(f"more than {self.count}")
        if self.age_ns and int(last_ns.min()) < now_ns - self.age_ns:
            cutoffs.append(now_ns - round(self.age_ns * (1 - _HEADROOM)))
            reasons.append(f"older than {self.age_ns / _HOUR_NS:g} h")
        if not cutoffs:
            return None
        doomed = int(np.count_nonzero(last_ns < max(cutoffs)))
        if brake and last_ns.size >= _BRAKE_FROM and 2 * doomed > last_ns.size:
            raise StoreError(
                f"{doomed} of {last_ns.size} sightings would have to be deleted at once ({', '.join(reasons)}), so "
                "none was: check the clock and the limits (sightings), then `facetrack prune` deletes them"
            )
        return max(cutoffs) if doomed else None
