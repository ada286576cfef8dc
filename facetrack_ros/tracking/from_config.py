"""The settings of tracking, as the configuration gives them."""

from functools import partial
from typing import Callable

from facetrack_ros.config import Config
from facetrack_ros.tracking.aliases import Aliases
from facetrack_ros.tracking.association import BoxTracker
from facetrack_ros.tracking.camera_motion import CameraMotion
from facetrack_ros.tracking.ids import IdCounter
from facetrack_ros.tracking.library_tracker import LibraryTracker
from facetrack_ros.tracking.people import PeopleTracker
from facetrack_ros.tracking.settings import SECOND_NS, TrackingSettings
from facetrack_ros.tracking.tracker import Tracker
from facetrack_ros.vision.contract import ModelContract

OWN = "own"
OFF = "off"


def tracking_settings(config: Config) -> TrackingSettings:
    """What the configuration says of tracking; the rest stays at its default."""
    return TrackingSettings(
        exit_after_ns=round(config["tracking.exit_after_s"] * SECOND_NS),
        max_gap_ns=round(config["tracking.lost_for_s"] * SECOND_NS),
        sure_score=config["tracking.sure_score"],
        likely_score=min(config["tracking.likely_score"], config["tracking.sure_score"]))


def tracker_factory(config: Config, threshold: float) -> "Callable[[], Tracker]":
    """Makes a camera's tracker as the configuration chooses it. One is made at once, so that a choice that cannot be is
    told before the first frame.

    :param threshold: of the face embedder: lowest cosine similarity of a match.
    :raises ConfigError: the chosen tracker is not here, or does not know what is asked of it.
    """
    settings, name, motion = tracking_settings(config), config["tracking.association"], config["tracking.camera_motion"]
    if name != OWN:
        make = partial(LibraryTracker, name, threshold, settings, camera_motion=motion)
    else:
        def make() -> BoxTracker:
            return BoxTracker(threshold, settings, camera_motion=None if motion == OFF else CameraMotion(motion))
    make()
    return make


def people_tracker(robot_id: str, ids: IdCounter, config: Config, contract: ModelContract,
                   aliases: "Aliases | None" = None) -> PeopleTracker:
    """The people of a robot, as the configuration says.

    :param contract: of the face embedder.
    :param aliases: which ids are one person, as known so far.
    :raises ConfigError: see :func:`tracker_factory`.
    """
    return PeopleTracker(robot_id, ids, tracking_settings(config), contract.threshold, contract.id,
                         tracker_factory(config, contract.threshold), aliases)
