"""What may be kept of a track where only enrolled people are kept."""

from dataclasses import replace

from facetrack_ros.core.track import Track, TrackState
from facetrack_ros.tracking.settings import SECOND_NS

#: How long after a matching face a track still counts as that person, who may turn away. Chosen by hand: a tracker that
#: moves to another person shows that person's face, which does not match, well before.
LONGEST_NS = SECOND_NS


def enrolled_part(track: Track, matched_ns: int | None, stamp_ns: int) -> Track:
    """The track with ``kept`` and ``face_kept`` set.

    :param matched_ns: when its face last matched an enrolled person; None: never, or nobody is enrolled any more.
    :param stamp_ns: of the frame.
    """
    recent = matched_ns is not None and stamp_ns - matched_ns <= LONGEST_NS
    seen = track.state == TrackState.TRACKING
    return replace(track, kept=recent and seen, face_kept=matched_ns == stamp_ns and seen)
