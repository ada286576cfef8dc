"""Checks of service requests: what no honest client asks for is refused with a sentence before any work is done."""

from builtin_interfaces.msg import Duration
from sensor_msgs.msg import CompressedImage

from facetrack_ros import srv
from facetrack_ros.core import validation
from facetrack_ros.errors import InvalidInput
from facetrack_ros.nodes.conversion.fields import LONGEST_OLD_NAME, MOST_NAMES
from facetrack_ros.nodes.conversion.operator import said_by
from facetrack_ros.nodes.conversion.time import span_of, stamp_of

#: Largest picture, bytes: of one reference, and of all of an enrolment. Chosen by hand.
MOST_PICTURE, MOST_PICTURES = 64_000_000, 256_000_000
#: Pictures of one enrolment; formats of a clip. Chosen by hand.
MOST_ENROLLED, MOST_FORMATS = 200, 20
#: A request may wait no longer, nanoseconds: an hour.
LONGEST_WAIT_NS = 3_600_000_000_000
_LONGEST_PATH = 4096
# Robots are asked under a longer id that is made of it.
_LONGEST_SEARCH_ID = 100


def check_search(request: srv.FaceSearch.Request) -> None:
    """Check a call of ``face_search``; embedding, threshold and the like are checked with the model's contract, see
    :func:`facetrack_ros.search.validation.validate_request`.

    :raises InvalidInput: what is not valid.
    """
    _check_picture(request.image, "the picture")
    for name in ("person_id", "name", "model_id", "operating_point"):
        validation.plain_text(getattr(request, name), f"the {name}", LONGEST_OLD_NAME)
    validation.plain_text(request.file, "the file", _LONGEST_PATH)
    validation.token(request.search_id, "the search id", empty=True)
    validation.plain_text(request.search_id, "the search id", _LONGEST_SEARCH_ID)
    for names, what in ((request.robots, "robots"), (request.cameras, "cameras")):
        _check_names(names, what)
    stamp_of(request.time, "the time")
    _check_wait(request.timeout)
    said_by(request)


def check_enrolment(request: srv.EnrollFace.Request) -> None:
    """Check a call of ``enroll_face``.

    :raises InvalidInput: what is not valid.
    """
    validation.person_name(request.name, "the name")
    for image in validation.at_most(request.images, "pictures", MOST_ENROLLED):
        _check_picture(image, "a picture")
    if sum(len(image.data) for image in request.images) > MOST_PICTURES:
        raise InvalidInput(f"the pictures have more than {MOST_PICTURES} bytes together: enrol fewer at once", "bytes")
    for source in validation.at_most(request.sources, "sources", MOST_ENROLLED):
        validation.plain_text(source, "a source", _LONGEST_PATH)
    validation.at_most(request.faces, "faces", MOST_ENROLLED)
    said_by(request)


def check_frames(request: srv.GetFrames.Request) -> None:
    """Check a call of ``get_frames``.

    :raises InvalidInput: what is not valid.
    """
    validation.plain_text(request.camera_id, "the camera", validation.LONGEST_ID)
    stamp_of(request.start, "the start")
    stamp_of(request.end, "the end")
    span_of(request.tolerance, "the tolerance")
    said_by(request)


def check_clip(request: srv.SaveClip.Request) -> None:
    """Check a call of ``save_clip``.

    :raises InvalidInput: what is not valid.
    """
    stamp_of(request.start, "the start")
    stamp_of(request.end, "the end")
    span_of(request.before, "the time before")
    span_of(request.after, "the time after")
    validation.identifier(request.track_id, "the track", empty=True)
    _check_names(request.cameras, "cameras")
    for name in validation.at_most(request.formats, "formats", MOST_FORMATS):
        validation.plain_text(name, "a format", 32)
    validation.plain_text(request.name, "the name of the clip", validation.LONGEST_NAME)
    said_by(request)


def check_verification(request: srv.VerifyMatch.Request) -> None:
    """Check a call of ``verify_match``.

    :raises InvalidInput: what is not valid.
    """
    said_by(request)
    validation.token(request.search_id, "the search id")
    validation.token(request.match, "the match")


def check_people(request: srv.ListPeople.Request) -> None:
    """Check a call of ``list_people``.

    :raises InvalidInput: what is not valid.
    """
    _check_wait(request.timeout)


def _check_picture(image: CompressedImage, what: str) -> None:
    if len(image.data) > MOST_PICTURE:
        raise InvalidInput(f"{what} has {len(image.data)} bytes; at most {MOST_PICTURE} are allowed", "bytes")


def _check_names(names: list[str], what: str) -> None:
    for name in validation.at_most(names, what, MOST_NAMES):
        validation.plain_text(name, f"one of the {what}", 255, empty=False)


def _check_wait(timeout: Duration) -> None:
    validation.span(span_of(timeout, "the timeout"), "the timeout", LONGEST_WAIT_NS)
