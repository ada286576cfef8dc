"""Construction of trackers and their settings from the configuration."""

from collections.abc import Callable
from functools import partial

from facetrack_ros.config import Config
from facetrack_ros.core.similarity_level import SimilarityLevel
from facetrack_ros.errors import ConfigError
from facetrack_ros.models.contract import ModelContract
from facetrack_ros.tracking.box_tracker import BoxTracker
from facetrack_ros.tracking.face_scheduler import FaceScheduler
from facetrack_ros.tracking.id_allocator import IdAllocator
from facetrack_ros.tracking.identity_merges import IdentityMerges
from facetrack_ros.tracking.interfaces import Tracker
from facetrack_ros.tracking.people_tracker import PeopleTracker
from facetrack_ros.tracking.settings import SECOND_NS, TrackingSettings
from facetrack_ros.tracking.trackers_adapter import CameraMotion, LibraryTracker

OWN = "own"
OFF = "off"
#: Cosine similarity from which two bodies match, by appearance model; chosen on TUD-Campus (docs/tracking.md).
BODY_THRESHOLDS = {"osnet_x0_25_msmt17": 0.65, "colour_gradient_histogram": 0.8}
# For other models, unless tracking.appearance_threshold is set; chosen by hand.
_OTHER_BODY_THRESHOLD = 0.7


def enrolled_only(config: Config) -> bool:
    """Whether faces of people who are not enrolled are compared and dropped."""
    return config.recognition.keep == "watchlist"


def tracking_settings(config: Config) -> TrackingSettings:
    """The tracking settings of the configuration; those without an option keep their default."""
    return TrackingSettings(
        exit_after_ns=round(config.tracking.exit_after_s * SECOND_NS),
        lost_after_frames=config.tracking.lost_after_frames,
        max_gap_ns=round(config.tracking.lost_for_s * SECOND_NS),
        sure_score=config.tracking.sure_score,
        still_score=config.tracking.still_score,
        still_for_ns=round(config.tracking.still_for_s * SECOND_NS),
        likely_score=min(config.tracking.likely_score, config.tracking.sure_score),
        enrolled_only=enrolled_only(config),
    )


def body_threshold(config: Config) -> float:
    """Cosine similarity from which two bodies match for the chosen appearance model."""
    name = config.tracking.appearance
    return config.tracking.appearance_threshold or BODY_THRESHOLDS.get(name, _OTHER_BODY_THRESHOLD)


def tracker_factory(
    config: Config, threshold: float, settings: TrackingSettings | None = None
) -> Callable[[], Tracker]:
    """A function that makes a camera's tracker. One is made at once, so that an impossible choice is reported early.

    :param threshold: of the face embedder: lowest cosine similarity of a match.
    :param settings: shared settings; None: those of the configuration.
    :raises ConfigError: the chosen tracker is missing or cannot do what is configured.
    """
    settings = settings or tracking_settings(config)
    name, motion = config.tracking.association, config.tracking.camera_motion
    make: Callable[[], Tracker]
    if name != OWN:
        if config.tracking.appearance != OFF:
            raise ConfigError(
                f"{name} takes no account of appearance: set tracking.association to own, or tracking.appearance to off"
            )
        make = partial(LibraryTracker, name, threshold, settings, camera_motion=motion)
    else:

        def make() -> BoxTracker:
            camera_motion = None if motion == OFF else CameraMotion(motion)
            return BoxTracker(threshold, settings, body_threshold(config), camera_motion)

    make()
    return make


def make_face_scheduler(config: Config) -> FaceScheduler:
    """The face scheduler of a camera."""
    return FaceScheduler(pause_ns=round(SECOND_NS / config.faces.looks_per_s))


def make_people_tracker(
    robot_id: str, ids: IdAllocator, config: Config, contract: ModelContract, merges: IdentityMerges | None = None
) -> PeopleTracker:
    """The people tracker of a robot; its ``settings`` may be changed at run time.

    :param contract: of the face embedder.
    :param merges: merge decisions known so far.
    :raises ConfigError: see :func:`tracker_factory`.
    """
    settings = tracking_settings(config)
    new_tracker = tracker_factory(config, contract.threshold, settings)
    strangers = SimilarityLevel.of_curve(contract.false_match_curve)
    model = contract.threshold, contract.id
    return PeopleTracker(robot_id, ids, settings, *model, new_tracker, merges, strangers, contract.dimension)
