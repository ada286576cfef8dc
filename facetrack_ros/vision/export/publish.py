"""Model files made here: staged beside their place, published with their contract once they have passed their check."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from facetrack_ros.errors import ModelError
from facetrack_ros.models.contract import ModelContract, write_contract
from facetrack_ros.models.download import sha256_of


@contextmanager
def staged_model(folder: Path, model_id: str) -> Iterator[Path]:
    """A temporary file name in ``folder`` to write a model to; :func:`publish_model` keeps the file.

    :raises ModelError: the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        staging = tempfile.TemporaryDirectory(prefix=f".{model_id}.", dir=folder)
    except OSError as error:
        raise ModelError(f"{folder} cannot be written: {error.strerror or error}") from error
    with staging:
        yield Path(staging.name) / f"{model_id}.onnx"


def publish_model(staged: Path, contract: ModelContract, folder: Path) -> tuple[ModelContract, Path]:
    """Move a staged model to its place and write its contract.

    :param contract: without file, sha256 and size, which are filled in.
    :return: the whole contract and the model's path.
    :raises ModelError: it cannot be written.
    """
    target = folder / f"{contract.id}.onnx"
    contract = replace(
        contract, file=target.name, sha256=sha256_of(staged), size=staged.stat().st_size, urls=(), package=""
    )
    try:
        os.replace(staged, target)
    except OSError as error:
        raise ModelError(f"{target} cannot be written: {error.strerror or error}") from error
    write_contract(contract, folder)
    return contract, target
