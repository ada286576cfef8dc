"""Calls of face_search become requests, or are refused with the reason."""

import array
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from builtin_interfaces.msg import Duration, Time
from sensor_msgs.msg import CompressedImage

from facetrack_ros.config import Config
from facetrack_ros.core.pictures.picture_limits import REFERENCE
from facetrack_ros.errors import FacetrackError, ReferenceFaceError, RequestError
from facetrack_ros.models.contract import ModelContract
from facetrack_ros.nodes.fleet.request_parser import RequestParser
from facetrack_ros.srv import FaceSearch
from facetrack_ros.vision.faces.reference import ReferenceFace
from facetrack_ros.vision.pipeline_pool import PipelinePool
from facetrack_ros.vision.settings import VisionSettings

NOW_NS = 1_800_000_000 * 10**9
CONTRACT = ModelContract(
    "net", "embedding", "onnx", "net.onnx", "", 1, "MIT", dimension=4, threshold=0.35, purpose="identity"
)
UNIT = np.array([0, 0, 1, 0], np.float32)
LANDMARKS = np.array([[20, 20], [40, 20], [30, 30], [22, 40], [38, 40]], np.float32)


class OneFace:
    """Finds a face in every picture but a black one."""

    contract = CONTRACT
    batches = True

    def describe(self):
        return {}

    def embed_reference(self, image, number=0):
        if not image.any():
            raise ReferenceFaceError("no face found in the reference picture")
        box, note = np.array([10, 10, 50, 50], np.float32), f"number {number}"
        return ReferenceFace(box, LANDMARKS, 0.9, 0.9, embedding=UNIT, picture=image, note=note)


class Known:
    def face_of(self, person):
        if person in ("p_robot1_3", "Grace Hopper"):
            return UNIT, "net", ("p_robot1_3", "p_robot2_1") if person == "p_robot1_3" else ()
        raise RequestError(f"no robot knows a face of {person}")

    def face_of_name(self, name):
        if name == "Grace Hopper":
            return UNIT, "net"
        raise RequestError(f"no robot knows a face of {name}")


def make_parser(**settings):
    clock = SimpleNamespace(now=lambda: SimpleNamespace(nanoseconds=NOW_NS))
    node = SimpleNamespace(
        settings=Config({f"backtrack_search.{name}": value for name, value in settings.items()}),
        robot_id="robot1",
        get_clock=lambda: clock,
    )
    models = PipelinePool(VisionSettings(), build=lambda _: OneFace())
    models.acquire("the rest of the robot")
    return RequestParser(node, Known(), models)


def image(grey=128, size=64):
    done, data = cv2.imencode(".png", np.full((size, size, 3), grey, np.uint8))
    assert done
    return CompressedImage(format="png", data=array.array("B", data.tobytes()))


def embedding(*values):
    return {"embedding": [float(value) for value in values], "model_id": "net"}


@pytest.mark.parametrize(
    ("reference", "name"),
    [
        ({"image": image()}, "picture"),
        (embedding(0, 0, 1, 0), "embedding"),
        ({"person_id": "p_robot1_3"}, "p_robot1_3"),
        ({"person_id": "Grace Hopper"}, "Grace Hopper"),
        ({"name": "Grace Hopper"}, "Grace Hopper"),
    ],
)
def test_every_kind_of_reference_gives_the_same_embedding(reference, name):
    request = make_parser().parse(FaceSearch.Request(**reference))
    np.testing.assert_array_equal(request.embedding, UNIT)
    assert (request.model_id, request.reference, request.requester) == ("net", name, "robot1")


def test_missing_fields_come_from_the_settings_and_the_model():
    request = make_parser(max_results=7, timeout_s=1.5).parse(FaceSearch.Request(image=image()))
    assert (request.threshold, request.max_results, request.timeout_ns) == (0.35, 7, 1_500_000_000)
    assert (request.time_ns, request.window_ns, request.rescan, request.face_crop) == (NOW_NS, 0, False, b"")
    assert request.search_id
    said = make_parser(similarity_threshold=0.6).parse(
        FaceSearch.Request(
            image=image(), threshold=0.5, rescan=True, search_id="mine", robots=["robot2"], cameras=["front"]
        )
    )
    assert (said.threshold, said.rescan, said.search_id, said.robots, said.cameras) == (
        0.5,
        True,
        "mine",
        ("robot2",),
        ("front",),
    )


def test_the_number_of_the_face_and_what_was_done_to_the_picture_are_handed_on():
    assert make_parser().parse(FaceSearch.Request(image=image(), face=2)).reference_note == "number 2"
    assert make_parser().parse(FaceSearch.Request(**embedding(0, 0, 1, 0))).reference_note == ""


