"""Requests that do not say who asks and why."""

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
