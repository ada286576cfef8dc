"""Pictures, films and bags that the tests of the sources write themselves, and where the real ones are."""

from pathlib import Path

import numpy as np
import pytest


@pytest.fixture
def picture():
    """A picture with structure, brighter with each number."""

    def make(number: int = 0, height: int = 48, width: int = 64) -> np.ndarray:
        rows, columns = np.mgrid[:height, :width]
        return np.stack([columns * 2, rows * 3, np.full_like(rows, 20 * number % 256)], axis=2).astype(np.uint8)

    return make


@pytest.fixture
def write_film(picture):
    """Write pictures to a film at the given times in milliseconds."""

    def write(path: Path, times_ms, codec="mpeg4", options=None, creation_time=None, height=48, width=64) -> Path:
        from fractions import Fraction

        import av

        with av.open(str(path), "w", options=options or {}) as container:
            if creation_time:
                container.metadata["creation_time"] = creation_time
            stream = container.add_stream(codec, rate=25)
            stream.width, stream.height, stream.pix_fmt = width, height, "yuvj420p" if codec == "mjpeg" else "yuv420p"
            stream.codec_context.time_base = Fraction(1, 1000)
            for number, time_ms in enumerate(times_ms):
                frame = av.VideoFrame.from_ndarray(picture(number, height, width), format="bgr24")
                frame.pts, frame.time_base = time_ms, Fraction(1, 1000)
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        return path

    return write


@pytest.fixture
def with_exif():
    """Add an EXIF segment with an orientation to JPEG bytes."""

    def add(jpeg: bytes, orientation: int, order: str = "little") -> bytes:
        def number(value: int, size: int) -> bytes:
            return value.to_bytes(size, order)

        entry = number(0x0112, 2) + number(3, 2) + number(1, 4) + number(orientation, 2) + bytes(2)
        tiff = (b"II*\0" if order == "little" else b"MM\0*") + number(8, 4) + number(1, 2) + entry + bytes(4)
        body = b"Exif\0\0" + tiff
        return jpeg[:2] + b"\xff\xe1" + (len(body) + 2).to_bytes(2, "big") + body + jpeg[2:]

    return add
