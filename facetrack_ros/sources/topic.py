"""The SOURCE texts that name a ROS topic, which only a running robot can use."""

import re
from pathlib import Path

from facetrack_ros.sources.source_reference import resolve_source

_TOPIC = re.compile(r"(?:/[A-Za-z_][A-Za-z0-9_]*)+")


def topic_of(text: str) -> str:
    """The ROS topic that a SOURCE text names by its absolute name (``/camera/color/image_raw``); empty: something else.

    What exists as a path is a path, and what is below ``/dev`` a device.

    :raises SourceError: what the text refers to cannot be read, see :func:`.resolve_source`.
    """
    text = resolve_source(text)
    named = _TOPIC.fullmatch(text) and not text.startswith("/dev/") and not Path(text).exists()
    return text if named else ""


def split_topics(cameras: dict[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """The sources by camera that are opened, and the topics by camera that are subscribed.

    :raises SourceError: see :func:`topic_of`.
    """
    topics = {camera: topic for camera, source in cameras.items() if (topic := topic_of(source))}
    return {camera: source for camera, source in cameras.items() if camera not in topics}, topics


def with_topics(setting: str, topics: dict[str, str]) -> str:
    """The setting ``camera.topics`` with these topics of cameras, in place of those that it has for them."""
    others = [word for word in setting.split() if word.partition("=")[0] not in topics]
    return " ".join([*others, *(f"{camera}={topic}" for camera, topic in topics.items())])
