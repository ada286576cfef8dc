"""Requests that do not say who asks and why."""

from typing import Any

#: Longest reason of a request, characters; as that of a merge decision.
LONGEST_REASON = 300


def why_refused(who: str, demanded: bool, operator: str, reason: str) -> str:
    """Why a request is refused that does not say who asks and why, a sentence; empty: it is not.

    :param who: takes requests, such as a robot.
    :param demanded: whether it has to say it, the setting ``audit.require_reason``.
    """
    missing = " and ".join(name for name, value in (("operator", operator), ("reason", reason)) if not value.strip())
    if not demanded or not missing:
        return ""
    return f"{who} takes no request without {missing} (audit.require_reason): say --operator NAME and --reason TEXT"


def who_asked(operator: str, reason: str, signed_by: str = "") -> dict[str, Any]:
    """The fields of a record that say who asked, and how far that is proven.

    ``operator`` is verified where the same name's key signed, as ``operator_verified`` tells. Else it is a claim: of
    the robot ``signed_by`` that passes a request on, or where that is empty, of who sent it.

    :param signed_by: the member of the fleet whose signature was verified; empty: nothing was signed.
    """
    proven = {"operator_verified": bool(operator) and operator == signed_by, "signed_by": signed_by}
    return {"operator": operator, "reason": reason, **proven}
