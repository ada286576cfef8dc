"""The record of the model behind a history: kept with it, so that it can be read where the model is not known."""

from pathlib import Path

from facetrack_ros.errors import ModelError, StoreError
from facetrack_ros.models import catalog
from facetrack_ros.models.contract import SUFFIX, ModelContract, read_contract, write_contract


def save_contract(directory: Path | str, contract: ModelContract) -> None:
    """Put a model's record into a robot's folder.

    :raises StoreError: it cannot be written.
    """
    try:
        write_contract(contract, Path(directory))
    except ModelError as error:
        raise StoreError(str(error)) from error


def load_contract(directory: Path | str, model_id: str) -> ModelContract:
    """The record of a model whose sightings a robot's folder holds: as known here, else as it was when they were made.

    :raises StoreError: neither is there.
    """
    known = catalog.known(model_id)
    if known is not None:
        return known
    try:
        return read_contract(Path(directory) / f"{model_id}{SUFFIX}")
    except ModelError as error:
        raise StoreError(f"the model {model_id} of {directory} is not known here: {error}") from error
