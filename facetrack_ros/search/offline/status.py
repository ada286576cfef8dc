"""What stored histories hold."""

from contextlib import closing
from dataclasses import replace
from pathlib import Path

from facetrack_ros.errors import StoreError
from facetrack_ros.history.keeping_rules import KeepingRules
from facetrack_ros.history.layout import history_folders
from facetrack_ros.history.sightings.database import stored_models
from facetrack_ros.history.sightings.model_contract import load_contract
from facetrack_ros.history.sightings.store import SightingStore
from facetrack_ros.history.status import CameraStatus, HistoryStatus


def stored_status(data_dir: Path | str) -> tuple[HistoryStatus, ...]:
    """One status per robot and model below a folder; a history or store that cannot be read has an ``error``.

    :raises StoreError: no such folder, or no robot in it.
    """
    folders = history_folders(data_dir)
    if not folders:
        raise StoreError(f"there is no robot's history below {data_dir}")
    statuses: list[HistoryStatus] = []
    for folder in folders:
        size = sum(file.stat().st_size for file in folder.path.rglob("*") if file.is_file())
        nothing = HistoryStatus(
            folder.robot_id, "", (), 0, 0, size, error=folder.error, rules=KeepingRules.read(folder.path)
        )
        models = () if folder.error else stored_models(folder.path)
        statuses += [_of_model(nothing, folder.path, model_id) for model_id in models] or [nothing]
    return tuple(statuses)


def _of_model(nothing: HistoryStatus, path: Path, model_id: str) -> HistoryStatus:
    try:
        with closing(SightingStore.open_readonly(path, load_contract(path, model_id))) as store:
            return replace(nothing, model_id=model_id, cameras=_cameras(store))
    except StoreError as error:
        return replace(nothing, model_id=model_id, error=str(error))


def _cameras(store: SightingStore) -> tuple[CameraStatus, ...]:
    kept = store.per_camera()
    cameras = []
    for camera in store.cameras():
        stamps = [stamp for span in store.coverage(camera) for stamp in span]
        sightings = kept[camera].sightings if camera in kept else 0
        oldest, newest = min(stamps, default=None), max(stamps, default=None)
        cameras.append(CameraStatus(camera, 0, 0, oldest, newest, sightings))
    return tuple(cameras)
