"""The model contract stored in a robot's folder, to read its history where the model is not installed."""

from pathlib import Path

from facetrack_ros.errors import ModelError, StoreError
from facetrack_ros.models import catalog
from facetrack_ros.models.contract import SUFFIX, ModelContract, read_contract, write_contract


def save_contract(directory: Path | str, contract: ModelContract) -> None:
    """Write a model's contract into a robot's folder.

    :raises StoreError: it cannot be written.
    """
    try:
        write_contract(contract, Path(directory))
    except ModelError as error:
        raise StoreError(str(error)) from error


def load_contract(directory: Path | str, model_id: str) -> ModelContract:
    """The contract of a model with sightings in a robot's folder: the catalogue's, else the stored one.

    :raises StoreError: there is neither.
    """
    known = catalog.known(model_id)
    if known is not None:
        return known
    try:
        return read_contract(Path(directory) / f"{model_id}{SUFFIX}")
    except ModelError as error:
        raise StoreError(f"the model {model_id} of {directory} is not known here: {error}") from error
