"""What a history holds, for the heartbeat."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from facetrack_ros.errors import DiskError, StoreError, store_errors
from facetrack_ros.history.robot_history import RobotHistory
from facetrack_ros.history.sightings.other_models import OtherStores
from facetrack_ros.history.status import HistoryStatus


class HistoryCount:
    """Counts what a history holds. It is to be counted by the thread that stores: a slow disk may hold it up for long,
    and heartbeats go on with what was counted last.

    :ivar status: as counted last.
    :param folder: the robot's folder.
    :param disk_failed: receives each failure of the disk.
    :param failed: receives each other error, a sentence.
    """

    def __init__(
        self, robot_id: str, folder: Path, disk_failed: Callable[[DiskError], None], failed: Callable[[str], None]
    ) -> None:
        self.status = self._nothing = HistoryStatus(robot_id, "", (), 0, 0, 0)
        self._folder, self._disk_failed, self._failed = folder, disk_failed, failed
        self._others = OtherStores(folder)

    def count(self, history: RobotHistory | None) -> None:
        """Count anew; where that is not possible, the status says why."""
        try:
            with store_errors(f"cannot read {self._folder}"):
                found = history.status() if history is not None else self._nothing
                others = self._others.models(history.sightings if history is not None else None)
            self.status = replace(found, other_models=others)
        except DiskError as error:
            self._disk_failed(error)
            self.status = replace(self.status, error=str(error))
        except StoreError as error:
            self._failed(str(error))
            self.status = replace(self.status, error=str(error))
