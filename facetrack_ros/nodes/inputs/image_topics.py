"""Which topic a camera's images come on, decided from what the topic graph shows; and a sentence when none come."""

from dataclasses import dataclass

from facetrack_ros.errors import ConfigError

COMPRESSED, RAW = "sensor_msgs/msg/CompressedImage", "sensor_msgs/msg/Image"
# Below a camera's name, as drivers call them; JPEG first, as nothing has to be encoded then.
USUAL = ("image/compressed", "image_raw/compressed", "image", "image_raw")
AUTO, BEST_EFFORT, RELIABLE = "auto", "best_effort", "reliable"
# What to do about images that DDS has to cut up.
LARGE_RAW = (
    "of images this large most get lost on the way at best effort: let the driver publish reliably, or JPEG "
    "(sensor_msgs/CompressedImage), and set FASTDDS_BUILTIN_TRANSPORTS=LARGE_DATA for the driver and for this process"
)
# More names than this help nobody find theirs.
_NAMED = 8


@dataclass(frozen=True)
class Publisher:
    """Who publishes on a topic.

    :param node: its full name.
    :param kind: the message type.
    """

    node: str
    kind: str
    reliable: bool


@dataclass(frozen=True)
class TopicCandidate:
    """A topic on which somebody publishes images.

    :param kind: :data:`COMPRESSED` or :data:`RAW`.
    """

    topic: str
    kind: str
    publishers: tuple[Publisher, ...]

    @property
    def reliable(self) -> bool:
        """Whether all its publishers repeat what gets lost."""
        return all(publisher.reliable for publisher in self.publishers)


def parse_topics(text: str, cameras: tuple[str, ...]) -> dict[str, str]:
    """What ``camera.topics`` says: topics by camera.

    :raises ConfigError: it is not ``NAME=TOPIC`` with names of cameras, each once.
    """
    topics = {}
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


def offer_on(topic: str, publishers: tuple[Publisher, ...], raw_too: bool = True) -> TopicCandidate | None:
    """What a topic offers, None where nobody publishes images there.

    :param raw_too: whether raw images are of use.
    """
    for kind in (COMPRESSED, *((RAW,) if raw_too else ())):
        of_kind = tuple(publisher for publisher in publishers if publisher.kind == kind)
        if of_kind:
            return TopicCandidate(topic, kind, of_kind)
    return None


def choose(
    offers: list[TopicCandidate], current: TopicCandidate | None, flowing: bool, patience_over: bool
) -> TopicCandidate | None:
    """The offer to listen to.

    A topic that brings images is kept, unless it brings raw ones where JPEG is to be had. One that brings nothing for a
    while gives way to the next, round and round.

    :param offers: in order of preference.
    :param current: listened to now.
    :param flowing: whether it brings images.
    :param patience_over: whether it had time enough to.
    """
    topics = [offer.topic for offer in offers]
    if not offers:
        return current
    here = topics.index(current.topic) if current is not None and current.topic in topics else None
    if flowing:
        wish = offers[0] if current.kind == RAW and offers[0].kind == COMPRESSED else current
        return wish if here is None or wish is not current else offers[here]
    if here is None:
        return offers[0]
    return offers[(here + 1) % len(offers)] if patience_over else offers[here]


def asks_for_reliable(offer: TopicCandidate, setting: str) -> bool:
    """Whether images are asked for reliably.

    Best effort receives from every publisher. Only of a raw image, sent in many parts, one lost part is the whole
    image lost: there repetition helps, where the publisher repeats.
    """
    return setting == RELIABLE or (setting == AUTO and offer.kind == RAW and offer.reliable)


def incompatible_sentence(camera: str, topic: str, publishers: tuple[Publisher, ...], reliable: bool) -> str:
    """Who cannot be heard for its QoS, and the parameter that mends it."""
    deaf = ", ".join(publisher.node for publisher in publishers if reliable and not publisher.reliable) or "a publisher"
    return (
        f"camera {camera}: {deaf} offers best effort on {topic}, but reliable is asked for, so nothing comes from there: "
        "set the parameter camera.qos to auto or best_effort"
    )


def silence_sentence(
    camera: str,
    seconds: float,
    topic: str,
    offer: TopicCandidate | None,
    others: dict[str, str],
    odd: dict[str, str],
    reliable: bool,
) -> str:
    """Why no images come, as far as the graph shows, and what to do.

    :param topic: that is waited at.
    :param offer: listened to, where somebody publishes.
    :param others: every other topic with images on it, and its type.
    :param odd: types that are no images, by those of the topics looked at that carry them.
    :param reliable: whether repetition is asked for.
    """
    head = f"No frames for {seconds:.0f} s on "
    if offer is not None:
        nodes = ", ".join(publisher.node for publisher in offer.publishers)
        if reliable and not offer.reliable:
            return head + f"{offer.topic}: {incompatible_sentence(camera, offer.topic, offer.publishers, True)}"
        hint = (
            "is the camera running, and do both computers reach each other?"
            if offer.kind == COMPRESSED
            else f"is the camera running? If its images are large: {LARGE_RAW}"
        )
        return head + f"{offer.topic}: {nodes} publishes it, but nothing arrives: {hint}"
    if odd:
        carrier, kind = next(iter(odd.items()))
        return (
            head
            + f"{carrier}: what is published there is {kind}, no image: give the camera's topic, camera.topics: {camera}=TOPIC"
        )
    seen = [f"{topic} ({kind.rpartition('/')[2]})" for topic, kind in sorted(others.items())]
    if not seen:
        return head + (
            f"{topic}: nobody publishes it; image topics seen: none. Is the driver running, on this ROS_DOMAIN_ID?"
        )
    more = f" and {len(seen) - _NAMED} more" if len(seen) > _NAMED else ""
    return head + (
        f"{topic}: nobody publishes it; image topics seen: {', '.join(seen[:_NAMED])}{more}. If one of them is "
        f"this camera, set camera.topics: {camera}=TOPIC"
    )
