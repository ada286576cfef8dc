"""Sentences about the models in use, for users."""

from collections.abc import Mapping

NOT_HERE = " is not here: "
FORBIDDEN = " forbids to download "
ROLES = {"person": "persons", "face": "faces", "embedder": "embeddings"}


def description_lines(description: Mapping[str, Mapping[str, str]]) -> list[str]:
    """A line a role of :meth:`VisionPipeline.describe`, then the reasons why preferred models were not taken."""
    lines = [
        f"{title}: {description[role]['model']} ({description[role]['licence']}, {description[role]['origin']})"
        for role, title in ROLES.items()
    ]
    reasons = dict.fromkeys(reason for role in ROLES for reason in description[role]["rejected"].split("; ") if reason)
    absent = [reason.partition(NOT_HERE)[0] for reason in reasons if NOT_HERE in reason]
    if absent:
        lines.append(f"preferred, but not in a folder of FACETRACK_MODELS and not downloaded: {', '.join(absent)}")
    hidden = (NOT_HERE, FORBIDDEN, "no model for the task")
    return lines + [f"rejected: {reason}" for reason in reasons if not any(part in reason for part in hidden)]
