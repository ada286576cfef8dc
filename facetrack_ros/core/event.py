"""Events of persons in view of a camera."""

from dataclasses import dataclass

PERSON_IN = "PERSON_IN"
PERSON_OUT = "PERSON_OUT"
FACE_MATCHED = "FACE_MATCHED"
#: Reason of a PERSON_OUT: the robot ended during the visit, and closed it when it started again.
RESTARTED = "restarted"


@dataclass(frozen=True)
class PersonEvent:
    """One event. Fields that do not belong to its kind are None.

    :param event: ``PERSON_IN``, ``PERSON_OUT`` or ``FACE_MATCHED``.
    :param stamp_ns: nanoseconds since the epoch: of PERSON_IN the first frame of the visit with the person, of
        PERSON_OUT the moment at which the absence was established.
    :param frame_number: of the frame at ``stamp_ns``, or the last one before it.
    :param bbox: PERSON_IN: ``x1, y1, x2, y2`` in pixels; ``last_bbox`` likewise of PERSON_OUT.
    :param confidence: PERSON_IN: 0..1.
    :param reason: PERSON_OUT: :data:`RESTARTED`, the stamp is then the last at which anything stored shows the person;
        None: absence.
    :param last_seen_ns: PERSON_OUT: stamp of the last frame with the person.
    :param duration_ns: PERSON_OUT: from PERSON_IN to ``last_seen_ns``; never negative.
    :param reference_face_id: FACE_MATCHED: id of the matched person or gallery entry.
    :param similarity: FACE_MATCHED: cosine, -1..1.
    :param search_id: FACE_MATCHED: the search that found it, None when the tracker recognised it.
    :param reference_name: FACE_MATCHED: name of a gallery entry.
    :param watch: FACE_MATCHED: whether the gallery entry is on the watch list.
    """

    event: str
    stamp_ns: int
    robot_id: str
    camera_id: str
    person_id: str
    frame_number: int
    bbox: tuple[float, float, float, float] | None = None
    confidence: float | None = None
    last_seen_ns: int | None = None
    duration_ns: int | None = None
    last_bbox: tuple[float, float, float, float] | None = None
    reference_face_id: str | None = None
    similarity: float | None = None
    search_id: str | None = None
    reference_name: str | None = None
    watch: bool = False
    reason: str | None = None
