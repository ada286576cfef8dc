"""The settings of tracking, as the configuration gives them."""

from collections.abc import Callable
from functools import partial

from facetrack_ros.config import Config
from facetrack_ros.errors import ConfigError
from facetrack_ros.models.contract import ModelContract
from facetrack_ros.tracking.box_tracker import BoxTracker
from facetrack_ros.tracking.camera_motion import CameraMotion
from facetrack_ros.tracking.face_scheduler import FaceScheduler
from facetrack_ros.tracking.id_allocator import IdAllocator
from facetrack_ros.tracking.identity_merges import IdentityMerges
from facetrack_ros.tracking.interfaces import Tracker
from facetrack_ros.tracking.people_tracker import PeopleTracker
from facetrack_ros.tracking.settings import SECOND_NS, TrackingSettings
from facetrack_ros.tracking.trackers_adapter import LibraryTracker

OWN = "own"
OFF = "off"
#: From which cosine two bodies look the same: chosen on TUD-Campus (docs/reference/tracking.md). Other models need the setting.
BODY_THRESHOLDS = {"osnet_x0_25_msmt17": 0.65, "colour_gradient_histogram": 0.8}
_OTHER_BODY_THRESHOLD = 0.7


def tracking_settings(config: Config) -> TrackingSettings:
    """What the configuration says of tracking; the rest stays at its default."""
    return TrackingSettings(
        exit_after_ns=round(config.tracking.exit_after_s * SECOND_NS),
        lost_after_frames=config.tracking.lost_after_frames,
        max_gap_ns=round(config.tracking.lost_for_s * SECOND_NS),
        sure_score=config.tracking.sure_score,
        likely_score=min(config.tracking.likely_score, config.tracking.sure_score),
    )


def body_threshold(config: Config) -> float:
    """From which cosine two bodies look the same to the chosen model."""
    name = config.tracking.appearance
    return config.tracking.appearance_threshold or BODY_THRESHOLDS.get(name, _OTHER_BODY_THRESHOLD)


def tracker_factory(
    config: Config, threshold: float, settings: TrackingSettings | None = None
) -> Callable[[], Tracker]:
    """Makes a camera's tracker as the configuration chooses it. One is made at once, so that a choice that cannot be is
    told before the first frame.

    :param threshold: of the face embedder: lowest cosine similarity of a match.
    :param settings: where others share them; None: those of the configuration.
    :raises ConfigError: the chosen tracker is not here, or does not know what is asked of it.
    """
    settings = settings or tracking_settings(config)
    name, motion = config.tracking.association, config.tracking.camera_motion
    if name != OWN:
        if config.tracking.appearance != OFF:
            raise ConfigError(
                f"{name} takes no account of appearance: set tracking.association to own, or tracking.appearance to off"
            )
        make = partial(LibraryTracker, name, threshold, settings, camera_motion=motion)
    else:

        def make() -> BoxTracker:
            return BoxTracker(
                threshold, settings, body_threshold(config), None if motion == OFF else CameraMotion(motion)
            )

    make()
    return make


def make_face_scheduler(config: Config) -> FaceScheduler:
    """Which faces of a camera are worth the work, as the configuration says."""
    return FaceScheduler(pause_ns=round(SECOND_NS / config.faces.looks_per_s))


def make_people_tracker(
    robot_id: str, ids: IdAllocator, config: Config, contract: ModelContract, aliases: IdentityMerges | None = None
) -> PeopleTracker:
    """The people of a robot, as the configuration says.

    Its ``settings`` may be changed while it runs (:meth:`TrackingSettings.replace_with`).

    :param contract: of the face embedder.
    :param aliases: which ids are one person, as known so far.
    :raises ConfigError: see :func:`tracker_factory`.
    """
    settings = tracking_settings(config)
    return PeopleTracker(
        robot_id,
        ids,
        settings,
        contract.threshold,
        contract.id,
        tracker_factory(config, contract.threshold, settings),
        aliases,
    )
