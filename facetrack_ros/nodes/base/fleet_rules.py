"""Which topics and services of a fleet are signed, who may send on them, and who can read."""

from dataclasses import dataclass

from facetrack_ros.errors import ConfigError, InvalidInput
from facetrack_ros.security.membership import ANY_MEMBER, EVERYONE, FLEET, ROBOTS_ONLY

#: Reader of an answer: the member that asked.
ASKER = "asker"
#: Keys of a message's info: its signer, where that must be the sender it names; its signer in any case; and that one,
#: where it is an operator.
SIGNER, SIGNED_BY, OPERATOR = "signer", "signed_by", "operator"


@dataclass(frozen=True)
class TopicRule:
    """What holds for the messages of a topic.

    :param readers: :data:`EVERYONE` (signed only), :data:`FLEET`, or :data:`ASKER`.
    :param permission: that their signer needs.
    :param fresh: whether one is taken once, and within the time window only; else DDS may keep it for later
        subscribers, and what it says has an order of its own.
    :param named: whether its signer must be the sender that it names.
    :param counted: whether unsigned ones are received, only to be counted.
    """

    readers: str
    permission: str
    fresh: bool
    named: bool
    counted: bool = False


#: By name below the mesh, or the end of a name below a robot.
TOPICS = {
    "roster": TopicRule(EVERYONE, ROBOTS_ONLY, fresh=True, named=True),
    "known_robots": TopicRule(EVERYONE, ROBOTS_ONLY, fresh=False, named=True),
    "search/request": TopicRule(FLEET, "search", fresh=True, named=True, counted=True),
    "search/result": TopicRule(ASKER, ROBOTS_ONLY, fresh=True, named=True),
    "persons": TopicRule(FLEET, ROBOTS_ONLY, fresh=False, named=True, counted=True),
    # Robots pass on what others decided and enrolled.
    "verdicts": TopicRule(FLEET, "merge", fresh=False, named=False, counted=True),
    "gallery": TopicRule(FLEET, "enrol", fresh=False, named=False, counted=True),
    # A request has the signature of who made it besides, which says what is needed; robots pass it on.
    "fleet/request": TopicRule(FLEET, ANY_MEMBER, fresh=True, named=False, counted=True),
    "fleet/receipt": TopicRule(ASKER, ROBOTS_ONLY, fresh=True, named=True),
    "face_search/parts": TopicRule(FLEET, ROBOTS_ONLY, fresh=True, named=False),
}

#: Permission that a call of a robot's service needs, by the service's name.
SERVICES = {
    "face_search": "search",
    "list_people": "search",
    "get_frames": "frames",
    "save_clip": "frames",
    "enroll_face": "enrol",
    "verify_match": "verify",
    "forget_person": "forget",
}


def topic_rule(topic: str, mesh: str) -> TopicRule | None:
    """The rule of a topic; None: it is none of the fleet, and stays as it is.

    :param mesh: prefix of the topics that all robots share.
    :raises ConfigError: a topic of the mesh without a rule, which is neither sent nor received.
    """
    if topic.startswith(f"{mesh}/"):
        name = topic.removeprefix(f"{mesh}/")
        if name not in TOPICS:
            raise ConfigError(f"{topic} has no rule in a fleet with a fleet file: no robot can be called {mesh[1:]}")
        return TOPICS[name]
    return TOPICS["face_search/parts"] if topic.endswith("/face_search/parts") else None


def signed_topic(topic: str, mesh: str) -> str:
    """The topic that takes the place of one of the mesh or of a robot in a fleet with a fleet file: its messages are of
    another type."""
    return f"{mesh}/signed/{topic.removeprefix(f'{mesh}/')}" if topic.startswith(f"{mesh}/") else f"{topic}_signed"


def check_signer(info: dict, sender: str) -> None:
    """Check that a message comes from whom it names.

    :param info: of the message, as its subscription passes it.
    :raises InvalidInput: another member signed it.
    """
    signer = info.get(SIGNER)
    if signer is not None and signer != sender:
        raise InvalidInput(f"{signer} signed it", "signer")
