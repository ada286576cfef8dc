"""Which stored segments have to go."""

from dataclasses import dataclass

# One segment of a few may be more than half of what there is; that is no accident.
_FEWEST = 4


@dataclass(frozen=True)
class Limits:
    """How much is kept on disk, whichever is reached first. Zero: no such limit.

    :param frames: most frames of all cameras together.
    :param bytes: most bytes of segments.
    :param age_ns: farthest a frame may lie behind the newest one.
    :param free_bytes: room that stays free on the disk.
    """

    frames: int = 5000
    bytes: int = 0
    age_ns: int = 0
    free_bytes: int = 0


@dataclass(frozen=True)
class Stored:
    """One segment, as far as the limits care.

    :param last_ns: stamp of its newest frame.
    """

    name: str
    frames: int
    bytes: int
    last_ns: int


@dataclass(frozen=True)
class PruningPlan:
    """What has to go.

    :param victims: names of segments, oldest first.
    :param refused: why nothing may go although limits are passed, a sentence; empty: nothing was refused.
    """

    victims: tuple[str, ...]
    refused: str = ""


def judge(stored: list[Stored], limits: Limits, now_ns: int, free_bytes: int, brake: bool = True) -> PruningPlan:
    """Which segments have to go, the first written first; never more than half of the frames at once.

    More than half at once is what a wrong clock or a wrong limit asks for, and a deletion cannot be undone: then nothing
    goes, and the verdict says so.

    :param stored: in the order they were written; one that is still being written is not among them.
    :param now_ns: stamp of the newest frame.
    :param free_bytes: room on the disk now.
    :param brake: False where somebody has asked for just that.
    """
    frames, size = sum(one.frames for one in stored), sum(one.bytes for one in stored)
    total, reasons, victims = frames, [], []
    for one in stored:
        why = []
        if limits.frames and frames > limits.frames:
            why.append(f"more than {limits.frames} frames")
        if limits.bytes and size > limits.bytes:
            why.append(f"more than {limits.bytes / 1e6:.0f} MB")
        if limits.age_ns and one.last_ns < now_ns - limits.age_ns:
            why.append(f"older than {limits.age_ns / 3.6e12:.1f} h")
        if limits.free_bytes and free_bytes < limits.free_bytes:
            why.append(f"less than {limits.free_bytes / 1e6:.0f} MB free")
        if not why:
            # A clock that jumped leaves old stamps among newer ones: age is looked at one by one.
            continue
        victims.append(one)
        reasons += [reason for reason in why if reason not in reasons]
        frames, size, free_bytes = frames - one.frames, size - one.bytes, free_bytes + one.bytes
    doomed = sum(one.frames for one in victims)
    if brake and len(stored) >= _FEWEST and 2 * doomed > total:
        return PruningPlan(
            (),
            f"{doomed} of {total} stored frames would have to be deleted at once ({', '.join(reasons)}), "
            "so none was: check the clock and the limits, then `facetrack prune` deletes them",
        )
    return PruningPlan(tuple(one.name for one in victims))
