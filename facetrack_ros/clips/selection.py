"""Choice of a clip by time, by track or by person."""

from pathlib import Path

from facetrack_ros.clips.clip import Clip
from facetrack_ros.clips.sources import ClipSource
from facetrack_ros.errors import RequestError
from facetrack_ros.history.people.merge_log import MergeLog


def choose_clip(
    source: ClipSource,
    cameras: tuple[str, ...] = (),
    start_ns: int = 0,
    end_ns: int = 0,
    track_id: str = "",
    person_id: str = "",
    before_ns: int = 0,
    after_ns: int = 0,
    formats: tuple[str, ...] = (),
    boxes: bool = False,
    only: frozenset[str] | None = None,
) -> Clip:
    """The clip of a time, of a track, or of a person's best sighting.

    :param only: see :class:`Clip`.
    :param cameras: empty: those of the track or person, with a time all.
    :raises RequestError: not exactly one of time, track and person is given, or the track or person is unknown here.
    """
    if bool(track_id) + bool(person_id) + bool(end_ns) != 1:
        raise RequestError("say what to save: a time, a track, or a person, and only one of them")
    if end_ns:
        if start_ns > end_ns:
            raise RequestError("the clip would end before it begins; give the earlier time first")
    else:
        if track_id:
            sightings = source.of_track(track_id)
        else:
            best = source.best_of_person(person_id)
            sightings = [best] if best is not None else []
        if not sightings:
            raise RequestError(f"{source.robot_id} has no sighting of {track_id or person_id}")
        start_ns = min(sighting.first_ns for sighting in sightings)
        end_ns = max(sighting.last_ns for sighting in sightings)
        cameras = cameras or tuple(sorted({sighting.camera_id for sighting in sightings}))
    cameras, formats = tuple(dict.fromkeys(cameras)), tuple(dict.fromkeys(formats))
    return Clip(cameras or source.cameras(), start_ns - before_ns, end_ns + after_ns, formats or ("mcap",), boxes, only)


def ids_that_stay(source: ClipSource, folder: Path, track_id: str = "", person_id: str = "") -> frozenset[str]:
    """Every id of a track's person, or of a person: who stays in a clip without others; with neither, nobody does.

    :param folder: the robot's, with its merge decisions.
    :raises StoreError: the decisions cannot be read.
    """
    persons = {sighting.person_id for sighting in source.of_track(track_id)} if track_id else {person_id}
    merges = MergeLog(folder).read()
    ids = {each for person in persons if person for each in merges.group(person)}
    return frozenset(ids | ({track_id} if track_id else set()))
