"""YAML of others: one kind of error, whatever stands in it."""

from typing import Any

import yaml


def load_yaml(content: str | bytes) -> Any:
    """The value of a YAML document of plain types.

    :raises ValueError: it is not YAML, or has a value that cannot be read: nested too deeply, a date that does not
        exist, an integer of thousands of digits, a tag that does not fit its value.
    """
    try:
        return yaml.safe_load(content)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    except (yaml.YAMLError, ValueError, LookupError, AttributeError, TypeError, ArithmeticError) as error:
        # PyYAML turns text to values without checking it first.
        raise ValueError(f"{error}") from error
