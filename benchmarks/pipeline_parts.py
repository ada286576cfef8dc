"""The ways of running the pipeline, each in a process of its own; started by pipeline.py, prints one JSON object.

python benchmarks/pipeline_parts.py bare|tracked|ingest|composed|camera|listen '{"data": …}'
"""

import argparse
import io
import json
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections import Counter, defaultdict
from contextlib import redirect_stdout
from pathlib import Path

import numpy as np
from common import cpu_s, rss_mb
from pipeline_clip import MemorySource, jpegs

ROBOT = "robot1"
STAGES = ("decode", "persons", "faces", "embeddings")


def config_of(options: dict):
    """The robot's settings."""
    from facetrack_ros.config import Config

    return Config(options.get("config", {}))


def pipelines_of(options: dict, workers: int):
    """A pipeline a worker."""
    from facetrack_ros.vision.factory import build_pipeline
    from facetrack_ros.vision.settings import vision_settings

    return [build_pipeline(vision_settings(config_of(options))) for _ in range(workers)]


def jpegs_of(options: dict) -> list[bytes]:
    """The clip's pictures at the size wanted."""
    return jpegs(Path(options["data"]), options["size"])


def cpu_with_children_s() -> float:
    """CPU seconds of this process and its worker processes so far."""
    return time.process_time() + sum(cpu_s(child.pid) for child in multiprocessing.active_children())


def wait_for_line(line: str = "ready") -> str:
    """Print a line and return the next line of standard input."""
    print(line, flush=True)
    return sys.stdin.readline()


def camera_names(count: int) -> tuple[str, ...]:
    return tuple(f"camera{number}" for number in range(count))


def bare(options: dict) -> dict:
    """The limit: decode, detect, find faces, embed; the workers are threads of this process."""
    import cv2

    pictures, results = jpegs_of(options), []
    pipelines = pipelines_of(options, options["workers"])

    def work(pipeline, deadline):
        stages = []
        number = 0
        while time.perf_counter() < deadline:
            steps = [time.perf_counter()]
            image = cv2.imdecode(np.frombuffer(pictures[number % len(pictures)], np.uint8), cv2.IMREAD_COLOR)
            steps.append(time.perf_counter())
            detections = pipeline.detect([image])[0]
            steps.append(time.perf_counter())
            faces = pipeline.find_faces(image, detections)
            steps.append(time.perf_counter())
            if options.get("embed", True):
                pipeline.embed(image, faces, np.flatnonzero([not face.rejected for face in faces]))
            steps.append(time.perf_counter())
            stages.append(np.diff(steps))
            number += 1
        results.append((np.array(stages), time.perf_counter()))

    for pipeline in pipelines:
        work(pipeline, time.perf_counter() + 0.5)
    results.clear()
    if options.get("barrier"):  # several processes begin together
        wait_for_line()
    began, used = time.perf_counter(), time.process_time()
    threads = [threading.Thread(target=work, args=(pipeline, began + options["seconds"])) for pipeline in pipelines]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    frames = sum(len(stages) for stages, _ in results)
    stages = np.concatenate([stages for stages, _ in results])
    return {
        "fps": sum(len(stages) / (ended - began) for stages, ended in results),
        "frames": frames,
        "rss_mb": rss_mb(),
        "cpu_ms": (time.process_time() - used) / frames * 1e3,
        "stages_ms": dict(zip(STAGES, (np.median(stages, axis=0) * 1e3).tolist())),
    }


def events_in(data: Path) -> list[list]:
    """Kind, camera and person of each logged event."""
    from facetrack_ros.history.events.format import read_events
    from facetrack_ros.history.layout import history_folders

    return [
        [event["event"], event["camera_id"], event["person_id"]]
        for folder in history_folders(data)
        for event in read_events(folder.path)
    ]


def ingest(options: dict) -> dict:
    """``facetrack ingest`` of the clip, one folder of pictures a camera."""
    from facetrack_ros.cli import ingest as command

    folder, names = Path(options["folder"]), camera_names(options["cameras"])
    pictures = jpegs_of(options)
    count = options["frames"] // len(names)
    for name in names:
        (folder / name).mkdir(parents=True)
        for number in range(count):
            path = folder / name / f"{number:06}.jpg"
            if number < len(pictures):
                path.write_bytes(pictures[number])
            else:
                os.link(path.with_name(f"{number % len(pictures):06}.jpg"), path)
    settings = folder / "settings.yaml"
    settings.write_text(json.dumps(tree_of(dict(config_of(options).items()))))
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    output, measured = io.StringIO(), {}
    inner = command._ingest

    def measure(*arguments):
        used, began = cpu_with_children_s(), time.perf_counter()
        inner(*arguments)
        measured["seconds"] = time.perf_counter() - began
        measured["cpu_s"] = cpu_with_children_s() - used
        measured["rss_mb"] = rss_mb() + sum(rss_mb(child.pid) for child in multiprocessing.active_children())

    command._ingest = measure
    words = ["--robot", ROBOT, "--data", str(folder / "data"), "--config", str(settings)]
    words += ["--start", "2026-05-01T12:00:00"]
    words += [word for name in names for word in ("--camera", f"{name}={folder / name}")]
    with redirect_stdout(output):
        command.run(parser.parse_args(words))
    frames = count * len(names)
    return {
        "fps": frames / measured["seconds"],
        "frames": frames,
        "cpu_ms": measured["cpu_s"] / frames * 1e3,
        "rss_mb": measured["rss_mb"],
        "events": events_in(folder / "data"),
        "said": output.getvalue().splitlines()[-1],
    }


