"""Type stub of the generated package: its messages count as ``Any``, which mypy cannot see in the source tree."""

from typing import Any

def __getattr__(name: str) -> Any: ...
