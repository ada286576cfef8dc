"""Tracks, identities and events over all cameras of a robot."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial

import numpy as np

from facetrack_ros.core.detections import Detections
from facetrack_ros.core.event import PersonEvent
from facetrack_ros.core.face import Face
from facetrack_ros.core.similarity_level import SimilarityLevel
from facetrack_ros.core.track import Track
from facetrack_ros.tracking.box_tracker import BoxTracker
from facetrack_ros.tracking.camera_tracker import CameraTracker
from facetrack_ros.tracking.id_allocator import IdAllocator, safe_name
from facetrack_ros.tracking.identity.face_template import FaceTemplate
from facetrack_ros.tracking.identity.gallery import Gallery
from facetrack_ros.tracking.identity.person_registry import PersonRegistry
from facetrack_ros.tracking.identity_merges import IdentityMerges, MergeDecision
from facetrack_ros.tracking.interfaces import Tracker
from facetrack_ros.tracking.observation import Observation
from facetrack_ros.tracking.settings import TrackingSettings


class PeopleTracker:
    """Tracks people in each camera of a robot, identifies them over all cameras, and reports when they come and go.

    For one thread. All times are stamps of frames; the clock is never read.

    :param robot_id: any name; characters that may not stand in an id are replaced there.
    :param ids: numbers of persons and tracks.
    :param settings: shared with all cameras; :meth:`TrackingSettings.replace_with` changes them at run time.
    :param threshold: of the embedder: lowest cosine similarity of a match.
    :param model_id: of the embedder.
    :param new_tracker: makes a camera's tracker; None: :class:`BoxTracker`.
    :param merges: merge decisions known so far.
    :param strangers: how alike strangers are to the model, see :class:`PersonRegistry`.
    :param dimension: of the embeddings; None: that of the first.
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
        merges: IdentityMerges | None = None,
        strangers: SimilarityLevel | None = None,
        dimension: int | None = None,
    ):
        self.robot_id = robot_id
        self.settings = settings
        self.threshold = threshold
        self.model_id = model_id
        self._ids = ids
        self._robot = safe_name(robot_id)
        self._new_tracker = new_tracker or partial(BoxTracker, threshold, settings)
        self._registry = PersonRegistry(self._robot, ids, settings, threshold, model_id, merges, strangers, dimension)
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
        """Process a frame, also one without persons.

        PERSON_IN is returned when a track is confirmed and its person decided, with the stamp of its first frame: after
        events that have a later stamp. The events of one call are in order of stamps, and so are all events of one
        person in one camera.

        A frame with the stamp of the one before is ignored. An earlier stamp begins a new session of the camera: all
        visits end first. Invalid boxes and embeddings are left out.

        :param stamp_ns: nanoseconds since the epoch.
        :param faces: their ``person`` is a row of ``detections``.
        :param image: the frame, for trackers that measure camera motion.
        :returns: the tracks as of this frame, and the events.
        :raises StoreError: a new id cannot be stored.
        """
        observation = Observation.of(detections, faces, self._registry.dimension, image)
        if self._registry.dimension is None:
            self._registry.dimension = observation.dimension
        self._registry.now_ns = stamp_ns
        if camera_id not in self._cameras:
            name = safe_name(camera_id)
            shared = (self._registry, self.threshold, self.settings, self._new_tracker)
            self._cameras[camera_id] = CameraTracker(
                self.robot_id, camera_id, *shared, lambda: f"t_{self._robot}_{name}_{self._ids.next('track')}"
            )
        return self._cameras[camera_id].update(stamp_ns, frame_number, observation)

    def advance(self, camera_id: str, stamp_ns: int) -> tuple[PersonEvent, ...]:
        """Let time pass in a camera that sends no frames, so that its visits end.

        :param stamp_ns: a time up to which no more frames are expected.
        """
        camera = self._cameras.get(camera_id)
        return camera.advance(stamp_ns) if camera else ()

    def close(self, camera_id: str | None = None) -> tuple[PersonEvent, ...]:
        """End all visits of a camera that has stopped. Persons stay known.

        :param camera_id: None: all cameras.
        """
        closing = list(self._cameras) if camera_id is None else [camera_id]
        events = [event for name in closing if name in self._cameras for event in self._cameras[name].close()]
        return tuple(sorted(events, key=lambda event: event.stamp_ns))

    def persons(self) -> dict[str, FaceTemplate]:
        """Face templates by person id, own and learned."""
        return self._registry.templates()

    def shared_template(self, person_id: str) -> FaceTemplate | None:
        """The faces of a person that other robots may learn; see :meth:`PersonRegistry.shared_template`."""
        return self._registry.shared_template(person_id)

    def learn(
        self,
        person_id: str,
        model_id: str,
        embeddings: np.ndarray,
        qualities: np.ndarray,
        merge: bool = True,
        seen: bool = False,
    ) -> None:
        """Add a person's face from another robot or a stored history; see :meth:`PersonRegistry.learn`."""
        self._registry.learn(person_id, model_id, embeddings, qualities, merge, seen)

    def settle(self, person_ids: Iterable[str], foreign: bool = False) -> None:
        """Merge learned persons with known ones; see :meth:`PersonRegistry.settle`."""
        self._registry.settle(person_ids, foreign)

    @property
    def merges(self) -> IdentityMerges:
        """Which ids are one person."""
        return self._registry.merges

    @property
    def gallery(self) -> Gallery:
        """The enrolled persons; entries may be added and removed."""
        return self._registry.gallery

    def add_decision(self, decision: MergeDecision) -> None:
        """Add a merge decision of another robot or an operator; see :meth:`PersonRegistry.add_decision`."""
        self._registry.add_decision(decision)

    def take_new_decisions(self) -> tuple[MergeDecision, ...]:
        """The merge decisions made here since the last call, to be published and stored."""
        return self._registry.take_new_decisions()

    def forget(self, person_id: str) -> None:
        """Remove a person's face and merges; a person in view is learned anew from the next frame on."""
        self._registry.forget(person_id)