def tree_of(flat: dict) -> dict:
    """Settings as nested dictionaries, by the parts of their names."""
    tree: dict = {}
    for name, value in flat.items():
        *heads, last = name.split(".")
        branch = tree
        for head in heads:
            branch = branch.setdefault(head, {})
        branch[last] = value
    return tree


def tracked(options: dict) -> dict:
    """The bare loop and the tracker, frame by frame on one thread: the persons and events there are to find."""
    from facetrack_ros.core.frame import Frame
    from facetrack_ros.tracking.factory import make_people_tracker
    from facetrack_ros.tracking.id_allocator import IdAllocator

    pictures = jpegs_of(options)
    pipeline = pipelines_of(options, 1)[0]
    people = make_people_tracker(ROBOT, IdAllocator(), config_of(options), pipeline.contract)
    events = []
    for number in range(options["frames"]):
        frame = Frame("camera0", round(1e18 + number / options["fps"] * 1e9), number, pictures[number % len(pictures)])
        detections = pipeline.detect([frame.image])[0]
        faces = pipeline.faces(frame.image, detections)
        events += people.update("camera0", frame.stamp_ns, number, detections, faces)[1]
    events += people.close()
    return {"events": [[event.event, event.camera_id, event.person_id] for event in events]}


def composed(options: dict) -> dict:
    """All nodes of a robot in this process, its cameras playing the clip in real time."""
    from facetrack_ros.nodes import camera_node
    from facetrack_ros.nodes.base.process import ros, spinning
    from facetrack_ros.nodes.robot_node import RobotComposition, RobotNode

    names = camera_names(options["cameras"])
    pictures = jpegs_of(options)
    fps, seconds = options["fps"] / len(names), options["seconds"]
    warm_s = min(2.0, seconds / 3)
    count = round(fps * (seconds + warm_s))
    leads = {name: row / len(names) / fps for row, name in enumerate(names)}
    camera_node.open_source = lambda text: MemorySource(pictures, fps, count, leads[text])
    config = config_of({"config": {**options.get("config", {}), "data_dir": options["folder"]}})
    with ros([]):
        started = time.perf_counter()
        sources = tuple(f"{name}={name}" for name in names)
        head = RobotNode(sources=sources, robot_id=ROBOT, cameras=names, config=config)
        robot = RobotComposition(head, config)
        ready_s = time.perf_counter() - started
        watch = Watch(robot)
        with spinning(robot.nodes):
            robot.start()
            try:
                time.sleep(warm_s)
                watch.begin()
                time.sleep(seconds - warm_s / 2)
                found = watch.end()
                if options.get("to_the_end"):
                    for camera in robot.cameras:
                        camera._thread.join()
            finally:
                robot.close()
    return {
        **found,
        "ready_s": ready_s,
        "rss_mb": rss_mb(),
        "events": events_in(Path(options["folder"])),
        "kept": {name: ring.stats().frames for name, ring in robot.history.history._all_rings().items()},
        "embeddings_a_frame": watch.embeddings / max(1, watch.seen.total()),
        "frames_seen": watch.seen.total(),
    }


class Watch:
    """Latencies and counts of a composed robot between two moments."""

    def __init__(self, robot):
        self._robot = robot
        self._analyses, self._ends, self.embeddings, self.seen = {}, [], 0, Counter()
        analyze = robot.detector.stage._analyze

        def timed_analyze(pipeline, frames):
            began = time.time_ns()
            outcome = analyze(pipeline, frames)
            spent = time.time_ns() - began
            for frame in frames:
                self._analyses[frame.camera_id, frame.stamp_ns] = spent
            return outcome

        robot.detector.stage._analyze = timed_analyze  # before its workers are made
        robot.detector.stage.listeners.append(self._on_analysis)
        track = robot.tracker.stage._track

        def timed_track(frame, detections, faces):
            track(frame, detections, faces)  # tracks and events are published when it returns
            self._ends.append((frame.camera_id, frame.stamp_ns, time.time_ns()))

        robot.tracker.stage._track = timed_track

    def _on_analysis(self, frame, analysis):
        self.seen[frame.camera_id] += 1
        self.embeddings += sum(face.embedding is not None for face in analysis.faces)

    def _counts(self) -> dict[str, tuple[int, int]]:
        """Frames analysed and dropped by camera."""
        detector = self._robot.detector
        return {name: (self.seen[name], detector.health.figures(name).dropped) for name in detector.cameras}

    def begin(self):
        """Start to measure."""
        self._began, self._used, self._first = time.perf_counter(), time.process_time(), len(self._ends)
        self._before = self._counts()

    def end(self) -> dict:
        """The figures since :meth:`begin`."""
        took, used = time.perf_counter() - self._began, time.process_time() - self._used
        counts = self._counts()
        analysed = {name: count - self._before[name][0] for name, (count, _) in counts.items()}
        dropped = {name: count - self._before[name][1] for name, (_, count) in counts.items()}
        ends = self._ends[self._first :]
        latency = np.array([end - stamp for _, stamp, end in ends]) / 1e6
        analysis = np.array([self._analyses.get((camera, stamp), 0) for camera, stamp, _ in ends]) / 1e6
        frames = sum(analysed.values())
        return {
            "fps": frames / took,
            "frames": frames,
            "cpu_ms": used / max(1, frames) * 1e3,
            "rates": {name: count / took for name, count in analysed.items()},
            "dropped": sum(dropped.values()),
            "latency_ms": percentiles(latency),
            "added_ms": percentiles(latency - analysis),
            "look_ms": percentiles(analysis),
        }


