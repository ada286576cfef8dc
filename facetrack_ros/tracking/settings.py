"""Settings of tracking; the defaults hold from 2 frames a second up."""

from dataclasses import dataclass, fields

from facetrack_ros.errors import ConfigError

SECOND_NS = 1_000_000_000

# Names of settings, the condition that each must meet, and the words for it.
_RULES = (
    (
        "min_hits lost_after_frames confirm_within_ns max_gap_ns exit_after_ns still_for_ns faces_for_new_person "
        "template_size max_persons veto_distance appearance_veto",
        lambda value: value >= 1,
        "be at least 1",
    ),
    (
        "identity_wait_ns still_score lost_iou_step widening far_widening appearance_widening margin",
        lambda value: value >= 0,
        "not be negative",
    ),
    (
        "min_iou min_iou_new min_iou_far min_iou_unlikely min_iou_lost max_lost_iou",
        lambda value: 0 < value < 1,
        "lie between 0 and 1",
    ),
)


@dataclass
class TrackingSettings:
    """Settings of association, identities and events.

    Similarities are cosines; a distance is 1 minus a similarity. Those of association were chosen by a search over
    TUD-Campus, TUD-Stadtmitte and PETS09-S2L1 with boxes of YOLOX-nano, forwards and backwards, and eight sequences of
    MOT15 with boxes of Faster R-CNN, at full rate, 7 and 2 frames a second (``benchmarks/track_walkers.py``).

    :param min_hits: frames that must show a track before it is confirmed.
    :param confirm_within_ns: time span that must hold these frames.
    :param lost_after_frames: missed frames after which a track is lost.
    :param max_gap_ns: longest gap that a lost track is matched over; it is idle afterwards.
    :param exit_after_ns: time without a sighting in a camera after which a person has left.
    :param identity_wait_ns: how long a confirmed track waits for an identifying face. A track without any face becomes
        a person when it lasted this long.
    :param faces_for_new_person: embeddings that a face unlike all known ones needs to become a new person before the
        wait is over; with fewer, one poor embedding of a known person would create a second id.
    :param sure_score: detector score from which one box starts a track.
    :param likely_score: detector score from which a box continues any track and several start one. A box below it only
        continues a track of the previous frame.
    :param min_evidence: sum of the scores of likely boxes that starts a track.
    :param still_score: lowest mean score of a track without motion and without a face.
    :param still_for_ns: time over which the mean score and the motion are measured.
    :param min_iou: lowest overlap of a predicted and a detected box of one person seen in the previous frame: IoU of
        the widened boxes, times the score, times the root of the overlap of heights.
    :param min_iou_new: the same for a track that has not started yet.
    :param min_iou_far: lowest IoU of the last matching step, for low frame rates.
    :param min_iou_unlikely: lowest IoU for a box below ``likely_score``.
    :param min_iou_lost: lowest overlap for a track that was just lost.
    :param lost_iou_step: rise of ``min_iou_lost`` with each missed frame, up to ``max_lost_iou``.
    :param max_lost_iou: see ``lost_iou_step``.
    :param widening: limit to which boxes are widened with the time unseen, as a fraction of their size.
    :param far_widening: the same for the last matching step, for low frame rates.
    :param appearance_widening: the same for bodies of matching appearance.
    :param appearance_veto: bodies further apart than this multiple of the appearance model's threshold distance are of
        different people.
    :param veto_distance: faces further apart than this multiple of the face model's threshold distance are of different
        people. Relative, because embedders differ: a threshold of 0.36 gives a similarity of 0.10, one of 0.9 gives
        0.86.
    :param margin: lead of the best match over the second best, as a fraction of the threshold distance.
    :param template_size: maximum embeddings of a person.
    :param max_persons: maximum persons in memory; those unseen for longest are dropped first.
    :param enrolled_only: whether only faces of enrolled people are kept, ``recognition.keep: watchlist``.
    :raises ConfigError: a value is out of range.
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
    min_evidence: float = 3.0
    still_score: float = 0.6
    still_for_ns: int = 3 * SECOND_NS
    min_iou: float = 0.3
    min_iou_new: float = 0.1
    min_iou_far: float = 0.2
    min_iou_unlikely: float = 0.5
    min_iou_lost: float = 0.1
    lost_iou_step: float = 0.01
    max_lost_iou: float = 0.2
    widening: float = 0.3
    far_widening: float = 1.0
    appearance_widening: float = 1.0
    appearance_veto: float = 1.3
    veto_distance: float = 1.4
    margin: float = 0.08
    template_size: int = 30
    max_persons: int = 2000
    enrolled_only: bool = False

    def __post_init__(self):
        for names, allowed, rule in _RULES:
            for name in names.split():
                if not allowed(getattr(self, name)):
                    raise ConfigError(f"{name} must {rule}, but is {getattr(self, name)}")
        if not 0 <= self.likely_score <= self.sure_score <= 1:
            raise ConfigError(
                f"likely_score must lie between 0 and sure_score, and sure_score be 1 at most, not "
                f"{self.likely_score} and {self.sure_score}"
            )

    def replace_with(self, other: "TrackingSettings") -> None:
        """Take over all values of ``other``; objects that share these settings use them from the next frame on."""
        for field in fields(self):
            setattr(self, field.name, getattr(other, field.name))
