"""What stored histories hold, and whom."""

from pathlib import Path

from facetrack_ros.errors import RequestError, StoreError
from facetrack_ros.history.layout import history_folders
from facetrack_ros.history.sightings.database import stored_models
from facetrack_ros.history.sightings.model_contract import load_contract
from facetrack_ros.history.sightings.sighting import Sighting
from facetrack_ros.history.sightings.store import SightingStore
from facetrack_ros.history.status import CameraStatus, HistoryStatus
from facetrack_ros.models.contract import ModelContract
from facetrack_ros.search.offline.persons import stored_aliases


def stored_status(data_dir: Path | str) -> tuple[HistoryStatus, ...]:
    """A line for every robot and model below a folder.

    :raises StoreError: no such folder, no robot in it, or a history that cannot be read.
    """
    folders = history_folders(data_dir)
    if not folders:
        raise StoreError(f"there is no robot's history below {data_dir}")
    lines = []
    for folder in folders:
        if folder.error:
            raise StoreError(folder.error)
        size = sum(file.stat().st_size for file in folder.path.rglob("*") if file.is_file())
        for model_id in stored_models(folder.path) or ("",):
            lines.append(HistoryStatus(folder.robot_id, model_id, _cameras(folder.path, model_id), 0, 0, size))
    return tuple(lines)


def best_of_person(data_dir: Path | str, person_id: str) -> tuple[Sighting, ModelContract]:
    """The best face that the stored histories have of a person, and the model that embedded it.

    :raises RequestError: nobody of that id was seen.
    :raises StoreError: no such folder, or a history that cannot be read.
    """
    best = None
    ids = stored_aliases(data_dir).group(person_id)
    for folder in history_folders(data_dir):
        for model_id in stored_models(folder.path):
            contract = load_contract(folder.path, model_id)
            store = SightingStore.open_readonly(folder.path, contract)
            for found in map(store.best_of_person, ids):
                if found is not None and (best is None or found.quality > best[0].quality):
                    best = found, contract
            store.close()
    if best is None:
        raise RequestError(
            f"no history below {data_dir} has a face of {person_id}; "
            f"`facetrack events --data {data_dir}` lists who was seen"
        )
    return best


def _cameras(path: Path, model_id: str) -> tuple[CameraStatus, ...]:
    if not model_id:
        return ()
    store = SightingStore.open_readonly(path, load_contract(path, model_id))
    try:
        kept = store.per_camera()
        cameras = []
        for camera in store.cameras():
            spans = store.coverage(camera)
            stamps = [stamp for span in spans for stamp in span]
            cameras.append(
                CameraStatus(
                    camera,
                    0,
                    0,
                    min(stamps, default=None),
                    max(stamps, default=None),
                    kept[camera].sightings if camera in kept else 0,
                )
            )
        return tuple(cameras)
    finally:
        store.close()
