"""SOURCE texts that refer to the environment or to a file, so that a password is on no command line."""

import os
import re
from pathlib import Path

from facetrack_ros.bounded_file import read_bounded_text
from facetrack_ros.core.masking import mask_address
from facetrack_ros.core.names import existing_path
from facetrack_ros.errors import SourceError

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


def resolve_source(text: str) -> str:
    """The SOURCE that a text stands for: ``@FILE`` is the first line of a file, ``${NAME}`` an environment variable.

    A variable may be a part of the text: ``rtsp://admin:${PASSWORD}@10.0.0.5/live``. What exists as a path stays.

    :raises SourceError: the file cannot be read or is empty, or the variable is not set.
    """
    text = text.strip()
    scheme, rest = ("bag:", text[4:]) if text.startswith("bag:") else ("", text)
    path = existing_path(rest)
    if rest and path.exists():
        return text if Path(rest).expanduser() == path else f"{scheme}{path}"
    if text.startswith("@"):
        return resolve_source(_first_line(Path(text[1:]).expanduser()))
    return _VARIABLE.sub(_value, text)


def _first_line(path: Path) -> str:
    try:
        lines = read_bounded_text(path).split("\n")
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise SourceError(f"@{path}: the file that holds the source cannot be read: {reason}") from None
    line = next((line.strip() for line in lines if line.strip()), "")
    if not line or line.startswith("@"):
        raise SourceError(f"@{path}: write the source, such as an address, into the first line of this file")
    return line


def _value(found: re.Match) -> str:
    value = os.environ.get(found[1])
    if not value:
        raise SourceError(f"the source {mask_address(found.string)} names ${{{found[1]}}}: set that variable")
    return value
