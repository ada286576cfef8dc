"""What stored histories hold."""

from pathlib import Path

from facetrack_ros.errors import StoreError
from facetrack_ros.history.layout import history_folders
from facetrack_ros.history.sightings.store import SightingStore
from facetrack_ros.history.status import CameraStatus, HistoryStatus
from facetrack_ros.search.offline.stores import stores_below


def stored_status(data_dir: Path | str) -> tuple[HistoryStatus, ...]:
    """One status per robot and model below a folder.

    :raises StoreError: no such folder, no robot in it, or a history that cannot be read.
    """
    folders = history_folders(data_dir)
    if not folders:
        raise StoreError(f"there is no robot's history below {data_dir}")
    statuses: list[HistoryStatus] = []
    for folder in folders:
        if folder.error:
            raise StoreError(folder.error)
        size = sum(file.stat().st_size for file in folder.path.rglob("*") if file.is_file())
        cameras = {store.contract.id: _cameras(store) for store in stores_below(folder.path)}
        statuses += [
            HistoryStatus(folder.robot_id, model_id, of_model, 0, 0, size)
            for model_id, of_model in (cameras or {"": ()}).items()
        ]
    return tuple(statuses)


def _cameras(store: SightingStore) -> tuple[CameraStatus, ...]:
    kept = store.per_camera()
    cameras = []
    for camera in store.cameras():
        stamps = [stamp for span in store.coverage(camera) for stamp in span]
        sightings = kept[camera].sightings if camera in kept else 0
        oldest, newest = min(stamps, default=None), max(stamps, default=None)
        cameras.append(CameraStatus(camera, 0, 0, oldest, newest, sightings))
    return tuple(cameras)
