"""Picture files made to do harm: headers that claim much, files that decode to much more than they hold, and noise."""

import io
import random
import struct
import zlib
from collections.abc import Callable, Iterator

import cv2
import numpy as np

Builder = Callable[[int, int], bytes]


def png_chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png(width: int, height: int, rows: int | None = None, extra: bytes = b"") -> bytes:
    """A black RGB picture, by default with all its rows; ``extra`` chunks come before them."""
    packer, packed = zlib.compressobj(9), bytearray()
    row = bytes(1 + 3 * width)
    for _ in range(height if rows is None else rows):
        packed += packer.compress(row)
    packed += packer.flush()
    head = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + extra + png_chunk(b"IDAT", bytes(packed)) + png_chunk(b"IEND", b"")


def png_of_texts(count: int, size: int) -> bytes:
    """A small picture whose compressed texts expand to ``size`` each."""
    text = png_chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(size), 9))
    return png(16, 16, extra=text * count)


def jpeg(width: int, height: int, kind: int = 0xC0, scans: int = 1) -> bytes:
    """A small grey JPEG whose header states another size. Its data ends early: decoders fill the rest with grey."""
    data = cv2.imencode(".jpg", np.zeros((16, 16), np.uint8))[1].tobytes()
    at = data.index(b"\xff\xc0")
    data = data[: at + 1] + bytes((kind,)) + data[at + 2 : at + 5] + struct.pack(">HH", height, width) + data[at + 9 :]
    scan = data.index(b"\xff\xda")
    return data[:scan] + data[scan:-2] * scans + b"\xff\xd9"


def gif(width: int, height: int, frames: int = 1) -> bytes:
    """The shortest GIF there is, of one pixel on a canvas of any size."""
    frame = b"\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\x00"
    return b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + bytes(6) + frame * frames + b"\x3b"


def bmp(width: int, height: int) -> bytes:
    return (
        b"BM"
        + struct.pack("<IHHI", 58, 0, 0, 54)
        + struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, *[0] * 6)
        + bytes(4)
    )


def pnm(width: int, height: int) -> bytes:
    return b"P6\n# a comment\n%d %d\n255\n" % (width, height) + bytes(12)


def tiff(width: int, height: int, samples: int = 3, bits: int = 8, packed: bytes = b"") -> bytes:
    """One strip; without data it claims to be of zeros that are not there."""
    packed = packed or zlib.compress(bytes(64))
    tags = (
        *((256, 4, width), (257, 4, height), (258, 3, bits), (259, 3, 8), (262, 3, 2 if samples == 3 else 1)),
        *((273, 4, 8), (277, 3, samples), (278, 4, height), (279, 4, len(packed))),
    )
    directory = struct.pack("<H", len(tags)) + b"".join(
        struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in tags
    )
    return b"II*\0" + struct.pack("<I", 8 + len(packed)) + packed + directory + bytes(4)


def whole_tiff(width: int, height: int) -> bytes:
    return tiff(width, height, packed=zlib.compress(bytes(3 * width * height), 9))


def webp(width: int, height: int) -> bytes:
    """An extended file that states a canvas, with the frame of a smaller picture."""
    inner = cv2.imencode(".webp", np.zeros((16, 16, 3), np.uint8), [cv2.IMWRITE_WEBP_QUALITY, 101])[1].tobytes()[12:]
    canvas = (
        b"VP8X"
        + struct.pack("<I", 10)
        + bytes(4)
        + (width - 1).to_bytes(3, "little")
        + (height - 1).to_bytes(3, "little")
    )
    return b"RIFF" + struct.pack("<I", 4 + len(canvas) + len(inner)) + b"WEBP" + canvas + inner


def webp_lossless(width: int, height: int) -> bytes:
    """A file whose only frame states a size of up to 16,384 on a side."""
    data = bytearray(cv2.imencode(".webp", np.zeros((16, 16, 3), np.uint8), [cv2.IMWRITE_WEBP_QUALITY, 101])[1])
    at = data.index(b"VP8L") + 9
    bits = struct.unpack_from("<I", data, at)[0] & ~0xFFFFFFF
    struct.pack_into("<I", data, at, bits | min(width, 16384) - 1 | (min(height, 16384) - 1) << 14)
    return bytes(data)


def jp2(width: int, height: int, tile: int | None = None) -> bytes:
    """A small JPEG 2000 file whose codestream states another size, and tiles of that many pixels on a side."""
    data = bytearray(cv2.imencode(".jp2", np.zeros((64, 64, 3), np.uint8))[1])
    at = data.index(b"\xff\x4f\xff\x51") + 8
    struct.pack_into(">II", data, at, width, height)
    struct.pack_into(">II", data, at + 16, tile or width, tile or height)
    box = data.index(b"ihdr") + 4
    struct.pack_into(">II", data, box, height, width)
    return bytes(data)


def jp2_of_small_precincts(side: int) -> bytes:
    """A valid black picture whose precincts are of two pixels."""
    data = cv2.imencode(".jp2", np.zeros((side, side, 3), np.uint8))[1].tobytes()
    at = data.index(b"\xff\x52")
    length, levels = struct.unpack(">H", data[at + 2 : at + 4])[0], data[at + 9]
    style = bytearray(data[at : at + 2 + length])
    style[4] |= 1
    style += bytes([0x00] + [0x11] * levels)
    struct.pack_into(">H", style, 2, length + 1 + levels)
    box = data.index(b"jp2c") - 4
    size = struct.unpack(">I", data[box : box + 4])[0]
    size += 1 + levels if size else 0
    return data[:box] + struct.pack(">I", size) + data[box + 4 : at] + bytes(style) + data[at + 2 + length :]


