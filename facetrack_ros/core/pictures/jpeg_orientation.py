"""EXIF orientation of JPEG images: read, and changed without encoding the image again."""

import struct

from facetrack_ros.core.jpeg import is_jpeg, jpeg_size, segments

_APP1 = 0xE1
_EXIF = b"Exif\0\0"
_ORIENTATION = 0x0112
# Orientation as (mirrored left to right first, then turned clockwise by quarter turns); EXIF 2.3, tag 0x0112.
_VALUES = {1: (0, 0), 6: (0, 1), 3: (0, 2), 8: (0, 3), 2: (1, 0), 7: (1, 1), 4: (1, 2), 5: (1, 3)}
_VALUE_OF = {steps: value for value, steps in _VALUES.items()}
#: Segment of a big-endian TIFF with a single entry, an orientation.
_SEGMENT = (
    b"\xff\xe1" + struct.pack(">H", 34) + _EXIF + b"MM\0*\0\0\0\x08" + struct.pack(">HHHI", 1, _ORIENTATION, 3, 1)
)


def exif_orientation(jpeg: bytes) -> int:
    """The orientation that the EXIF data of a JPEG image states, 1 to 8; 1, as stored, where it states none."""
    found = _orientation_entry(jpeg)
    value = struct.unpack_from(found[1], jpeg, found[0])[0] if found else 1
    return value if value in _VALUES else 1


def shown_size(jpeg: bytes) -> tuple[int, int] | None:
    """Width and height of a JPEG image as it is shown, in its EXIF orientation; None where there are none."""
    size = jpeg_size(jpeg)
    return size[::-1] if size and _VALUES[exif_orientation(jpeg)][1] % 2 else size


def turned_jpeg(jpeg: bytes, degrees: int, mirrored: bool = False) -> bytes:
    """The image with an EXIF orientation that has it shown mirrored left to right, then turned clockwise, both after
    the orientation it states itself. Its compressed data is unchanged.

    :param degrees: a multiple of 90.
    :raises ValueError: the data is no JPEG.
    """
    if not is_jpeg(jpeg):
        raise ValueError("only JPEG images have an EXIF orientation")
    mirror, turns = _VALUES[exif_orientation(jpeg)]
    # A mirror image turns the other way.
    mirror, turns = (1 - mirror, -turns) if mirrored else (mirror, turns)
    value = _VALUE_OF[mirror, (turns + degrees // 90) % 4]
    found = _orientation_entry(jpeg)
    if found is not None:
        place, form = found
        return jpeg[:place] + struct.pack(form, value) + jpeg[place + 2 :]
    # Decoders differ in which of several EXIF segments they read: one without an orientation is replaced.
    start, end = _exif_segment(jpeg) or (2, 2)
    return jpeg[:start] + _SEGMENT + struct.pack(">HHI", value, 0, 0) + jpeg[end:]


def _exif_segment(jpeg: bytes) -> tuple[int, int] | None:
    """Begin and end of the first EXIF segment."""
    for marker, place in segments(jpeg):
        if marker == _APP1 and jpeg[place + 4 : place + 10] == _EXIF:
            return place, place + 2 + int.from_bytes(jpeg[place + 2 : place + 4], "big")
    return None


def _orientation_entry(jpeg: bytes) -> tuple[int, str] | None:
    """Position of the orientation's two bytes, and their format for :mod:`struct`."""
    segment = _exif_segment(jpeg)
    if segment is None:
        return None
    tiff = segment[0] + 10
    order = {b"MM": ">", b"II": "<"}.get(jpeg[tiff : tiff + 2])
    if order is None:
        return None
    try:
        directory = tiff + struct.unpack_from(f"{order}I", jpeg, tiff + 4)[0]
        (count,) = struct.unpack_from(f"{order}H", jpeg, directory)
        for entry in range(directory + 2, min(directory + 2 + 12 * count, segment[1] - 11), 12):
            tag, kind = struct.unpack_from(f"{order}HH", jpeg, entry)
            if (tag, kind) == (_ORIENTATION, 3) and entry + 10 <= len(jpeg):
                return entry + 8, f"{order}H"
    except struct.error:
        return None
    return None
