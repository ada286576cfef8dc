"""Text of others made safe to show: in logs, tables and terminals."""

from itertools import chain

#: Longest sentence of another robot; longer ones are cut.
LONGEST_TEXT = 1000

# Control characters but for tab and line feed; separators of lines; signs of text direction and other signs without a
# shape; halves of surrogate pairs, which stand for bytes that are not UTF-8.
_UNPRINTABLE = chain(
    set(range(0x20)) - set(map(ord, "\t\n")),
    range(0x7F, 0xA0),
    (0xAD, 0x061C, 0x200B, 0x200E, 0x200F, 0x2028, 0x2029, 0xFEFF),
    range(0x202A, 0x202F),
    range(0x2060, 0x2070),
    range(0xD800, 0xE000),
    range(0xFFF9, 0xFFFC),
    range(0xE0000, 0xE0080),
)
_ESCAPES = {code: f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" for code in _UNPRINTABLE}
_IN_LINE = {**_ESCAPES, 9: " ", 10: " "}


def escaped(text: str) -> str:
    """The text with control characters and terminal escapes written as ``\\x1b`` and the like; tabs and line feeds
    stay."""
    return text.translate(_ESCAPES)


def printable(text: object, longest: int = LONGEST_TEXT) -> str:
    """One line of printable text for a log, a table or a terminal; cut with "…" where it is longer than ``longest``.

    For sentences of others, which are shown and never compared: it refuses nothing.
    """
    said = str(text)
    cut = said[: longest + 1].translate(_IN_LINE)
    return cut if len(cut) <= longest and len(said) <= longest else f"{cut[: longest - 1]}…"