def test_the_face_crop_is_sent_if_set():
    crop = make_parser(send_face_crop=True).parse(FaceSearch.Request(image=image())).face_crop
    assert cv2.imdecode(np.frombuffer(crop, np.uint8), cv2.IMREAD_COLOR).shape == (192, 192, 3)
    assert len(crop) < 40_000
    assert make_parser(send_face_crop=True).parse(FaceSearch.Request(person_id="p_robot1_3")).face_crop == b""


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ({}, "none"),
        ({"person_id": "p_robot1_3", "image": image()}, "image, person_id"),
        ({"person_id": "p_robot1_3", "name": "Grace Hopper"}, "person_id, name"),
        ({"person_id": "p_robot9_9"}, "p_robot9_9"),
        ({"name": "Unknown Person"}, "Unknown Person"),
        ({"image": image(0)}, "no face"),
        ({"image": CompressedImage(data=array.array("B", b"no picture"))}, "no picture that can be read"),
        ({"embedding": [1.0, 0.0, 0.0, 0.0]}, "without the model_id"),
        ({"embedding": [1.0, 0.0, 0.0, 0.0], "model_id": "unheard_of"}, "unheard_of"),
        (embedding(1, 0, 0), "4 numbers"),
        (embedding(*[0.1] * 5000), "4 numbers"),
        (embedding(float("nan"), 0, 0, 0), "NaN"),
        (embedding(0, 0, 0, 0), "all zeros"),
        (embedding(3, 0, 0, 0), "length 3"),
        ({"image": image(), "threshold": -0.5}, "from 0 to 1"),
        ({"image": image(), "threshold": float("nan")}, "from 0 to 1"),
        ({"image": image(), "window": Duration(sec=-5)}, "time window"),
        ({"image": image(), "timeout": Duration(sec=-5)}, "timeout"),
        ({"image": image(), "time": Time(sec=1_900_000_000), "window": Duration(sec=60)}, "s from now"),
        ({"image": image(), "cameras": [f"camera{n}" for n in range(1000)]}, "1000 cameras"),
        ({"image": image(), "robots": [f"robot{n}" for n in range(1000)]}, "1000 robots"),
        ({"image": image(), "cameras": [""]}, "empty"),
        ({"image": image(), "max_results": 4_000_000_000}, "max_results"),
        ({"image": image(), "search_id": "x" * 1000}, "search id"),
        ({"file": "face.png"}, "reference_dir is not set"),
    ],
)
def test_invalid_requests_are_refused(request_, words):
    with pytest.raises(FacetrackError, match=words):
        make_parser().parse(FaceSearch.Request(**request_))


def test_a_picture_of_fifty_megabytes_is_refused():
    request = FaceSearch.Request(image=CompressedImage(data=array.array("B", bytes(50_000_000))))
    with pytest.raises(ReferenceFaceError, match="50 MB, and at most 30"):
        make_parser().parse(request)


@pytest.fixture
def folder(tmp_path):
    """A folder of references, and a secret beside it."""
    inside, outside = tmp_path / "references", tmp_path / "outside"
    for place in (inside / "people", outside):
        place.mkdir(parents=True)
        (place / "face.png").write_bytes(bytes(image().data))
    (inside / "link.png").symlink_to(outside / "face.png")
    (inside / "linked").symlink_to(outside)
    (inside / "circle.png").symlink_to(inside / "circle.png")
    with (inside / "huge.png").open("wb") as huge:
        huge.truncate(REFERENCE.max_bytes + 1)
    return inside


def test_a_file_below_the_reference_folder_is_read(folder):
    parser = make_parser(reference_dir=str(folder))
    assert parser.parse(FaceSearch.Request(file="people/face.png")).reference == "picture"
    assert parser.parse(FaceSearch.Request(file="people/../people/face.png")).reference == "picture"


@pytest.mark.parametrize(
    "name",
    [
        "../outside/face.png",
        "people/../../outside/face.png",
        "link.png",
        "linked/face.png",
        "/etc/passwd",
        "{outside}",
        "people",
        ".",
        "missing.png",
        "circle.png",
        "x" * 5000,
    ],
)
def test_files_outside_the_reference_folder_are_refused(folder, name):
    name = name.replace("{outside}", str(folder.parent / "outside" / "face.png"))
    with pytest.raises(RequestError, match="reference_dir"):
        make_parser(reference_dir=str(folder)).parse(FaceSearch.Request(file=name))


def test_a_file_that_is_too_large_is_refused(folder):
    with pytest.raises(ReferenceFaceError, match="more than 30 MB"):
        make_parser(reference_dir=str(folder)).parse(FaceSearch.Request(file="huge.png"))
