"""Which models run, in sentences for people."""

from typing import Mapping

ROLES = {"person": "persons", "face": "faces", "embedder": "embeddings"}


def description_lines(description: "Mapping[str, Mapping[str, str]]") -> "list[str]":
    """A line a role from what :meth:`VisionPipeline.describe` gives, then why anything better was passed over."""
    lines = [f"{title}: {description[role]['model']} ({description[role]['licence']}, {description[role]['origin']})"
             for role, title in ROLES.items()]
    reasons = [reason for role in ROLES for reason in description[role]["passed_over"].split("; ") if reason]
    return lines + [f"passed over: {reason}" for reason in dict.fromkeys(reasons)]
