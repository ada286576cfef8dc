"""A network camera, by its address."""

import threading
from collections.abc import Iterator

from facetrack_ros.core.masking import mask_address, mask_passwords
from facetrack_ros.errors import AccessDeniedError, SourceError, first_line
from facetrack_ros.sources.av_reader import AvReader, NoVideoError, open_container
from facetrack_ros.sources.source import FrameSource, Picture

#: Seconds, chosen by hand.
TIMEOUT_S = 5.0


class AddressSource(FrameSource):
    """A stream over RTSP (by TCP) or HTTP. Motion JPEG is passed on without re-encoding.

    :param address: may contain user and password, which messages mask.
    :param timeout_s: for the connection, and later for each picture; None: :data:`TIMEOUT_S`.
    :raises AccessDeniedError: user or password are missing or wrong.
    :raises SourceError: there is no response, or it is not a video stream.
    """

    live = True

    def __init__(self, address: str, timeout_s: float | None = None):
        super().__init__(mask_address(address))
        self._timeout_s = TIMEOUT_S if timeout_s is None else timeout_s
        result = _connect(address, self._timeout_s)
        if isinstance(result, Exception):
            # The library's errors contain the address, so they are not shown as the cause.
            raise self._source_error(result, address) from None
        self._reader = result

    def _source_error(self, error: Exception, address: str) -> SourceError:
        import av

        if isinstance(error, NoVideoError):
            return SourceError(f"{self.name} answers, but with no video: give the address of a video stream")
        if isinstance(error, (av.error.HTTPUnauthorizedError, av.error.HTTPForbiddenError)):
            return AccessDeniedError(f"{self.name} wants user and password: give them as //USER:PASSWORD@HOST")
        if isinstance(error, av.error.HTTPNotFoundError):
            return SourceError(f"{self.name} is not known to its host: check the path of the address")
        if isinstance(error, (av.error.FFmpegError, OSError)):
            advice = "check the address, and that the camera is on and can be reached"
            problem = f"{self.name} did not answer with a video stream within {self._timeout_s:g} s"
            return SourceError(f"{problem}: {advice}")
        reason = mask_passwords(first_line(error).replace(address, self.name))
        return SourceError(f"{self.name} cannot be opened as an address ({reason}): check how it is written")

    def _read_pictures(self) -> Iterator[Picture]:
        """:raises SourceError: the stream stops."""
        import av

        try:
            for _, jpeg, image in self._reader:
                yield Picture(jpeg=jpeg, image=image)
        except (av.error.FFmpegError, OSError):
            if not self._closed:
                advice = "check the camera and the network, then open it again"
                raise SourceError(f"{self.name} stopped sending pictures: {advice}") from None

    def close(self) -> None:
        """Disconnect; waits for a running read, at most the timeout."""
        super().close()
        self._reader.close()


def _connect(address: str, timeout_s: float) -> AvReader | Exception:
    """A reader, or the error, within the timeout; in a thread, as the look-up of a host name cannot be interrupted."""
    results: list[AvReader | Exception] = []
    lock = threading.Lock()

    def connect() -> None:
        options = {"rtsp_transport": "tcp"} if address.lower().startswith("rtsp") else {}
        result: AvReader | Exception
        try:
            result = AvReader(*open_container(address, timeout=timeout_s, options=options))
        except Exception as error:  # handed to the waiting thread
            result = error
        with lock:
            late = bool(results)
            results.append(result)
        if late and isinstance(result, AvReader):
            result.close()

    thread = threading.Thread(target=connect, name="connect", daemon=True)
    thread.start()
    thread.join(timeout_s)
    with lock:
        if not results:
            results.append(TimeoutError())
        return results[0]