def avif(width: int, height: int) -> bytes:
    """A small AVIF file whose boxes state another size."""
    data = bytearray(_small_avif())
    struct.pack_into(">II", data, data.index(b"ispe") + 8, width, height)
    return bytes(data)


def hdr(width: int, height: int) -> bytes:
    return b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y %d +X %d\n" % (height, width) + bytes(64)


def exr(width: int, height: int) -> bytes:
    window = b"dataWindow\0box2i\0" + struct.pack("<Iiiii", 16, 0, 0, width - 1, height - 1)
    return b"v/1\x01\x02\0\0\0" + window + bytes(64)


def pam(width: int, height: int) -> bytes:
    return b"P7\nWIDTH %d\nHEIGHT %d\nDEPTH 3\nMAXVAL 255\nTUPLTYPE RGB\nENDHDR\n" % (width, height) + bytes(64)


def sun_raster(width: int, height: int) -> bytes:
    return struct.pack(">8I", 0x59A66A95, width, height, 24, 3 * width * height & 0xFFFFFFFF, 1, 0, 0) + bytes(64)


def _small_avif() -> bytes:
    """By FFmpeg, where it has an encoder, else by Pillow."""
    import pytest

    image = pytest.importorskip("PIL.Image")
    data = io.BytesIO()
    try:
        image.new("RGB", (64, 48)).save(data, "AVIF")
    except (KeyError, OSError):
        pytest.skip("Pillow writes no AVIF here")
    return data.getvalue()


#: Files whose header claims a size that their data does not fill, by kind; each takes width and height.
CLAIMS: dict[str, Builder] = {
    **{"png": lambda width, height: png(width, height, rows=1), "jpeg": jpeg, "gif": gif, "bmp": bmp, "pnm": pnm},
    "progressive jpeg": lambda width, height: jpeg(width, height, 0xC2),
    **{"tiff": tiff, "webp": webp, "lossless webp": webp_lossless, "jp2": jp2, "avif": avif},
}
#: Kinds that are not read at all.
OTHERS: dict[str, Builder] = {"hdr": hdr, "exr": exr, "pam": pam, "sun": sun_raster}


def bombs() -> Iterator[tuple[str, bytes]]:
    """Files of little that decode to much, each whole and valid."""
    yield "png of 100 megapixels", png(10_000, 10_000)
    yield "png, a strip", png(100_000, 300)
    yield "png of 16 megapixels", png(4_000, 4_000)
    yield "png with texts of 400 MB", png_of_texts(50, 8_000_000)
    yield "tiff of one strip", whole_tiff(6_000, 6_000)
    yield "tiff of 10 megapixels in one strip", whole_tiff(4_000, 2_500)
    yield "tiff of long samples", tiff(3_000, 3_000, samples=1, bits=64)
    yield "gif of 16 megapixels", gif(4_000, 4_000)
    yield "gif of 100,000 frames", gif(2_000, 2_000, 100_000)
    yield "jp2 of 65,000 tiles", jp2(255, 255, 1)
    yield "jp2 of small precincts", jp2_of_small_precincts(500)
    yield "jpeg of many scans", jpeg(4_000, 4_000, 0xC2, 5_000)
    yield "jpeg of fill bytes", b"\xff\xd8" + b"\xff" * 20_000_000
    yield "png of empty chunks", png(16, 16, extra=png_chunk(b"zzzz", b"") * 500_000)
    black = np.zeros((5_000, 5_000, 3), np.uint8)
    for ending, options in (
        (".webp", [cv2.IMWRITE_WEBP_QUALITY, 101]),
        (
            ".jpg",
            [cv2.IMWRITE_JPEG_PROGRESSIVE, 1, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444],
        ),
        (".jpg", []),
        (".jp2", []),
    ):
        yield f"{ending} {options} of 25 megapixels", cv2.imencode(ending, black, options)[1].tobytes()


def small(kind: str) -> bytes:
    """A valid picture of a kind, of 48x32 pixels with some texture."""
    image = cv2.resize(np.random.default_rng(0).integers(0, 255, (4, 6, 3), np.uint8), (48, 32))
    return cv2.imencode(f".{kind}", image)[1].tobytes()


#: Kinds that OpenCV writes.
SMALL = ("jpg", "png", "webp", "tiff", "bmp", "ppm", "jp2")


def mutated(data: bytes, count: int, seed: int) -> Iterator[bytes]:
    """Variants of a file: bytes changed, numbers of its header made extreme, parts cut, doubled or moved."""
    rng = random.Random(seed)
    for _ in range(count):
        found = bytearray(data)
        for _ in range(rng.choice((1, 1, 2, 8))):
            at, size = rng.randrange(len(found)), rng.randint(1, 16)
            if rng.random() < 0.6:
                at = rng.randrange(min(len(found), 200))  # in the header
            change = rng.randrange(5)
            if change == 0:
                found[at] = rng.randrange(256)
            elif change == 1:
                found[at : at + 4] = rng.choice((b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff", b"\0\0\x40\0"))
            elif change == 2:
                del found[at:]
            elif change == 3:
                found[at:at] = found[at : at + 8 * size]
            else:
                found[at : at + size] = rng.randbytes(size)
            if not found:
                break
        yield bytes(found)
