"""Types of command line arguments."""

import argparse

#: Longest time that an argument may give, seconds: 30 years.
LONGEST_S = 1e9


def seconds(text: str) -> float:
    """A number of seconds; finite, so that it converts to nanoseconds.

    :raises argparse.ArgumentTypeError: it is none.
    """
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not abs(value) <= LONGEST_S:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds up to {LONGEST_S:.0f}")
    return value
