"""Which stored segments exceed the limits."""

from dataclasses import dataclass

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


@dataclass(frozen=True)
class Segment:
    """What the limits concern of a segment.

    :param last_ns: stamp of its newest frame.
    """

    name: str
    frames: int
    bytes: int
    last_ns: int


@dataclass(frozen=True)
class PruningPlan:
    """What is to be deleted.

    :param segments: names, oldest first.
    :param refused: why nothing is deleted although limits are exceeded, a sentence; empty: nothing was refused.
    """

    segments: tuple[str, ...]
    refused: str = ""


def plan_pruning(
    stored: list[Segment], limits: Limits, now_ns: int, free_bytes: int, brake: bool = True
) -> PruningPlan:
    """Choose the segments to delete, the first written first.

    More than half of the frames at once is what a wrong clock or a wrong limit asks for, and deletion cannot be
    undone: then nothing is deleted, and the plan says why.

    :param stored: sealed segments in the order they were written.
    :param now_ns: stamp of the newest frame.
    :param free_bytes: free space on the disk now.
    :param brake: whether the rule of the half holds.
    """
    total = frames = sum(segment.frames for segment in stored)
    size, reasons, chosen = sum(segment.bytes for segment in stored), [], []
    for segment in stored:
        exceeded = [
            reason
            for exceeds, reason in (
                (limits.frames and frames > limits.frames, f"more than {limits.frames} frames"),
                (limits.bytes and size > limits.bytes, f"more than {limits.bytes / 1e6:.0f} MB"),
                (
                    limits.age_ns and segment.last_ns < now_ns - limits.age_ns,
                    f"older than {limits.age_ns / 3.6e12:.1f} h",
                ),
                (
                    limits.free_bytes and free_bytes < limits.free_bytes,
                    f"less than {limits.free_bytes / 1e6:.0f} MB free",
                ),
            )
            if exceeds
        ]
        if not exceeded:
            continue  # later ones may be too old all the same: a clock that jumped leaves old stamps among newer ones
        chosen.append(segment)
        reasons += [reason for reason in exceeded if reason not in reasons]
        frames, size, free_bytes = frames - segment.frames, size - segment.bytes, free_bytes + segment.bytes
    going = total - frames
    if brake and len(stored) >= _MIN_SEGMENTS and 2 * going > total:
        return PruningPlan(
            (),
            f"{going} of {total} stored frames would have to be deleted at once ({', '.join(reasons)}), "
            "so none was: check the clock and the limits, then `facetrack prune` deletes them",
        )
    return PruningPlan(tuple(segment.name for segment in chosen))
