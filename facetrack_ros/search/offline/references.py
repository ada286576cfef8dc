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
from facetrack_ros.search.other_people import PersonFace
from facetrack_ros.tracking.identity_merges import IdentityMerges

#: Embeddings and qualities by model.
_Faces = dict[str, list[tuple[np.ndarray, float]]]


@dataclass(frozen=True, eq=False)
class StoredReference:
    """A person's face by one model.

    The mean of all faces finds more of a person's sightings at equal false-match rate than the best face alone, than
    the most similar of several, and than a template (``benchmarks/search_by_person.py``).

    :param embedding: ``(dimension,)`` unit vector, the mean by quality.
    :param faces: number of faces behind it.
    :param person_ids: every id of the person; empty: an enrolled person, whose ids the search finds.
    """

    model_id: str
    embedding: np.ndarray
    faces: int
    person_ids: tuple[str, ...] = ()


def person_references(data_dir: Path | str, person_id: str, merges: IdentityMerges) -> list[StoredReference]:
    """A person's faces under all ids, one reference a model, that of the most faces first.

    :raises RequestError: there is no sighting of this person.
    :raises StoreError: no such folder. Histories that cannot be read are left out: the search names them.
    """
    ids = merges.group(person_id)
    faces: _Faces = {}
    for folder in history_folders(data_dir):
        for model_id in () if folder.error else stored_models(folder.path):
            faces.setdefault(model_id, []).extend(_faces(folder.path, model_id, ids))
    found = _references(faces, ids)
    if not found:
        raise RequestError(
            f"no history below {data_dir} has a face of {person_id}; "
            f"`facetrack events --data {data_dir}` lists the persons seen"
        )
    return found


def enrolled_references(data_dir: Path | str, name: str) -> list[StoredReference]:
    """The faces enrolled under a name, or the entry of that id, one reference a model, that of the most faces first.

    :raises StoreError: there is no such folder, or a gallery cannot be read.
    """
    entries = {
        entry.entry_id: entry
        for folder in history_folders(data_dir)
        if not folder.error
        for entry in GalleryStore(folder.path).read()
        if entry.is_called(name)
    }
    faces: _Faces = {}
    for entry in entries.values():
        faces.setdefault(entry.model_id, []).append((entry.embedding, entry.quality))
    return _references(faces)


def _references(faces: _Faces, person_ids: tuple[str, ...] = ()) -> list[StoredReference]:
    found = []
    for model_id, known in faces.items():
        face = PersonFace.of(*map(np.array, zip(*known))) if known else None
        if face is not None:
            found.append(StoredReference(model_id, face.template, face.faces, person_ids))
    return sorted(found, key=lambda reference: (-reference.faces, reference.model_id))


def _faces(path: Path, model_id: str, ids: tuple[str, ...]) -> list[tuple[np.ndarray, float]]:
    try:
        with closing(SightingStore.open_readonly(path, load_contract(path, model_id))) as store:
            return [face for each in ids for face in zip(*store.best_faces(each))]
    except StoreError:
        return []
