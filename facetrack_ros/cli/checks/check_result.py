"""Result of one check."""

from dataclasses import dataclass

OK, WARNING, ERROR = "ok", "warning", "error"


@dataclass(frozen=True)
class CheckResult:
    """What a check found.

    :param level: ``ok``; ``warning``: it works, but not as well or as safely as it could; ``error``: it does not work.
    :param subject: what was checked, a word or two.
    :param sentence: what was found.
    :param advice: what to do; empty: nothing.
    """

    level: str
    subject: str
    sentence: str
    advice: str = ""
