"""The people a robot's cameras see: tracks, identities and events."""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from facetrack_ros.core.detections import Detections
from facetrack_ros.core.event import PersonEvent
from facetrack_ros.core.face import Face
from facetrack_ros.core.track import Track
from facetrack_ros.tracking.box_tracker import BoxTracker
from facetrack_ros.tracking.camera_tracker import CameraTracker
from facetrack_ros.tracking.face_template import FaceTemplate
from facetrack_ros.tracking.gallery import Gallery
from facetrack_ros.tracking.id_allocator import IdAllocator, safe_name
from facetrack_ros.tracking.identity_merges import IdentityMerges, MergeDecision
from facetrack_ros.tracking.interfaces import Tracker
from facetrack_ros.tracking.observation import Observation
from facetrack_ros.tracking.person_registry import PersonRegistry
from facetrack_ros.tracking.settings import TrackingSettings


class PeopleTracker:
    """Follows people in each camera of a robot, tells who they are over all of them, and says when they come and go.

    For one thread. All times are stamps of frames; nothing here reads a clock.

    :param robot_id: any name; what may not stand in an id is replaced there.
    :param ids: numbers of persons and tracks.
    :param threshold: of the embedder: lowest cosine similarity of a match.
    :param model_id: of the embedder.
    :param new_tracker: makes a camera's tracker; None: :class:`BoxTracker`.
    :param aliases: which ids are one person, as known so far.
    :raises ConfigError: an empty robot name.
    """

    def __init__(
        self,
        robot_id: str,
        ids: IdAllocator,
        settings: TrackingSettings,
        threshold: float,
        model_id: str,
        new_tracker: Callable[[], Tracker] | None = None,
        aliases: IdentityMerges | None = None,
    ):
        self.robot_id = robot_id
        self.settings = settings
        self.threshold = threshold
        self.model_id = model_id
        self._ids = ids
        self._robot = safe_name(robot_id)
        self._new_tracker = new_tracker or partial(BoxTracker, threshold, settings)
        self._identities = PersonRegistry(self._robot, ids, settings, threshold, model_id, aliases)
        self._cameras: dict[str, CameraTracker] = {}

    def update(
        self,
        camera_id: str,
        stamp_ns: int,
        frame_number: int,
        detections: Detections,
        faces: Sequence[Face],
        image: np.ndarray | None = None,
    ) -> tuple[tuple[Track, ...], tuple[PersonEvent, ...]]:
        """Take a frame, also one that shows nobody.

        PERSON_IN comes when a track is believed and it is decided who it is, with the stamp of its first frame: later
        than events that have a later stamp. What one call returns is in order of stamps, and so are all the events of
        one person in one camera.

        A stamp that was just there is ignored. A stamp further back begins a new session of the camera: everybody
        leaves first. Boxes and embeddings that are damaged are left out.

        :param stamp_ns: nanoseconds since the epoch.
        :param faces: their ``person`` is a row of ``detections``.
        :param image: the frame, for trackers that measure the camera's motion.
        :returns: the tracks as of this frame, and what happened.
        :raises StoreError: a new id cannot be written down.
        """
        observation = Observation.of(detections, faces, self._identities.dimension, image)
        if self._identities.dimension is None:
            self._identities.dimension = observation.dimension
        self._identities.now_ns = stamp_ns
        if camera_id not in self._cameras:
            name = safe_name(camera_id)
            self._cameras[camera_id] = CameraTracker(
                self.robot_id,
                camera_id,
                self._identities,
                self.threshold,
                self.settings,
                self._new_tracker,
                lambda: f"t_{self._robot}_{name}_{self._ids.next('track')}",
            )
        return self._cameras[camera_id].update(stamp_ns, frame_number, observation)

    def advance(self, camera_id: str, stamp_ns: int) -> tuple[PersonEvent, ...]:
        """Time has passed in a camera that sends nothing: its people leave too.

        :param stamp_ns: a time up to which no more frames are expected.
        """
        camera = self._cameras.get(camera_id)
        return camera.advance(stamp_ns) if camera else ()

    def close(self, camera_id: str | None = None) -> tuple[PersonEvent, ...]:
        """A camera has stopped, or all of them: whoever is in view leaves. Persons stay known.

        :param camera_id: None: all cameras.
        """
        closing = list(self._cameras) if camera_id is None else [camera_id]
        events = [event for name in closing if name in self._cameras for event in self._cameras[name].close()]
        return tuple(sorted(events, key=lambda event: event.stamp_ns))

    def persons(self) -> dict[str, FaceTemplate]:
        """All persons known by face, own and told of, with what their faces look like."""
        return self._identities.templates()

    def learn(
        self, person_id: str, model_id: str, embeddings: np.ndarray, qualities: np.ndarray, join: bool = True
    ) -> None:
        """Take what another robot, or a stored history, knows of a person's face.

        :param embeddings: ``(n, dimension)`` unit rows.
        :param qualities: ``(n,)`` in 0..1.
        :param join: whether to see if it is somebody known by another id; needless for what was learned before.
        :raises TemplateRefused: it does not fit, and why; also a ``ValueError``.
        """
        self._identities.learn(person_id, model_id, embeddings, qualities, join)

    @property
    def merges(self) -> IdentityMerges:
        """Which ids are one person."""
        return self._identities.merges

    @property
    def gallery(self) -> Gallery:
        """The enrolled people; entries may be added and removed."""
        return self._identities.gallery

    def add_decision(self, verdict: MergeDecision) -> None:
        """Take what another robot, or a person, says of two ids.

        :raises TemplateRefused: it is about no two persons.
        """
        self._identities.add_decision(verdict)

    def take_new_decisions(self) -> tuple[MergeDecision, ...]:
        """What was decided here about ids since the last call, for the other robots and for the disk."""
        return self._identities.take_new_decisions()

    def forget(self, person_id: str) -> None:
        """Know nothing of a person's face any more, nor of other ids; one who is in view is learned anew from then on."""
        self._identities.forget(person_id)
