"""Download of a pinned model: resumed where it broke off, at most five seconds lost where there is no network."""

import contextlib
import fcntl
import hashlib
import os
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from facetrack_ros.errors import ModelError
from facetrack_ros.models.contract import ModelContract

#: How long the first answer may take, name look-up included, and how long a transfer may stall, seconds.
ANSWER_S = 5.0
#: How long a whole transfer may take, seconds.
TRANSFER_S = 600.0
CHUNK = 1 << 16


class Network:
    """Remembers that there is no network, so that only the first download of a process waits for it.

    :param answer_s: wall-clock seconds until a server has to have answered.
    """

    def __init__(self, answer_s: float = ANSWER_S):
        self._answer_s = answer_s
        self._lock = threading.Lock()
        self._failure = ""

    def fetch(self, url: str, path: Path, total: int, progress: Callable[[int, int], None] | None = None) -> None:
        """Write what ``url`` holds to ``path``, going on where a download that broke off has left it.

        :param total: bytes expected, handed on to ``progress(done, total)``; more are refused.
        :raises ModelError: no answer within the deadline, now or earlier in this process, or a failed transfer.
        """
        with self._lock:
            if self._failure:
                raise ModelError(self._failure)
            transfer = _Transfer(url, path, total, progress, self._answer_s)
            if not transfer.answered.wait(self._answer_s) or transfer.silent:
                transfer.abandoned.set()
                self._failure = f"no network: {url} did not answer within {self._answer_s:g} s"
            elif transfer.unreachable:
                self._failure = f"no network: {url} cannot be reached ({transfer.unreachable})"
            if self._failure:
                raise ModelError(self._failure)
        if not transfer.finished.wait(TRANSFER_S):
            transfer.abandoned.set()
            raise ModelError(f"{url} took longer than {TRANSFER_S:g} s to download")
        if transfer.failed:
            raise ModelError(f"{url} could not be downloaded ({transfer.failed})")


class _Transfer:
    """One download in a daemon thread: a look-up that hangs in the resolver cannot be stopped, only left behind."""

    def __init__(self, url, path, total, progress, timeout_s):
        self.answered, self.finished, self.abandoned = threading.Event(), threading.Event(), threading.Event()
        self.unreachable = self.failed = ""
        self.silent = False
        self._todo = (url, path, total, progress, timeout_s)
        threading.Thread(target=self._run, name="model-download", daemon=True).start()

    def _run(self):
        try:
            self._transfer(*self._todo)
        except urllib.error.HTTPError as error:
            self.failed = f"HTTP {error.code}"
        except Exception as error:
            reason = str(getattr(error, "reason", error)) or type(error).__name__
            self.failed = reason
            if not self.answered.is_set():
                self.unreachable = reason
                self.silent = isinstance(getattr(error, "reason", error), TimeoutError)
        self.answered.set()
        self.finished.set()

    def _transfer(self, url, path, total, progress, timeout_s):
        done = path.stat().st_size if path.is_file() else 0
        if done >= total:
            done = 0  # whole, and yet not what was wanted: from the start
        request = urllib.request.Request(url, headers={"Range": f"bytes={done}-"} if done else {})
        with urllib.request.urlopen(request, timeout=timeout_s) as response:
            self.answered.set()
            if response.status != 206:
                done = 0  # the server does not resume
            with open(path, "ab") as file:
                file.truncate(done)
                while not self.abandoned.is_set():
                    chunk = response.read(CHUNK)
                    if not chunk:
                        return
                    file.write(chunk)
                    done += len(chunk)
                    if done > total:
                        raise ValueError(f"more than the {total} bytes expected")
                    if progress is not None:
                        progress(done, total)


#: The one of this process.
NETWORK = Network()


def downloads_allowed() -> bool:
    """Whether the environment lets models be downloaded (``FACETRACK_DOWNLOAD=0`` forbids it)."""
    return os.environ.get("FACETRACK_DOWNLOAD", "1") != "0"


def download(
    contract: ModelContract,
    folder: Path,
    progress: Callable[[int, int], None] | None = None,
    network: Network = NETWORK,
) -> Path:
    """Bring a pinned model into ``folder``; it has its name there only once its sha256 is right.

    What a broken download leaves is a hidden ``.part`` file, from which the next one goes on.

    :param progress: called with bytes done and bytes in all, from another thread.
    :return: the file's path.
    :raises ModelError: downloads are forbidden, there is no address, no network, no space, or the wrong file.
    """
    if not downloads_allowed():
        raise ModelError(f"FACETRACK_DOWNLOAD=0 forbids to download {contract.id}")
    if not contract.urls:
        raise ModelError(f"{contract.id} has no address to download it from")
    failed = []
    for url in contract.urls:
        try:
            return _download(contract, url, folder, progress, network)
        except OSError as error:
            raise ModelError(f"{contract.id} cannot be stored in {folder}: {error.strerror or error}") from error
        except ModelError as error:
            failed.append(str(error))
    raise ModelError("; ".join(failed))


def _download(
    contract: ModelContract, url: str, folder: Path, progress: Callable[[int, int], None] | None, network: Network
) -> Path:
    target, part = folder / contract.file, folder / f".{contract.file}.{contract.sha256[:8]}.part"
    folder.mkdir(parents=True, exist_ok=True)
    with _locked(part):
        if target.is_file() and sha256_of(target) == contract.sha256:
            part.unlink()
            return target
        try:
            network.fetch(url, part, contract.size, progress)
            done = part.stat().st_size
            if done < contract.size:
                raise ModelError(
                    f"{url} broke off after {done} of {contract.size} bytes; the next try goes on from there"
                )
        except ModelError:
            if not 0 < part.stat().st_size < contract.size:
                part.unlink()
            raise
        found = sha256_of(part)
        if found != contract.sha256:
            part.unlink()
            raise ModelError(f"{url} gave a file with sha256 {found}, expected {contract.sha256}; it is not used")
        os.replace(part, target)
    return target


@contextlib.contextmanager
def _locked(path: Path):
    """This file, made where it is not there, for one process and thread at a time: others wait."""
    while True:
        with open(path, "ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            try:
                ours = os.fstat(file.fileno()).st_ino == path.stat().st_ino
            except FileNotFoundError:
                ours = False
            if ours:
                yield
                return
        # Whoever held it has finished it and moved it away: the next one is another file.


def sha256_of(path: Path) -> str:
    """Lower-case hex sha256 of a file.

    :raises ModelError: it cannot be read.
    """
    digest = hashlib.sha256()
    try:
        with open(path, "rb") as file:
            while chunk := file.read(1 << 20):
                digest.update(chunk)
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror or error}") from error
    return digest.hexdigest()
