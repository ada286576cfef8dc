"""Forgetting in the history of a running robot, and before it starts."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from facetrack_ros.config import Config, optional_path
from facetrack_ros.errors import RequestError
from facetrack_ros.history.forget.forgetter import ForgetOutcome, Forgetter
from facetrack_ros.history.forget.order import INTENT, ForgetTarget
from facetrack_ros.history.forget.places import ForgetPlaces, stored_places
from facetrack_ros.history.forget.returned import forget_returned
from facetrack_ros.history.forget.tombstones import Tombstones
from facetrack_ros.history.frames.settings import FrameSettings
from facetrack_ros.history.layout import robot_folder
from facetrack_ros.history.robot_history import RobotHistory
from facetrack_ros.security.keys import Identity

logger = logging.getLogger(__name__)


class RobotForgetting:
    """Forgets in a robot's folder, whether its history is open or not.

    :param data_dir: the folder that holds the robot's folder.
    :param history: the open history, None while there is none.
    :param clock_ns: the time.
    :param identity: the robot's key; None: receipts are not signed.
    """

    def __init__(
        self,
        config: Config,
        data_dir: Path,
        robot_id: str,
        history: Callable[[], RobotHistory | None],
        clock_ns: Callable[[], int],
        identity: Identity | None = None,
    ) -> None:
        self._robot_id, self._path, self._history = robot_id, data_dir / robot_id, history
        logs = optional_path(config.event_logging.dir)
        self._events = logs / robot_id if logs is not None else self._path
        self._frames = FrameSettings.of_config(config).folder(self._path)
        self._clock_ns, self._identity = clock_ns, identity

    def at_start(self) -> None:
        """Finish what a killed process began to forget, and forget again what has come back from a backup. To be called
        before anything is answered from the folder.

        :raises StoreError: it cannot be done.
        """
        if (self._path / INTENT).exists() or Tombstones(self._path).read():
            with self._places() as places:
                forget_returned(places, self._forgetter(places), self._clock_ns())

    def look(self, target: ForgetTarget) -> ForgetOutcome:
        """What there is to forget; nothing is changed.

        :raises StoreError: part of the folder cannot be read.
        """
        with self._places() as places:
            return self._forgetter(places).look(target)

    def forget(self, target: ForgetTarget, brake: bool = True) -> ForgetOutcome:
        """Forget it, on disk and in the history's memory.

        :param brake: refuse to delete more than half of a store.
        :returns: what was found, with the receipt.
        :raises RequestError: the brake held.
        :raises StoreError: something cannot be deleted; the next start, or the next call, does the rest.
        """
        with self._places() as places:
            forgetter = self._forgetter(places)
            forgetter.finish()
            found = forgetter.look(target)
            if brake and found.preview.too_much:
                raise RequestError(f"{found.preview.too_much}, more than half, so nothing is: --yes deletes them")
            history = self._history()
            if history is not None:
                history.drop(found.order.person_ids, found.order.track_ids, found.hides)
            done = forgetter.forget(found, brake=False)
            return ForgetOutcome(found.order, found.preview, found.presence, done.receipt)

    def _forgetter(self, places: ForgetPlaces) -> Forgetter:
        return Forgetter(places, self._clock_ns, self._identity)

    @contextmanager
    def _places(self) -> Iterator[ForgetPlaces]:
        history = self._history()
        if history is not None:
            with history.forget_places() as places:
                yield places
            return
        robot_folder(self._path.parent, self._robot_id)  # what is forgotten is kept also where nothing is recorded yet
        with stored_places(self._path, self._robot_id, self._events, self._frames) as places:
            yield places


def outcome_to_json(outcome: ForgetOutcome) -> dict[str, Any]:
    """What was found and done, for a receipt of the mesh."""
    order = outcome.order
    return {
        "nothing": outcome.preview.empty,
        "too_much": outcome.preview.too_much,
        "person_ids": list(order.person_ids),
        "entry_ids": list(order.entry_ids),
        "track_ids": list(outcome.unnamed_tracks),
        "names": list(order.names),
        "found": dict(order.found),
        "receipt": outcome.receipt,
    }
