"""Which models run, in sentences for people."""

from typing import Mapping

ROLES = {"person": "persons", "face": "faces", "embedder": "embeddings"}


def description_lines(description: "Mapping[str, Mapping[str, str]]") -> "list[str]":
    """A line a role from what :meth:`VisionPipeline.describe` gives; what was passed over is told, with its reason."""
    lines = []
    for role, title in ROLES.items():
        model = description[role]
        line = f"{title}: {model['model']} ({model['licence']}, {model['origin']})"
        lines.append(line + (f"; passed over: {model['passed_over']}" if model["passed_over"] else ""))
    return lines
