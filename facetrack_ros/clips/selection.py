"""Which stretch is meant: a time, a track, or a person's best sighting."""

from facetrack_ros.clips.clip import Clip
from facetrack_ros.errors import RequestError


def choose_clip(
    source,
    cameras: tuple[str, ...] = (),
    start_ns: int = 0,
    end_ns: int = 0,
    track_id: str = "",
    person_id: str = "",
    before_ns: int = 0,
    after_ns: int = 0,
    formats: tuple[str, ...] = (),
    boxes: bool = False,
) -> Clip:
    """The clip that was asked for.

    :param source: :class:`~.sources.LiveSource` or :class:`~.sources.StoredSource`.
    :param cameras: empty: with a track or person that one's, else all.
    :raises RequestError: no time, track or person, or one that is not known here.
    """
    if bool(track_id) + bool(person_id) + bool(end_ns) != 1:
        raise RequestError("say what to save: a time, a track, or a person, and only one of them")
    if end_ns:
        if start_ns > end_ns:
            raise RequestError("the clip would end before it begins; give the earlier time first")
    else:
        if track_id:
            found = source.of_track(track_id)
        else:
            best = source.best_of_person(person_id)
            found = [best] if best is not None else []
        if not found:
            raise RequestError(f"{source.robot_id} has no sighting of {track_id or person_id}")
        start_ns, end_ns = min(one.first_ns for one in found), max(one.last_ns for one in found)
        cameras = cameras or tuple(sorted({one.camera_id for one in found}))
    return Clip(
        tuple(cameras) or source.cameras(), start_ns - before_ns, end_ns + after_ns, tuple(formats) or ("mcap",), boxes
    )
