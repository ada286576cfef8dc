"""What can be set of the tracking, with defaults that hold from 2 frames a second up."""

from dataclasses import dataclass

from facetrack_ros.errors import ConfigError

SECOND_NS = 1_000_000_000


@dataclass(frozen=True)
class TrackingSettings:
    """Settings of tracking, identity and events. Similarities are cosines; distance is 1 minus similarity.

    :param min_hits: in how many frames a track must be seen before it is believed.
    :param confirm_within_ns: how close together these frames must lie.
    :param lost_after_frames: a track that so many frames do not show is lost.
    :param max_gap_ns: how long a lost track is looked for; it is idle then.
    :param exit_after_ns: a person unseen this long in a camera has left.
    :param identity_wait_ns: how long a believed track waits for a face that tells who it is; one that shows none counts
        as a person when it has been seen for that long.
    :param faces_for_new_person: a face that is like nobody known makes a new person only after so many looks at it, or
        when the wait is over: a single poor look at somebody known would make a second id of them.
    :param sure_score: a box of this score begins a track at once.
    :param likely_score: a box of this score goes on with a track; several begin one. A box below it only goes on with a
        track that the frame before had.
    :param evidence: scores of likely boxes that together begin a track.
    :param min_iou: least overlap, times the score, of a predicted box and a found one for them to be the same person.
    :param min_iou_unlikely: least overlap for a box that is not likely.
    :param min_iou_lost: least overlap, times the score, for a person just lost.
    :param doubt_a_frame: what a lost person needs more of it for each frame that missed them, up to ``most_doubt``.
    :param most_doubt: see ``doubt_a_frame``.
    :param reach: how far boxes are widened, in parts of their size, as time passes without a look.
    :param far_reach: the same, when nothing else was found for who was there a frame before: few frames a second.
    :param body_reach: the same, for somebody whose appearance matches.
    :param body_veto: bodies further apart than this many times the distance of the appearance model's threshold are of
        different people.
    :param veto_distance: faces further apart than this many times the distance of the model's threshold are
        clearly of different people. Relative, because the scales of embedders differ: a threshold of 0.36 gives 0.10, a
        threshold of 0.9 gives 0.86.
    :param margin: by how much the best must be ahead of the second best, in parts of the threshold's distance.
    :param template_size: most embeddings kept of a person.
    :param max_persons: most persons remembered; those not seen for longest are forgotten first.
    """

    min_hits: int = 2
    confirm_within_ns: int = 2 * SECOND_NS
    lost_after_frames: int = 1
    max_gap_ns: int = 2 * SECOND_NS
    exit_after_ns: int = 2 * SECOND_NS
    identity_wait_ns: int = SECOND_NS
    faces_for_new_person: int = 3
    sure_score: float = 0.7
    likely_score: float = 0.55
    evidence: float = 3.0
    min_iou: float = 0.2
    min_iou_unlikely: float = 0.5
    min_iou_lost: float = 0.1
    doubt_a_frame: float = 0.02
    most_doubt: float = 0.3
    reach: float = 0.3
    far_reach: float = 0.6
    body_reach: float = 1.0
    body_veto: float = 1.3
    veto_distance: float = 1.4
    margin: float = 0.08
    template_size: int = 30
    max_persons: int = 2000

    def __post_init__(self):
        for name in (
            "min_hits",
            "lost_after_frames",
            "confirm_within_ns",
            "max_gap_ns",
            "exit_after_ns",
            "faces_for_new_person",
            "template_size",
            "max_persons",
        ):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} must be at least 1, not {getattr(self, name)}")
        if self.identity_wait_ns < 0:
            raise ConfigError(f"identity_wait_ns must not be negative, but is {self.identity_wait_ns}")
        for name in ("min_iou", "min_iou_unlikely", "min_iou_lost", "most_doubt"):
            if not 0 < getattr(self, name) < 1:
                raise ConfigError(f"{name} must lie between 0 and 1, not {getattr(self, name)}")
        for name in ("doubt_a_frame", "reach", "far_reach", "body_reach", "margin"):
            if not getattr(self, name) >= 0:
                raise ConfigError(f"{name} must not be negative, but is {getattr(self, name)}")
        if not 0 <= self.likely_score <= self.sure_score <= 1:
            raise ConfigError(
                f"likely_score must lie between 0 and sure_score, and sure_score be 1 at most, not "
                f"{self.likely_score} and {self.sure_score}"
            )
        for name in ("veto_distance", "body_veto"):
            if not getattr(self, name) >= 1:
                raise ConfigError(f"{name} must be at least 1, not {getattr(self, name)}")


class LiveSettings:
    """Tracking settings that whoever holds them sees change; read like :class:`TrackingSettings`. For one thread."""

    def __init__(self, settings: TrackingSettings):
        self.change(settings)

    def change(self, settings: TrackingSettings) -> None:
        """These from now on."""
        vars(self).update(vars(settings))
