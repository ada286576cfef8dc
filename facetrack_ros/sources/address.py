"""A network camera, by its address."""

import re
import threading
from collections.abc import Iterator

from facetrack_ros.errors import SourceError
from facetrack_ros.sources.av_reader import NoFilm, PictureReader, open_container
from facetrack_ros.sources.source import Closing, Picture

TIMEOUT_S = 5.0


class AddressSource(Closing):
    """A stream over RTSP (by TCP) or HTTP; its motion JPEG is passed on without re-encoding.

    :param address: may hold user and password; messages mask them.
    :param timeout_s: how long to wait for the connection, and later for the next picture.
    :raises SourceError: nothing answers, or what answers is no film.
    """

    live = True

    def __init__(self, address: str, timeout_s: float = TIMEOUT_S):
        super().__init__(re.sub(r"//[^/@]*@", "//***@", address))
        self._timeout_s = timeout_s
        result = _connect(address, timeout_s)
        if isinstance(result, Exception):
            raise self._failure(result) from result
        self._reader = result

    def _failure(self, error: Exception) -> SourceError:
        import av

        if isinstance(error, NoFilm):
            return SourceError(f"{self.name} answers, but with no film: give the address of a video stream")
        if isinstance(error, (av.error.HTTPUnauthorizedError, av.error.HTTPForbiddenError)):
            return SourceError(f"{self.name} wants user and password: give them as //USER:PASSWORD@HOST")
        if isinstance(error, av.error.HTTPNotFoundError):
            return SourceError(f"{self.name} is not known to its host: check the path of the address")
        if isinstance(error, (av.error.FFmpegError, OSError)):
            return SourceError(
                f"{self.name} did not answer with a video stream within {self._timeout_s:g} s: check "
                "the address, and that the camera is on and can be reached"
            )
        return SourceError(f"{self.name} cannot be opened as an address ({error}): check how it is written")

    def __iter__(self) -> Iterator[Picture]:
        import av

        try:
            for _, jpeg, image in self._reader:
                self.skipped = self._reader.skipped
                yield Picture(jpeg=jpeg, image=image)
        except (av.error.FFmpegError, OSError) as error:
            if not self._closed:
                raise SourceError(
                    f"{self.name} stopped sending pictures: check the camera and the network, then open it again"
                ) from error

    def close(self) -> None:
        """Hang up; waits at most the timeout for a read that is under way."""
        super().close()
        self._reader.close()


def _connect(address: str, timeout_s: float) -> PictureReader | Exception:
    """A reader, or why there is none, within the time given.

    In a thread of its own, because looking up a host's name cannot be interrupted.
    """
    result: list[PictureReader | Exception] = []
    lock = threading.Lock()

    def connect() -> None:
        options = {"rtsp_transport": "tcp"} if address.lower().startswith("rtsp") else {}
        try:
            reader = PictureReader(*open_container(address, timeout=timeout_s, options=options))
        except Exception as error:  # handed over to the thread that waits
            reader = error
        with lock:
            late = bool(result)
            result.append(reader)
        if late and isinstance(reader, PictureReader):
            reader.close()

    thread = threading.Thread(target=connect, name="connect", daemon=True)
    thread.start()
    thread.join(timeout_s)
    with lock:
        if not result:
            result.append(TimeoutError())
        return result[0]
