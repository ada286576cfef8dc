"""Which stored segments exceed the limits."""

from dataclasses import dataclass

from facetrack_ros.errors import StoreError
from facetrack_ros.history.mcap.catalog import StoredSegment

#: The brake holds from this number of segments on: one of fewer may well be more than half of the frames.
_MIN_SEGMENTS = 4


@dataclass(frozen=True)
class Limits:
    """How much is kept on disk, whichever limit is reached first. Zero: no such limit.

    :param frames: most frames of all cameras together.
    :param bytes: most bytes of segments.
    :param age_ns: greatest age of a frame, relative to the newest one.
    :param free_bytes: space that stays free on the disk.
    """

    frames: int = 5000
    bytes: int = 0
    age_ns: int = 0
    free_bytes: int = 0


def segments_to_prune(
    stored: list[StoredSegment],
    limits: Limits,
    now_ns: int,
    free_bytes: int,
    brake: bool = True,
    held: tuple[int, int] = (0, 0),
) -> list[StoredSegment]:
    """Choose the segments to delete, the first written first.

    More than half of the frames at once is what a wrong clock or a wrong limit asks for, and deletion cannot be undone:
    then nothing is deleted. Nor is it if limits other than age leave less than half of what was held within a day.

    :param stored: sealed segments in the order they were written.
    :param now_ns: stamp of the newest frame.
    :param free_bytes: free space on the disk now.
    :param brake: whether the rules of the half hold.
    :param held: the most frames and bytes held within the last day.
    :raises StoreError: it holds, and nothing is deleted although limits are exceeded.
    """
    total = frames = sum(segment.frames for segment in stored)
    size, reasons, chosen = sum(segment.bytes for segment in stored), dict[str, None](), []
    for segment in stored:
        exceeded = []
        if limits.frames and frames > limits.frames:
            exceeded.append(f"more than {limits.frames} frames")
        if limits.bytes and size > limits.bytes:
            exceeded.append(f"more than {limits.bytes / 1e6:.0f} MB")
        if limits.age_ns and segment.last_ns < now_ns - limits.age_ns:
            exceeded.append(f"older than {limits.age_ns / 3.6e12:.1f} h")
        if limits.free_bytes and free_bytes < limits.free_bytes:
            exceeded.append(f"less than {limits.free_bytes / 1e6:.0f} MB free")
        if not exceeded:
            continue  # later ones may be too old all the same: a clock that jumped leaves old stamps among newer ones
        chosen.append(segment)
        reasons.update(dict.fromkeys(exceeded))
        frames, size, free_bytes = frames - segment.frames, size - segment.bytes, free_bytes + segment.bytes
    if not brake or len(stored) < _MIN_SEGMENTS:
        return chosen
    said, advice = ", ".join(reasons), "check the clock and the limits, then `facetrack prune` deletes them"
    if 2 * (total - frames) > total:
        raise StoreError(
            f"{stored[0].path.parent}: {total - frames} of {total} stored frames would have to be deleted at once "
            f"({said}), so none was: {advice}"
        )
    by_count = any("frames" in reason for reason in reasons) and 2 * frames < held[0]
    by_bytes = any("MB" in reason for reason in reasons) and 2 * size < held[1]
    if by_count or by_bytes:
        raise StoreError(
            f"{stored[0].path.parent}: of {held[0]} frames stored within a day {frames} would remain ({said}), so none "
            f"is deleted: {advice}"
        )
    return chosen
