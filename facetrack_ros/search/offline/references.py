"""Reference faces from stored histories: persons with all their ids, and enrolled people."""

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from facetrack_ros.errors import RequestError, StoreError
from facetrack_ros.history.layout import history_folders
from facetrack_ros.history.people.gallery_store import GalleryStore
from facetrack_ros.history.sightings.database import stored_models
from facetrack_ros.history.sightings.model_contract import load_contract
from facetrack_ros.history.sightings.store import SightingStore
from facetrack_ros.tracking.face_template import FaceTemplate
from facetrack_ros.tracking.identity_merges import IdentityMerges


@dataclass(frozen=True, eq=False)
class StoredReference:
    """A person's face by one model.

    :param template: of the person's best faces, or of the pictures of an enrolled person.
    :param person_ids: every id of the person; empty: an enrolled person, whose ids the search finds.
    """

    model_id: str
    template: FaceTemplate
    person_ids: tuple[str, ...] = ()

    @property
    def embedding(self) -> np.ndarray:
        """``(dimension,)`` unit vector."""
        mean = self.template.mean
        assert mean is not None  # a reference has a face
        return mean


def person_references(data_dir: Path | str, person_id: str, merges: IdentityMerges) -> list[StoredReference]:
    """A person's faces under all ids, one reference a model, that of the most faces first.

    :raises RequestError: there is no sighting of this person.
    :raises StoreError: no such folder. Histories that cannot be read are left out: the search names them.
    """
    ids = merges.group(person_id)
    templates: dict[str, FaceTemplate] = {}
    for folder in history_folders(data_dir):
        for model_id in () if folder.error else stored_models(folder.path):
            for embedding, quality in _faces(folder.path, model_id, ids):
                templates.setdefault(model_id, FaceTemplate()).add(embedding, float(quality))
    if not templates:
        raise RequestError(
            f"no history below {data_dir} has a face of {person_id}; "
            f"`facetrack events --data {data_dir}` lists the persons seen"
        )
    found = [StoredReference(model_id, template, ids) for model_id, template in templates.items()]
    return sorted(found, key=lambda reference: (-len(reference.template), reference.model_id))


def enrolled_references(data_dir: Path | str, name: str) -> list[StoredReference]:
    """The faces enrolled under a name, or the entry of that id, one reference a model, that of the most faces first.

    :raises StoreError: there is no such folder, or a gallery cannot be read.
    """
    entries = {
        entry.entry_id: entry
        for folder in history_folders(data_dir)
        if not folder.error
        for entry in GalleryStore(folder.path).read()
        if name in (entry.name, entry.entry_id)
    }
    templates: dict[str, FaceTemplate] = {}
    for entry in entries.values():
        templates.setdefault(entry.model_id, FaceTemplate()).add(entry.embedding, entry.quality)
    found = [StoredReference(model_id, template) for model_id, template in templates.items()]
    return sorted(found, key=lambda reference: (-len(reference.template), reference.model_id))


def _faces(path: Path, model_id: str, ids: tuple[str, ...]) -> list[tuple[np.ndarray, float]]:
    try:
        with closing(SightingStore.open_readonly(path, load_contract(path, model_id))) as store:
            return [face for each in ids for face in zip(*store.best_faces(each))]
    except StoreError:
        return []
