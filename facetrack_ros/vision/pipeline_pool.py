"""Models that several users of a process share: opened for the first, let go after the last."""

import threading
from collections.abc import Callable
from dataclasses import replace

from facetrack_ros.models.contract import ModelContract
from facetrack_ros.vision.factory import VisionSettings, build_pipeline
from facetrack_ros.vision.inference.malloc import trim_heap
from facetrack_ros.vision.pipeline import VisionPipeline


class PipelinePool:
    """Safe to use from several threads.

    :param build: opens the models.
    """

    def __init__(self, settings: VisionSettings, build: Callable[[VisionSettings], VisionPipeline] = build_pipeline):
        self._settings = settings
        self._build = build
        self._pipelines: list[VisionPipeline] = []
        self._users: set[str] = set()
        self._known: tuple[ModelContract, dict] | None = None
        self._lock = threading.RLock()

    def take(self, user: str) -> VisionPipeline:
        """The models, for a user that may have taken them already.

        :raises ModelError: they cannot be opened.
        """
        return self.take_all(user, 1)[0]

    def take_all(self, user: str, count: int) -> list[VisionPipeline]:
        """So many sets of the models, for workers side by side; one where its detector takes all cameras at once.

        :raises ModelError: they cannot be opened.
        """
        with self._lock:
            if not self._pipelines:
                self._pipelines = [self._build(self._settings)]
                self._known = (self._pipelines[0].contract, self._pipelines[0].describe())
            while len(self._pipelines) < count and not self._pipelines[0].batches:
                self._pipelines.append(self._build(self._settings))
            self._users.add(user)
            return self._pipelines[:count]

    def give_back(self, user: str) -> None:
        """This user needs them no more. What others hold of the pipeline keeps it alive: let go of that first."""
        with self._lock:
            self._users.discard(user)
            if not self._users and self._pipelines:
                self._pipelines = []
                trim_heap()

    @property
    def loaded(self) -> bool:
        """Whether they are in memory."""
        return bool(self._pipelines)

    @property
    def contract(self) -> ModelContract:
        """The embedder's contract. Opens the models where they never were.

        :raises ModelError: they cannot be opened.
        """
        return self._know()[0]

    @property
    def known_contract(self) -> ModelContract | None:
        """The embedder's contract, None where the models were never opened."""
        return self._known[0] if self._known else None

    def describe(self) -> dict[str, dict[str, str]]:
        """As :meth:`VisionPipeline.describe`. Opens the models where they never were.

        :raises ModelError: they cannot be opened.
        """
        return self._know()[1]

    def _know(self) -> tuple[ModelContract, dict]:
        with self._lock:
            if self._known is None:
                self.take("to know them")
                self.give_back("to know them")
            return self._known

    def change(self, **thresholds: float) -> None:
        """Other thresholds from now on: ``person_score``, ``min_face_px``."""
        with self._lock:
            self._settings = replace(self._settings, **thresholds)
            for pipeline in self._pipelines:
                pipeline.change(**thresholds)
