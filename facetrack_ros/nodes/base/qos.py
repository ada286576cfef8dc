"""QoS profiles by topic; where the two sides differ, ``_PUB`` and ``_SUB``."""

from rclpy.duration import Duration
from rclpy.qos import QoSDurabilityPolicy, QoSHistoryPolicy, QoSProfile, QoSReliabilityPolicy


def _profile(depth: int, reliable: bool = True, latched: bool = False, **options) -> QoSProfile:
    """Keep-last profile.

    :param latched: the publisher sends its last ``depth`` messages to subscriptions that come later.
    """
    return QoSProfile(
        depth=depth,
        history=QoSHistoryPolicy.KEEP_LAST,
        reliability=QoSReliabilityPolicy.RELIABLE if reliable else QoSReliabilityPolicy.BEST_EFFORT,
        durability=QoSDurabilityPolicy.TRANSIENT_LOCAL if latched else QoSDurabilityPolicy.VOLATILE,
        **options,
    )


# Images, poses, battery: only the newest message matters. Best effort receives from publishers of either reliability.
SENSOR_DATA = _profile(5, reliable=False)
# Results within a robot, of which each message matters: detections, faces, tracks, events, alerts, search parts.
RELIABLE = _profile(100)
# ``<camera>/rotation``: the last estimate also reaches subscriptions that come later.
ROTATION = _profile(1, latched=True)

# Services. Of ROS's ten, requests that come while the executor is busy, and responses to them, would be lost.
SERVICE = _profile(256)

# ``roster``. A robot's last heartbeat also reaches subscriptions that come later.
HEARTBEAT_PUB = _profile(1, latched=True)
# A robot's permanent subscription. Best effort: in a fleet of fifty, heartbeats and their acknowledgements would be
# nine thousand packets a second, and the next heartbeat comes in a second anyway.
HEARTBEAT_SUB = _profile(1000, reliable=False)
# A short-lived subscription, which needs the last heartbeat of every robot at once.
HEARTBEAT_LATCHED_SUB = _profile(1000, latched=True)

# ``search/request`` and ``search/result``. DDS tells a reader of a lost message only every three seconds and holds back
# what follows, unless the writer's history is full: then it tells with every message. At a depth of one it is always
# full, so a request or result that is sent again comes through at once.
SEARCH_REQUEST_PUB = _profile(1)
# Latched for a requester whose subscription is not discovered yet.
SEARCH_RESULT_PUB = _profile(1, latched=True, lifespan=Duration(seconds=10))
# Room for the results of all robots to several searches between two polls.
SEARCH_RESULT_SUB = _profile(1000, latched=True)

# ``persons``.
PERSON_TEMPLATES = _profile(100, latched=True)
# ``verdicts`` and ``gallery``.
PEOPLE_RECORDS = _profile(1000, latched=True)
