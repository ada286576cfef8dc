"""A model file made here: it gets its name and its record only once it has passed its check."""

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
    """A file name in ``folder`` to write a model to. It is gone at the end, whatever happens; :func:`publish_model` keeps it.

    :raises ModelError: the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        made = tempfile.TemporaryDirectory(prefix=f".{model_id}.", dir=folder)
    except OSError as error:
        raise ModelError(f"{folder} cannot be written: {error.strerror or error}") from error
    with made:
        yield Path(made.name) / f"{model_id}.onnx"


def publish_model(made: Path, contract: ModelContract, folder: Path) -> tuple[ModelContract, Path]:
    """Give a model that has passed its check its place and its record.

    :param contract: its record, but for file, sha256 and size.
    :return: the whole record and the model's path.
    :raises ModelError: it cannot be written.
    """
    target = folder / f"{contract.id}.onnx"
    contract = replace(
        contract, file=target.name, sha256=sha256_of(made), size=made.stat().st_size, urls=(), package=""
    )
    try:
        os.replace(made, target)
    except OSError as error:
        raise ModelError(f"{target} cannot be written: {error.strerror or error}") from error
    write_contract(contract, folder)
    return contract, target
