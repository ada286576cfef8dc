"""Tracks of stored frames."""

from facetrack_ros.core.track import Track
from facetrack_ros.history.frames.archive import FrameArchive
from facetrack_ros.history.messages.schemas import TRACKS
from facetrack_ros.history.messages.tracks import read_tracks


def stored_tracks(archive: FrameArchive, camera_id: str, start_ns: int, end_ns: int) -> dict[int, tuple[Track, ...]]:
    """The tracks of a camera between two stamps, both included, by stamp."""
    found = {}
    for _, _, message in archive.reader.messages(TRACKS, camera_id, start_ns, end_ns):
        try:
            stamp, tracks = read_tracks(message)
        except ValueError:
            continue  # costs the boxes of one frame; the archive reports damaged files
        found[stamp] = tracks
    return found
