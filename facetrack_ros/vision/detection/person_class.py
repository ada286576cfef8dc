"""Which class of a detector is a person, by the model's own names."""

from collections.abc import Mapping
from pathlib import Path

from facetrack_ros.errors import ModelError

PERSON = "person"


def person_class(path: Path, names: Mapping[int, str]) -> int:
    """Number of the class ``person``.

    :param names: class names by number.
    :raises ModelError: there is no such class.
    """
    for number, name in names.items():
        if str(name).strip().lower() == PERSON:
            return int(number)
    known = ", ".join(str(name) for name in list(names.values())[:8])
    raise ModelError(
        f"{path} knows no persons: none of its {len(names)} classes is named {PERSON!r} "
        f"({known}{', …' if len(names) > 8 else ''})"
    )
