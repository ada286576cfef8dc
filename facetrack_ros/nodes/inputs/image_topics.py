"""Choice of a camera's image topic from the topic graph, and sentences on why no images arrive."""

from dataclasses import dataclass

from facetrack_ros.errors import ConfigError

COMPRESSED, RAW = "sensor_msgs/msg/CompressedImage", "sensor_msgs/msg/Image"
# Usual names below a camera's; JPEG first, which needs no encoding.
USUAL = ("image/compressed", "image_raw/compressed", "image", "image_raw")
AUTO, BEST_EFFORT, RELIABLE = "auto", "best_effort", "reliable"
# Advice for raw images, which DDS splits into many parts.
LARGE_RAW = (
    "of images this large most get lost on the way at best effort: let the driver publish reliably, or JPEG "
    "(sensor_msgs/CompressedImage), and set FASTDDS_BUILTIN_TRANSPORTS=LARGE_DATA for the driver and for this process"
)
# At most so many topics are listed in a sentence.
_NAMED = 8


@dataclass(frozen=True)
class Publisher:
    """A publisher of a topic.

    :param node: full name of its node.
    :param kind: the message type.
    """

    node: str
    kind: str
    reliable: bool


@dataclass(frozen=True)
class TopicCandidate:
    """A topic with publishers of images.

    :param kind: :data:`COMPRESSED` or :data:`RAW`.
    """

    topic: str
    kind: str
    publishers: tuple[Publisher, ...]

    @property
    def reliable(self) -> bool:
        """Whether all its publishers are reliable."""
        return all(publisher.reliable for publisher in self.publishers)


def parse_topics(text: str, cameras: tuple[str, ...]) -> dict[str, str]:
    """Topics by camera from the setting ``camera.topics``.

    :raises ConfigError: it is not ``NAME=TOPIC`` with names of cameras, each once.
    """
    topics: dict[str, str] = {}
    for word in text.split():
        camera, equals, topic = word.partition("=")
        if not equals or not camera or not topic:
            raise ConfigError(f"camera.topics says {word!r}: give NAME=TOPIC for each camera, separated by spaces")
        if camera not in cameras:
            raise ConfigError(
                f"camera.topics names {camera}, which is no camera here: the cameras are {', '.join(cameras)}"
            )
        if camera in topics:
            raise ConfigError(f"camera.topics names {camera} twice: give each camera one topic")
        topics[camera] = topic
    return topics


def candidate_of(topic: str, publishers: tuple[Publisher, ...], raw_too: bool = True) -> TopicCandidate | None:
    """A topic as a candidate; None if no publisher sends images.

    :param raw_too: whether raw images count.
    """
    for kind in (COMPRESSED, *((RAW,) if raw_too else ())):
        of_kind = tuple(publisher for publisher in publishers if publisher.kind == kind)
        if of_kind:
            return TopicCandidate(topic, kind, of_kind)
    return None


def choose(
    candidates: list[TopicCandidate], current: TopicCandidate | None, flowing: bool, expired: bool
) -> TopicCandidate | None:
    """The candidate to subscribe.

    A topic that delivers images is kept, unless they are raw and JPEG is available. One that delivers none for a while
    is replaced by the next candidate, in rotation.

    :param candidates: in order of preference.
    :param current: subscribed now.
    :param flowing: whether it delivers images.
    :param expired: whether it had enough time to deliver.
    """
    topics = [candidate.topic for candidate in candidates]
    if not candidates:
        return current
    here = topics.index(current.topic) if current is not None and current.topic in topics else None
    if flowing and current is not None:
        if current.kind == RAW and candidates[0].kind == COMPRESSED:
            return candidates[0]
        return current if here is None else candidates[here]
    if here is None:
        return candidates[0]
    return candidates[(here + 1) % len(candidates)] if expired else candidates[here]


def wants_reliable(candidate: TopicCandidate, setting: str) -> bool:
    """Whether to subscribe reliably.

    Best effort receives from every publisher. A raw image is sent in many parts and lost with any of them, so it is
    subscribed reliably if all publishers are reliable.

    :param setting: ``camera.qos``.
    """
    return setting == RELIABLE or (setting == AUTO and candidate.kind == RAW and candidate.reliable)


def incompatible_sentence(camera: str, topic: str, publishers: tuple[Publisher, ...], reliable: bool) -> str:
    """The publishers whose QoS does not fit, and the parameter that solves it."""
    names = ", ".join(publisher.node for publisher in publishers if reliable and not publisher.reliable)
    return (
        f"camera {camera}: {names or 'a publisher'} offers best effort on {topic}, but is subscribed reliably, so no "
        "image arrives from there: set the parameter camera.qos to auto or best_effort"
    )


def silence_sentence(
    camera: str,
    seconds: float,
    topic: str,
    candidate: TopicCandidate | None,
    others: dict[str, str],
    odd: dict[str, str],
    reliable: bool,
) -> str:
    """Why no images arrive, as far as the graph shows, and what to do.

    :param topic: the topic waited for.
    :param candidate: subscribed, if it has publishers.
    :param others: every other topic with images, and its type.
    :param odd: the camera's topics of another type, and that type.
    :param reliable: whether the subscription is reliable.
    """
    head = f"No frames for {seconds:.0f} s on "
    if candidate is not None:
        nodes = ", ".join(publisher.node for publisher in candidate.publishers)
        if reliable and not candidate.reliable:
            why = incompatible_sentence(camera, candidate.topic, candidate.publishers, True)
            return f"{head}{candidate.topic}: {why}"
        hint = (
            "is the camera running, and do both computers reach each other?"
            if candidate.kind == COMPRESSED
            else f"is the camera running? If its images are large: {LARGE_RAW}"
        )
        return f"{head}{candidate.topic}: {nodes} publishes it, but nothing arrives: {hint}"
    if odd:
        other, kind = next(iter(odd.items()))
        return (
            f"{head}{other}: what is published there is {kind}, no image: "
            f"give the camera's topic, camera.topics: {camera}=TOPIC"
        )
    head += f"{topic}: it has no publisher; image topics seen: "
    seen = [f"{topic} ({kind.rpartition('/')[2]})" for topic, kind in sorted(others.items())]
    if not seen:
        return f"{head}none. Is the driver running, on this ROS_DOMAIN_ID?"
    more = f" and {len(seen) - _NAMED} more" if len(seen) > _NAMED else ""
    return f"{head}{', '.join(seen[:_NAMED])}{more}. If one of them is this camera, set camera.topics: {camera}=TOPIC"
