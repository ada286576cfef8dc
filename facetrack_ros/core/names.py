"""Names of files and people: how they compare and sort."""

import re
import unicodedata
from pathlib import Path

_DIGITS = re.compile(r"([0-9]+)")


def nfc(name: str) -> str:
    """The name in Unicode's composed form (NFC): files from macOS have "é" as two characters, keyboards give one."""
    return unicodedata.normalize("NFC", name)


def existing_path(text: str) -> Path:
    """The path, in the form of Unicode in which it exists; as given where it does not."""
    forms = (Path(form).expanduser() for form in (text, nfc(text), unicodedata.normalize("NFD", text)))
    return next((path for path in forms if path.exists()), Path(text).expanduser())


def natural_key(path: Path) -> tuple:
    """Sorts files as people count: ``frame2.jpg`` before ``frame10.jpg``."""
    words = _DIGITS.split(nfc(path.stem).casefold())
    return [int(word) if row % 2 else word for row, word in enumerate(words)], path.suffix, path.name  # type: ignore[return-value]
