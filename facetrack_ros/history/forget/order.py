"""What is to be forgotten: as it is asked for, and as a robot has found it in its folder."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np

from facetrack_ros.core.disk.overwriting import shred
from facetrack_ros.core.names import nfc
from facetrack_ros.core.sealed_files.whole_file import read_stored, replace_stored
from facetrack_ros.errors import RequestError, StoreError, store_errors

#: File in a robot's folder while something is being forgotten.
INTENT = "forgetting.json"
_MOST_BYTES = 64_000_000


@dataclass(frozen=True, eq=False)
class ForgetTarget:
    """Who or what is asked to be forgotten: one of a person's id, a name, faces, or a stretch of time.

    :param order_id: of the request, the same on every robot.
    :param person_id: any id of the person.
    :param name: under which the person is enrolled, or the id of an entry.
    :param faces: by model id ``(dimension,)`` unit vectors of a picture of the person.
    :param start_ns: and ``end_ns``: everything that was seen between two stamps; None: not asked for.
    :param blur: keep frames and clips, with the person's region destroyed.
    :param operator: who asks.
    :param reason: why, in the operator's words.
    :param more_persons: further ids of the person, as other robots found them; ``more_entries``: gallery entries;
        ``more_tracks``: tracks without a person. They may also be all that is asked for.
    :param asked_ns: when it was asked; what was enrolled later stays. 0: now.
    """

    order_id: str
    person_id: str = ""
    name: str = ""
    faces: Mapping[str, np.ndarray] = field(default_factory=dict)
    start_ns: int | None = None
    end_ns: int | None = None
    blur: bool = False
    operator: str = ""
    reason: str = ""
    more_persons: tuple[str, ...] = ()
    more_entries: tuple[str, ...] = ()
    more_tracks: tuple[str, ...] = ()
    asked_ns: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", nfc(self.name))
        asked = (bool(self.person_id), bool(self.name), bool(self.faces), self.start_ns is not None)
        by_ids = bool(self.more_persons or self.more_entries or self.more_tracks)
        if (sum(asked) != 1 and not (by_ids and not any(asked))) or (self.start_ns is None) != (self.end_ns is None):
            raise RequestError("name one thing to forget: a person, a name, a picture, or a stretch of time")
        if self.start_ns is not None and self.end_ns is not None and self.end_ns < self.start_ns:
            raise RequestError("the stretch of time ends before it begins")
        if self.of_time and self.blur:
            raise RequestError("a stretch of time has no region to blur: leave out --blur")

    @property
    def of_time(self) -> bool:
        """Whether a stretch of time is to be forgotten, and not a person."""
        return self.start_ns is not None


@dataclass(frozen=True)
class ForgetOrder:
    """What one robot forgets, found once and kept on disk until it is done. It holds no face.

    :param person_ids: every id of the person.
    :param track_ids: every track of the person, named or not.
    :param names: enrolled names of the person.
    :param entry_ids: gallery entries of the person.
    :param rows: by model id the database ids of sightings without a person that show the face.
    :param salt: of ``hashes``, hexadecimal.
    :param hashes: salted hashes of the person's embeddings, see :mod:`.tombstones`.
    :param stamp_ns: when it was asked, by the robot's clock.
    :param found: how many things there were of each kind, as told before; see :class:`.preview.ForgetPreview`.
    """

    order_id: str
    robot_id: str
    person_ids: tuple[str, ...] = ()
    track_ids: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    entry_ids: tuple[str, ...] = ()
    rows: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    start_ns: int | None = None
    end_ns: int | None = None
    blur: bool = False
    operator: str = ""
    reason: str = ""
    stamp_ns: int = 0
    salt: str = ""
    hashes: tuple[str, ...] = ()
    found: Mapping[str, Any] = field(default_factory=dict)

    @property
    def of_time(self) -> bool:
        """Whether a stretch of time is forgotten, and not a person."""
        return self.start_ns is not None

    @property
    def words(self) -> frozenset[str]:
        """Everything that names the person in a log."""
        return frozenset((*self.person_ids, *self.names, *self.entry_ids))

    @property
    def needles(self) -> tuple[bytes, ...]:
        """Texts of which one is in every line or message that names the person or a track of the person."""
        words = (*self.words, *self.track_ids)
        escaped = [json.dumps(word, ensure_ascii=ascii)[1:-1] for word in words for ascii in (False, True)]
        return tuple(sorted({word.encode() for word in (*words, *escaped) if word}))

    def overlaps(self, first_ns: int, last_ns: int) -> bool:
        """Whether a span reaches into the stretch of time that is forgotten; False of an order on a person."""
        if self.start_ns is None or self.end_ns is None:
            return False
        return first_ns <= self.end_ns and last_ns >= self.start_ns

    def within(self, stamp_ns: int) -> bool:
        """Whether a stamp lies in the stretch of time that is forgotten; False of an order on a person."""
        return self.overlaps(stamp_ns, stamp_ns)


def write_intent(folder: Path, order: ForgetOrder) -> None:
    """Keep an order on disk until :func:`end_intent`, before anything is deleted.

    :raises StoreError: it cannot be written.
    """
    text = json.dumps(asdict(order), ensure_ascii=False).encode()
    with store_errors(f"cannot begin to forget in {folder}", "make room or check the permissions"):
        replace_stored(folder / INTENT, text)


def read_intent(folder: Path) -> ForgetOrder | None:
    """The order that a process killed meanwhile did not finish; None: there is none.

    :raises StoreError: it cannot be read.
    """
    path = folder / INTENT
    if not path.is_file():
        return None
    with store_errors(f"cannot read {path}"):
        text = read_stored(path, _MOST_BYTES)
    try:
        return order_of(json.loads(text))
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise StoreError(f"{path} is damaged: what it says is not forgotten; forget it once more") from error


def end_intent(folder: Path) -> None:
    """Note that an order is done.

    :raises StoreError: the disk refuses.
    """
    with store_errors(f"cannot delete {folder / INTENT}"):
        shred(folder / INTENT)


def order_of(values: Mapping[str, Any]) -> ForgetOrder:
    """The order of a JSON object.

    :raises TypeError: it is none.
    """
    known = {each.name for each in fields(ForgetOrder)}
    values = {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
    rows = {model: tuple(ids) for model, ids in values.get("rows", {}).items()}
    return ForgetOrder(**{name: value for name, value in values.items() if name in known} | {"rows": rows})
