"""The ways of running the pipeline, each in a process of its own; started by pipeline.py, prints one JSON object.

python benchmarks/pipeline_parts.py bare|tracked|ingest|composed|camera|listen '{"data": …}'
"""

import io
import json
import multiprocessing
import os
import re
import resource
import signal
import sys
import threading
import time
from collections import Counter, defaultdict
from contextlib import redirect_stdout
from pathlib import Path

import numpy as np
from pipeline_clip import MemorySource, jpegs

ROBOT = "robot1"


def pipelines_of(options: dict):
    from facetrack_ros.vision.factory import build_pipeline
    from facetrack_ros.vision.settings import vision_settings

    return [build_pipeline(vision_settings(config_of(options))) for _ in range(options["workers"])]


def used_s() -> float:
    """Processor seconds of this process so far."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def used_with_helpers_s() -> float:
    """Of this process and of those that help it."""
    words = [
        Path(f"/proc/{helper.pid}/stat").read_text().rpartition(")")[2].split()
        for helper in multiprocessing.active_children()
    ]
    return used_s() + sum(int(each[11]) + int(each[12]) for each in words) / os.sysconf("SC_CLK_TCK")


def rss_mb(pid: int | str = "self") -> float:
    return int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[1]) / 1024


def camera_names(count: int) -> tuple[str, ...]:
    return tuple(f"camera{number}" for number in range(count))


def bare(options: dict) -> dict:
    """The limit: decode, detect, find faces, embed; as many workers as told, threads of this one process."""
    import cv2

    pictures, results = jpegs(Path(options["data"]), options["size"]), []
    pipelines = pipelines_of(options)

    def work(pipeline, deadline):
        stages = []
        number = 0
        while time.perf_counter() < deadline:
            steps = [time.perf_counter()]
            image = cv2.imdecode(np.frombuffer(pictures[number % len(pictures)], np.uint8), cv2.IMREAD_COLOR)
            steps.append(time.perf_counter())
            detections = pipeline.detect([image])[0]
            steps.append(time.perf_counter())
            faces = pipeline._assess(image, *pipeline._find(image, detections))
            steps.append(time.perf_counter())
            if options.get("embed", True):
                pipeline._embed(image, faces, np.flatnonzero([not face.rejected for face in faces]))
            steps.append(time.perf_counter())
            stages.append(np.diff(steps))
            number += 1
        results.append((np.array(stages), time.perf_counter()))

    for pipeline in pipelines:
        work(pipeline, time.perf_counter() + 0.5)
    results.clear()
    if options.get("barrier"):  # several processes begin together
        print("ready", flush=True)
        sys.stdin.readline()
    began, used = time.perf_counter(), used_s()
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
        "cpu_ms": (used_s() - used) / frames * 1e3,
        "stages_ms": dict(
            zip(("decode", "persons", "faces", "embeddings"), (np.median(stages, axis=0) * 1e3).tolist())
        ),
    }


def config_of(options: dict):
    from facetrack_ros.config import Config

    return Config(options.get("config", {}))


def events_in(data: Path) -> list[list]:
    from facetrack_ros.history.events.format import read_events
    from facetrack_ros.history.layout import history_folders

    return [
        [event["event"], event["camera_id"], event["person_id"]]
        for folder in history_folders(data)
        for event in read_events(folder.path)
    ]


def ingest(options: dict) -> dict:
    """``facetrack ingest`` of the clip, one folder of pictures a camera."""
    import argparse

    from facetrack_ros.cli import ingest as command

    folder = Path(options["folder"])
    pictures = jpegs(Path(options["data"]), options["size"])
    count = options["frames"] // options["cameras"]
    for camera in camera_names(options["cameras"]):
        (folder / camera).mkdir(parents=True)
        for number, picture in enumerate(pictures):
            (folder / camera / f"{number:06}.jpg").write_bytes(picture)
        for number in range(len(pictures), count):
            os.link(folder / camera / f"{number % len(pictures):06}.jpg", folder / camera / f"{number:06}.jpg")
        for number in range(count, len(pictures)):
            (folder / camera / f"{number:06}.jpg").unlink()
    settings = folder / "settings.yaml"
    settings.write_text(json.dumps(tree_of(dict(config_of(options).items()))))
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    said = io.StringIO()
    used = []
    inner = command._ingest

    def measured(*arguments):
        used.append(used_with_helpers_s())
        used.append(time.perf_counter())
        inner(*arguments)
        used.append(time.perf_counter())
        used.append(used_with_helpers_s())
        used.append(rss_mb() + sum(rss_mb(helper.pid) for helper in multiprocessing.active_children()))

    command._ingest = measured
    with redirect_stdout(said):
        command.run(
            parser.parse_args(
                [
                    "--robot",
                    ROBOT,
                    "--data",
                    str(folder / "data"),
                    "--config",
                    str(settings),
                    "--start",
                    "2026-05-01T12:00:00",
                    *(
                        word
                        for camera in camera_names(options["cameras"])
                        for word in ("--camera", f"{camera}={folder / camera}")
                    ),
                ]
            )
        )
    frames = count * options["cameras"]
    return {
        "fps": frames / (used[2] - used[1]),
        "frames": frames,
        "cpu_ms": (used[3] - used[0]) / frames * 1e3,
        "rss_mb": used[4],
        "events": events_in(folder / "data"),
        "said": said.getvalue().splitlines()[-1],
    }


def tree_of(flat: dict) -> dict:
    tree: dict = {}
    for name, value in flat.items():
        *heads, last = name.split(".")
        branch = tree
        for head in heads:
            branch = branch.setdefault(head, {})
        branch[last] = value
    return tree


def tracked(options: dict) -> dict:
    """The bare loop with the tracker behind it, frame after frame on one thread: what there is to find."""
    from facetrack_ros.core.frame import Frame
    from facetrack_ros.tracking.factory import make_people_tracker
    from facetrack_ros.tracking.id_allocator import IdAllocator

    pictures = jpegs(Path(options["data"]), options["size"])
    pipeline = pipelines_of({**options, "workers": 1})[0]
    people = make_people_tracker(ROBOT, IdAllocator(), config_of(options), pipeline.contract)
    events = []
    for number in range(options["frames"]):
        frame = Frame("camera0", round(1e18 + number / options["fps"] * 1e9), number, pictures[number % len(pictures)])
        detections = pipeline.detect([frame.image])[0]
        events += people.update("camera0", frame.stamp_ns, number, detections, pipeline.faces(frame.image, detections))[
            1
        ]
    events += people.close()
    return {"events": [[event.event, event.camera_id, event.person_id] for event in events]}


def composed(options: dict) -> dict:
    """All nodes of a robot in this process, its cameras playing the clip in real time."""
    from facetrack_ros.nodes import camera_node
    from facetrack_ros.nodes.base.process import ros, spinning
    from facetrack_ros.nodes.robot_node import RobotComposition, RobotNode

    names = camera_names(options["cameras"])
    pictures = jpegs(Path(options["data"]), options["size"])
    fps, seconds = options["fps"] / len(names), options["seconds"]
    warm_s = min(2.0, seconds / 3)
    count = round(fps * (seconds + warm_s))
    leads = {name: row / len(names) / fps for row, name in enumerate(names)}
    camera_node.open_source = lambda text: MemorySource(pictures, fps, count, leads[text])
    config = config_of({"config": {**options.get("config", {}), "data_dir": options["folder"]}})
    with ros([]):
        started = time.perf_counter()
        head = RobotNode(
            sources=tuple(f"{name}={name}" for name in names), robot_id=ROBOT, cameras=names, config=config
        )
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
        self._looks, self._ends, self.embeddings, self.seen = {}, [], 0, Counter()
        self._lock = threading.Lock()
        analyze = robot.detector.stage._analyze

        def timed(pipeline, frames):
            began = time.time_ns()
            outcome = analyze(pipeline, frames)
            spent = time.time_ns() - began
            for frame in frames:
                self._looks[frame.camera_id, frame.stamp_ns] = (began, spent)
            return outcome

        robot.detector.stage._analyze = timed  # before its workers are made
        robot.detector.stage.listeners.append(self._on_seen)
        track = robot.tracker.stage._track

        def told(frame, detections, faces):
            track(frame, detections, faces)  # tracks and events are published when it returns
            self._ends.append((frame.camera_id, frame.stamp_ns, time.time_ns()))

        robot.tracker.stage._track = told

    def _on_seen(self, frame, seen):
        self.seen[frame.camera_id] += 1
        self.embeddings += sum(face.embedding is not None for face in seen.faces)

    def _counts(self) -> dict[str, tuple[int, int]]:
        """Frames analysed and dropped by camera."""
        detector = self._robot.detector
        return {name: (self.seen[name], detector.health.figures(name).dropped) for name in detector.cameras}

    def begin(self):
        self._began, self._used, self._first = time.perf_counter(), used_s(), len(self._ends)
        self._before = self._counts()

    def end(self) -> dict:
        took, used = time.perf_counter() - self._began, used_s() - self._used
        counts = self._counts()
        looked = {name: analysed - self._before[name][0] for name, (analysed, _) in counts.items()}
        dropped = {name: dropped - self._before[name][1] for name, (_, dropped) in counts.items()}
        ends = self._ends[self._first :]
        latency = np.array([end - stamp for _, stamp, end in ends]) / 1e6
        looks = [self._looks.get((camera, stamp), (0, 0))[1] for camera, stamp, _ in ends]
        added = latency - np.array(looks) / 1e6
        return {
            "fps": sum(looked.values()) / took,
            "frames": sum(looked.values()),
            "cpu_ms": used / max(1, sum(looked.values())) * 1e3,
            "rates": {name: count / took for name, count in looked.items()},
            "dropped": sum(dropped.values()),
            "latency_ms": percentiles(latency),
            "added_ms": percentiles(added),
            "look_ms": percentiles(np.array(looks) / 1e6),
        }


def percentiles(values) -> dict[str, float]:
    return {f"p{share}": float(np.percentile(values, share)) for share in (50, 95, 99)} if len(values) else {}


def camera(options: dict) -> dict:
    """One camera node in a process of its own, until it is over."""
    from facetrack_ros.nodes import camera_node
    from facetrack_ros.nodes.base.process import ros, spinning

    pictures = jpegs(Path(options["data"]), options["size"])
    camera_node.open_source = lambda text: MemorySource(pictures, options["fps"], options["count"], options["lead_s"])
    with ros([]):
        node = camera_node.CameraNode(options["name"], "memory", robot_id=ROBOT, cameras=(options["name"],))
        with spinning([node]):
            print("ready", flush=True)
            sys.stdin.readline()
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # it is ended by SIGTERM
            node.start_up()
            node._thread.join()
    return {"cpu_s": used_s(), "rss_mb": rss_mb()}


def listen(options: dict) -> dict:
    """Hears what a robot of a process a node says: when the tracks of a frame come, what faces were embedded."""
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
            print("ready", flush=True)
            began = float(sys.stdin.readline())
            until = began + options["seconds"]
            time.sleep(max(0.0, until - time.perf_counter()))
            readers = {topic: node.count_subscribers(topic) for topic in list(sizes)}
            sys.stdin.readline()
    inside = [each for each in faces if began <= each[0] < until]
    by_camera = defaultdict(int)
    for _, name, _ in inside:
        by_camera[name] += 1
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
    os._exit(0)  # nothing of what is measured should wait for libraries that end slowly