def percentiles(values) -> dict[str, float]:
    """``p50``, ``p95`` and ``p99``; empty without values."""
    return {f"p{share}": float(np.percentile(values, share)) for share in (50, 95, 99)} if len(values) else {}


def camera(options: dict) -> dict:
    """One camera node in this process, until its pictures end."""
    from facetrack_ros.nodes import camera_node
    from facetrack_ros.nodes.base.process import ros, spinning

    pictures = jpegs_of(options)
    camera_node.open_source = lambda text: MemorySource(pictures, options["fps"], options["count"], options["lead_s"])
    with ros([]):
        node = camera_node.CameraNode(options["name"], "memory", robot_id=ROBOT, cameras=(options["name"],))
        with spinning([node]):
            wait_for_line()
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # SIGTERM ends it
            node.start_up()
            node._thread.join()
    return {"cpu_s": time.process_time(), "rss_mb": rss_mb()}


def listen(options: dict) -> dict:
    """Subscriber of a robot of a process a node: when the tracks of a frame arrive, and how many faces are embedded."""
    from rclpy.node import Node
    from sensor_msgs.msg import CompressedImage

    from facetrack_ros import msg
    from facetrack_ros.nodes.base.process import ros, spinning
    from facetrack_ros.nodes.base.qos import RELIABLE, SENSOR_DATA
    from facetrack_ros.nodes.conversion.time import to_ns

    names = camera_names(options["cameras"])
    ends, faces, sizes, events = [], [], defaultdict(list), []
    with ros([]):
        node = Node("listener")
        for name in names:
            node.create_subscription(
                msg.Tracks,
                f"/{ROBOT}/{name}/tracks",
                lambda message: ends.append((time.perf_counter(), time.time_ns() - to_ns(message.header.stamp))),
                RELIABLE,
            )
            node.create_subscription(
                msg.Faces,
                f"/{ROBOT}/{name}/faces",
                lambda message, name=name: faces.append(
                    (time.perf_counter(), name, sum(len(face.embedding) > 0 for face in message.faces))
                ),
                RELIABLE,
            )
            if options.get("sizes"):
                for kind, topic, qos in (
                    (CompressedImage, "image/compressed", SENSOR_DATA),
                    (msg.Detections, "detections", RELIABLE),
                    (msg.Faces, "faces", RELIABLE),
                    (msg.Tracks, "tracks", RELIABLE),
                ):
                    topic = f"/{ROBOT}/{name}/{topic}"
                    node.create_subscription(
                        kind, topic, lambda data, topic=topic: sizes[topic].append(len(data)), qos, raw=True
                    )
        node.create_subscription(
            msg.PersonEvent,
            f"/{ROBOT}/events",
            lambda message: events.append([message.event, message.camera_id, message.person_id]),
            RELIABLE,
        )
        with spinning([node]):
            began = float(wait_for_line())
            until = began + options["seconds"]
            time.sleep(max(0.0, until - time.perf_counter()))
            readers = {topic: node.count_subscribers(topic) for topic in list(sizes)}
            sys.stdin.readline()
    inside = [name for at, name, _ in faces if began <= at < until]
    by_camera = Counter(inside)
    latency = [after / 1e6 for at, after in ends if began <= at < until]
    return {
        "fps": len(inside) / options["seconds"],
        "frames": len(inside),
        "tracked_fps": len(latency) / options["seconds"],
        "rates": {name: by_camera[name] / options["seconds"] for name in names},
        "latency_ms": percentiles(latency),
        "embeddings": sum(count for _, _, count in faces),
        "events": events,
        "bytes": {topic: [round(float(np.mean(size))), readers[topic]] for topic, size in sizes.items()},
    }


PARTS = {"bare": bare, "tracked": tracked, "ingest": ingest, "composed": composed, "camera": camera, "listen": listen}

if __name__ == "__main__":
    found = PARTS[sys.argv[1]](json.loads(sys.argv[2]))
    sys.stdout.flush()
    print("result " + json.dumps(found), flush=True)
    os._exit(0)  # without waiting for libraries that end slowly
