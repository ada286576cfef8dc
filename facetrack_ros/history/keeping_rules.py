"""What a robot keeps, for what purpose, on what legal basis and for how long: stored beside it, shown in status and
exports."""

import json
import math
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from facetrack_ros.bounded_file import read_bounded_text
from facetrack_ros.config import Config
from facetrack_ros.core.printable import printable
from facetrack_ros.errors import ConfigError, store_errors

NAME = "keeping.json"
_LONGEST_TEXT = 200
#: Of :attr:`KeepingRules.keep`: faces of enrolled people only.
WATCHLIST = "watchlist"
_WHOSE = {"all": "everyone", WATCHLIST: "enrolled people only"}


@dataclass(frozen=True)
class KeepingRules:
    """The rules of one robot.

    :param purpose: in words; empty: none is stated.
    :param legal_basis: likewise.
    :param keep: whose faces are kept, ``recognition.keep``.
    :param limits: by kind (frames, sightings, thumbnails, events, clips), by name of the limit; 0: no limit.
    """

    purpose: str = ""
    legal_basis: str = ""
    keep: str = "all"
    limits: dict[str, dict[str, float]] = field(default_factory=dict)

    @classmethod
    def of_config(cls, config: Config) -> "KeepingRules":
        """The rules in the configuration.

        :raises ConfigError: a text is too long, or not printable.
        """
        for name in ("purpose", "legal_basis"):
            text = getattr(config.privacy, name)
            if len(text) > _LONGEST_TEXT or (text and not text.isprintable()):
                raise ConfigError(f"privacy.{name} must be one line of at most {_LONGEST_TEXT} characters")
        frames, sightings, clips = config.frame_history, config.sightings, config.clips
        limits: dict[str, dict[str, float]] = {
            "frames": {
                "max_count": frames.max_disk_frames,
                "max_mb": frames.max_disk_mb,
                "max_age_h": frames.max_disk_age_h,
            },
            "sightings": {"max_count": sightings.max_count, "max_age_h": sightings.max_age_h},
            "thumbnails": {"max_age_h": sightings.thumbnails_max_age_h or sightings.max_age_h},
            "events": {"max_age_h": config.event_logging.max_age_h},
            "clips": {"max_count": clips.max_count, "max_mb": clips.max_mb, "max_age_h": clips.max_age_h},
        }
        if frames.mode == "off":
            del limits["frames"]
        return cls(config.privacy.purpose, config.privacy.legal_basis, config.recognition.keep, limits)

    @classmethod
    def read(cls, folder: Path) -> "KeepingRules | None":
        """The rules stored in a robot's folder; None: none are, or they cannot be read."""
        try:
            return cls.of_json(read_bounded_text(folder / NAME))
        except (OSError, ValueError):
            return None

    @classmethod
    def of_json(cls, text: str) -> "KeepingRules | None":
        """The rules of :attr:`json`; None: it holds none."""
        try:
            values = json.loads(text)
            limits = {
                str(kind): {str(name): float(value) for name, value in each.items()}
                for kind, each in values["limits"].items()
            }
            purpose, basis, keep = (values[name] for name in ("purpose", "legal_basis", "keep"))
            finite = all(math.isfinite(number) for each in limits.values() for number in each.values())
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
            return None
        fit = finite and all(isinstance(each, str) for each in (purpose, basis, keep))
        return cls(purpose, basis, keep, limits) if fit else None

    @property
    def json(self) -> str:
        """As one line of JSON."""
        return json.dumps(asdict(self), ensure_ascii=False, separators=(",", ":"))

    def as_dict(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)

    def write(self, folder: Path) -> None:
        """Store the rules in a robot's folder, unless they are there.

        :raises StoreError: the disk refuses.
        """
        if KeepingRules.read(folder) == self:
            return
        draft = folder / f"{NAME}.{os.getpid()}.new"
        with store_errors(f"cannot write in {folder}", "make room or check the permissions"):
            draft.write_text(self.json + "\n")
            draft.replace(folder / NAME)

    @property
    def sentence(self) -> str:
        """In words, printable."""
        purpose = self.purpose or "no purpose is stated (privacy.purpose)"
        basis = f" ({self.legal_basis})" if self.legal_basis else ""
        kept = ", ".join(f"{kind} {_limit(each)}" for kind, each in self.limits.items())
        return printable(f"{purpose}{basis}; faces of {_WHOSE.get(self.keep, self.keep)}; {kept}")


def _limit(limits: dict[str, float]) -> str:
    units = (("max_count", ""), ("max_mb", " MB"), ("max_age_h", " h"))
    given = [f"{limits[name]:g}{unit}" for name, unit in units if limits.get(name)]
    return f"up to {' or '.join(given)}" if given else "without limit"
