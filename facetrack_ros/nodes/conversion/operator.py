"""Who asks, and why, as requests say it."""

from typing import Any, Protocol

from facetrack_ros.core import validation
from facetrack_ros.core.validation import LONGEST_NAME
from facetrack_ros.history.audit.reason import LONGEST_REASON


class SaysWhy(Protocol):
    """A request that names its operator."""

    operator_name: str
    reason: str


def said_by(request: SaysWhy) -> dict[str, Any]:
    """``operator`` and ``reason`` of a request; a claim, as no one proves it.

    :raises InvalidInput: one is too long or not printable.
    """
    return {
        "operator": validation.plain_text(request.operator_name, "the operator", LONGEST_NAME),
        "reason": validation.plain_text(request.reason, "the reason", LONGEST_REASON),
    }
