"""What can be set of the tracking, with defaults that hold from 2 frames a second up."""

from dataclasses import dataclass

from facetrack_ros.errors import ConfigError

SECOND_NS = 1_000_000_000


@dataclass(frozen=True)
class TrackingSettings:
    """Settings of tracking, identity and events. Similarities are cosines; distance is 1 minus similarity.

    :param min_hits: in how many frames a track must be seen before it is believed.
    :param confirm_within_ns: how close together these frames must lie.
    :param max_gap_ns: how long a lost track is looked for.
    :param exit_after_ns: a person unseen this long in a camera has left.
    :param identity_wait_ns: how long a believed track waits for a face that tells who it is; one that shows none counts
        as a person when it has been seen for that long.
    :param faces_for_new_person: a face that is like nobody known makes a new person only after so many looks at it, or
        when the wait is over: a single poor look at somebody known would make a second id of them.
    :param min_iou: least overlap of a predicted box and a found one for them to be the same person.
    :param min_iou_lost: the same for a person who was not seen in the frame before.
    :param reach: how far boxes are widened, in parts of their size, when overlap finds nothing: few frames a second.
    :param veto_distance: faces further apart than this many times the distance of the model's threshold are
        clearly of different people. Relative, because the scales of embedders differ: a threshold of 0.36 gives 0.10, a
        threshold of 0.9 gives 0.86.
    :param margin: by how much the best must be ahead of the second best, in parts of the threshold's distance.
    :param template_size: most embeddings kept of a person.
    :param max_persons: most persons remembered; those not seen for longest are forgotten first.
    """

    min_hits: int = 2
    confirm_within_ns: int = 2 * SECOND_NS
    max_gap_ns: int = 2 * SECOND_NS
    exit_after_ns: int = 2 * SECOND_NS
    identity_wait_ns: int = SECOND_NS
    faces_for_new_person: int = 3
    min_iou: float = 0.1
    min_iou_lost: float = 0.3
    reach: float = 0.6
    veto_distance: float = 1.4
    margin: float = 0.08
    template_size: int = 30
    max_persons: int = 2000

    def __post_init__(self):
        for name in ("min_hits", "confirm_within_ns", "max_gap_ns", "exit_after_ns", "faces_for_new_person",
                     "template_size", "max_persons"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} must be at least 1, not {getattr(self, name)}")
        if self.identity_wait_ns < 0:
            raise ConfigError(f"identity_wait_ns must not be negative, but is {self.identity_wait_ns}")
        if not (0 < self.min_iou < 1 and 0 < self.min_iou_lost < 1):
            raise ConfigError(f"min_iou and min_iou_lost must lie between 0 and 1, not {self.min_iou} and "
                              f"{self.min_iou_lost}")
        if not (0 <= self.reach and 0 <= self.margin and 1 < self.veto_distance):
            raise ConfigError("reach and margin must not be negative, and veto_distance must be above 1, not "
                              f"{self.reach}, {self.margin} and {self.veto_distance}")
