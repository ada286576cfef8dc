"""Pool of vision pipelines that several users in one process share."""

import threading
from collections.abc import Callable
from dataclasses import replace

from facetrack_ros.models.contract import ModelContract
from facetrack_ros.vision.factory import build_pipeline
from facetrack_ros.vision.inference.malloc import trim_heap
from facetrack_ros.vision.pipeline import VisionPipeline
from facetrack_ros.vision.settings import VisionSettings


class PipelinePool:
    """Pipelines that are built for the first user and freed after the last one. Thread-safe."""

    def __init__(self, settings: VisionSettings, build: Callable[[VisionSettings], VisionPipeline] = build_pipeline):
        self._settings = settings
        self._build = build
        self._pipelines: list[VisionPipeline] = []
        self._users: set[str] = set()
        self._summary: tuple[ModelContract, dict[str, dict[str, str]]] | None = None
        self._lock = threading.RLock()

    def acquire(self, user: str) -> VisionPipeline:
        """A pipeline for a user, which may hold it already.

        :raises ModelError: a model cannot be opened.
        """
        return self.acquire_many(user, 1)[0]

    def acquire_many(self, user: str, count: int) -> list[VisionPipeline]:
        """A pipeline for each of ``count`` workers; one for all where its detector takes all cameras in one batch.

        :raises ModelError: a model cannot be opened.
        """
        with self._lock:
            if not self._pipelines:
                self._pipelines = [self._build(self._settings)]
                self._summary = (self._pipelines[0].contract, self._pipelines[0].describe())
            while len(self._pipelines) < count and not self._pipelines[0].batches:
                self._pipelines.append(self._build(self._settings))
            self._users.add(user)
            return self._pipelines[:count]

    def release(self, user: str) -> None:
        """End this user's use. Memory is freed only after the user has dropped its references to the pipelines."""
        with self._lock:
            self._users.discard(user)
            if not self._users and self._pipelines:
                self._pipelines = []
                trim_heap()

    @property
    def loaded(self) -> bool:
        """Whether a pipeline is in memory."""
        return bool(self._pipelines)

    @property
    def contract(self) -> ModelContract:
        """The embedder's contract. Builds a pipeline if none was built before.

        :raises ModelError: a model cannot be opened.
        """
        return self._summarize()[0]

    @property
    def known_contract(self) -> ModelContract | None:
        """The embedder's contract, None if no pipeline was built before."""
        return self._summary[0] if self._summary else None

    def describe(self) -> dict[str, dict[str, str]]:
        """As :meth:`VisionPipeline.describe`. Builds a pipeline if none was built before.

        :raises ModelError: a model cannot be opened.
        """
        return self._summarize()[1]

    def _summarize(self) -> tuple[ModelContract, dict[str, dict[str, str]]]:
        with self._lock:
            if self._summary is None:
                self.acquire("summary")
                self.release("summary")
            assert self._summary is not None  # set by the first pipeline built
            return self._summary

    def set_thresholds(self, person_score: float | None = None, min_face_px: float | None = None) -> None:
        """Change thresholds of all pipelines, present and future; see :meth:`VisionPipeline.set_thresholds`."""
        with self._lock:
            if person_score is not None:
                self._settings = replace(self._settings, person_score=person_score)
            if min_face_px is not None:
                self._settings = replace(self._settings, min_face_px=min_face_px)
            for pipeline in self._pipelines:
                pipeline.set_thresholds(person_score, min_face_px)
