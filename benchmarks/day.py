"""A day of one camera in some minutes, through real node processes: memory, file handles and threads over time.

    python benchmarks/day.py [--hours 24] [--hz 0.5] [--seed 1] [--most-sightings 5000] [--plot day.png] [--json FILE]

Real: the tracker, history, search, gallery and overlay nodes, a process each, as ``ros2 run`` starts them; DDS between
them; ids, events, sightings, frames on disk with retention; each hour a search, a reading of stored frames, and five
minutes of a subscriber of the overlay. Synthetic: the images (flat, 640x480), and persons and faces, which this script
publishes in place of detector and embedder, so no model runs. Time is that of the stamps, from noon to noon over
midnight; what nodes do by the wall clock (flush, roster) happens once a real second, about every ten minutes of the
day.

``--most-sightings`` is the limit `sightings.max_count`; 0: every sighting stays, and memory grows.

There are forty people, fifteen visits an hour, one to three minutes each. A frame is sent when the tracker has
processed the last but one.
"""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path

import cv2
import numpy as np
import rclpy
from common import argument_parser, open_files, parse, rss_mb, thread_count, write_json
from sensor_msgs.msg import CompressedImage

from facetrack_ros import msg, srv
from facetrack_ros.core.detections import Detections
from facetrack_ros.core.face import Face
from facetrack_ros.core.frame import Frame, encode_jpeg
from facetrack_ros.nodes.base.process import ros, spinning
from facetrack_ros.nodes.base.qos import HEARTBEAT_LATCHED_SUB, RELIABLE, SENSOR_DATA
from facetrack_ros.nodes.conversion.fields import float_array
from facetrack_ros.nodes.conversion.time import to_time
from facetrack_ros.nodes.conversion.vision import detections_to_message, faces_to_message, frame_to_message

NODES = ("tracker", "history", "search", "gallery", "overlay")
NOON = int(datetime(2026, 5, 1, 12, tzinfo=timezone.utc).timestamp())
MODEL, DIMENSION = "mobilefacenet_foamliu", 128
SECOND_NS = 1_000_000_000
PEOPLE, VISITS_AN_HOUR = 40, 15
SETTINGS = (
    "data_dir:={data}",
    "cameras:=['front']",
    "frame_history.mode:=continuous",
    "frame_history.max_disk_frames:=3000",
    "tracking.exit_after_s:=6.0",
    "tracking.lost_for_s:=6.0",
    "battery.topic:=''",
    f"embedder.model:={MODEL}",
)
#: Frames that may be in flight: the nodes' queues for images hold five.
AHEAD = 2
TIMEOUT_S = 180.0


class Visits:
    """Persons before the camera over the day, with their boxes and faces."""

    def __init__(self, hours: float, seed: int):
        self._random = np.random.default_rng(seed)
        faces = self._random.standard_normal((PEOPLE, DIMENSION))
        self._faces = faces / np.linalg.norm(faces, axis=1, keepdims=True)
        count = int(VISITS_AN_HOUR * hours)
        starts = np.sort(self._random.uniform(0, hours * 3600 - 200, count))
        self._visits = [
            (start, start + self._random.uniform(60, 180), int(self._random.integers(PEOPLE)), int(row % 4))
            for row, start in enumerate(starts)
        ]

    def face_of(self, person: int) -> np.ndarray:
        """Embedding of a person, without noise."""
        return self._faces[person].astype(np.float32)

    def at(self, second: float) -> tuple[Detections, tuple[Face, ...]]:
        """Detections and faces at a second of the day."""
        boxes, faces = [], []
        for start, end, person, place in self._visits:
            if start <= second < end:
                x, y = 20 + 150 * place + 4 * np.sin(second / 7), 120 + 3 * np.cos(second / 5)
                face = self._faces[person] + self._random.standard_normal(DIMENSION) * 0.06
                face = (face / np.linalg.norm(face)).astype(np.float32)
                boxes.append((x, y, x + 110, y + 330))
                box = np.array([x + 35, y + 8, x + 75, y + 58], np.float32)
                points = box[:2] + np.array([[10, 18], [30, 18], [20, 30], [12, 42], [28, 42]], np.float32)
                faces.append(Face(box, points, 0.9, 0.8, "", len(faces), face))
        scores = np.full(len(boxes), 0.9, np.float32)
        return Detections(np.array(boxes, np.float32).reshape(-1, 4), scores, "made_up"), tuple(faces)


class NodeProcesses:
    """The nodes, a process each."""

    def __init__(self, folder: Path, most_sightings: int):
        self.processes = {}
        environment = {**os.environ, "ROS_LOG_DIR": str(folder / "log")}
        for node in NODES:
            arguments = [
                part
                for setting in (*SETTINGS, f"sightings.max_count:={most_sightings}")
                for part in ("-p", setting.format(data=folder / "data"))
            ]
            self.processes[node] = subprocess.Popen(
                [str(Path(sys.prefix) / "lib/facetrack_ros" / node), "--ros-args", "-r", "__ns:=/robot1", *arguments],
                env=environment,
                stdout=(folder / f"{node}.log").open("w"),
                stderr=subprocess.STDOUT,
            )

    def sizes(self) -> dict:
        """Memory in MiB, threads and file handles of each node."""
        found = {}
        for node, process in self.processes.items():
            if process.poll() is not None:
                raise SystemExit(f"{node} has ended with {process.returncode}")
            pid = process.pid
            found[node] = {"mb": rss_mb(pid), "threads": thread_count(pid), "handles": open_files(pid)}
        return found

    def end(self) -> None:
        """Stop the nodes."""
        for process in self.processes.values():
            process.send_signal(signal.SIGINT)
        for process in self.processes.values():
            process.wait(30)


class Day:
    """Publisher in place of camera, detector and embedder, and client of the other nodes."""

    def __init__(self, node, visits: Visits):
        self._node, self._visits = node, visits
        self._images = node.create_publisher(CompressedImage, "/robot1/front/image/compressed", SENSOR_DATA)
        self._detections = node.create_publisher(msg.Detections, "/robot1/front/detections", RELIABLE)
        self._faces = node.create_publisher(msg.Faces, "/robot1/front/faces", RELIABLE)
        self._changed = threading.Condition()
        self._tracked, self.events, self.overlays, self.sightings = -1, Counter(), 0, 0
        node.create_subscription(msg.Tracks, "/robot1/front/tracks", self._on_tracks, RELIABLE)
        node.create_subscription(msg.PersonEvent, "/robot1/events", self._on_event, RELIABLE)
        node.create_subscription(msg.HistoryStatus, "/facetrack/roster", self._on_status, HEARTBEAT_LATCHED_SUB)
        self._search = node.create_client(srv.FaceSearch, "/robot1/face_search")
        self._frames = node.create_client(srv.GetFrames, "/robot1/get_frames")
        self._watching = None
        self._pictures = []
        for shade in range(60):
            image = np.full((480, 640, 3), 60 + 2 * shade, np.uint8)
            self._pictures.append(encode_jpeg(cv2.putText(image, f"{shade}", (20, 60), 0, 2, (0, 0, 0), 3)))

    def wait_until_ready(self) -> None:
        """Wait until DDS has connected all nodes."""
        publishers = (self._images, self._detections, self._faces)
        self._wait_for(
            lambda: (
                all(publisher.get_subscription_count() for publisher in publishers)
                and self._node.count_publishers("/robot1/front/tracks")
                and self._search.service_is_ready()
                and self._frames.service_is_ready()
            ),
            "the nodes did not come up",
        )

    def _wait_for(self, condition: Callable[[], bool], problem: str) -> None:
        deadline = time.monotonic() + TIMEOUT_S
        while not condition():
            if time.monotonic() > deadline:
                raise SystemExit(problem)
            time.sleep(0.1)

    def _on_tracks(self, message: msg.Tracks) -> None:
        with self._changed:
            self._tracked = max(self._tracked, message.frame_number)
            self._changed.notify_all()

    def _on_event(self, message: msg.PersonEvent) -> None:
        self.events[message.event] += 1

    def _on_status(self, message: msg.HistoryStatus) -> None:
        self.sightings = message.sightings

    def send(self, number: int, stamp_ns: int) -> None:
        """Publish a frame with its detections and faces; wait while too many are in flight."""
        detections, faces = self._visits.at((stamp_ns - NOON * SECOND_NS) / SECOND_NS)
        frame = Frame("front", stamp_ns, number, self._pictures[number % len(self._pictures)])
        self._images.publish(frame_to_message(frame))
        self._detections.publish(detections_to_message(frame, detections))
        self._faces.publish(faces_to_message(frame, MODEL, faces))
        with self._changed:
            if not self._changed.wait_for(lambda: self._tracked >= number - AHEAD, TIMEOUT_S):
                raise SystemExit(f"there are no tracks of frame {number}")

    def search(self, stamp_ns: int, person: int) -> tuple[int, int]:
        """Number of matches of a search for a person, and of stored frames of the last minute."""
        request = srv.FaceSearch.Request(embedding=float_array(self._visits.face_of(person)), model_id=MODEL)
        frames = srv.GetFrames.Request(
            camera_id="front", start=to_time(stamp_ns - 60 * SECOND_NS), end=to_time(stamp_ns)
        )
        return len(self._call(self._search, request).matches), len(self._call(self._frames, frames).frames)

    def _call(self, client, request):
        done = threading.Event()
        future = client.call_async(request)
        future.add_done_callback(lambda _: done.set())
        if not done.wait(TIMEOUT_S):
            raise SystemExit("a service did not respond")
        return future.result()

    def watch(self, whether: bool) -> None:
        """Subscribe to the overlay and wait until it is drawn, or unsubscribe."""
        if whether and self._watching is None:
            self._watching = self._node.create_subscription(
                CompressedImage, "/robot1/front/overlay/compressed", self._on_overlay, SENSOR_DATA
            )
            # The overlay node follows a second later: the second reader, after the history node.
            self._wait_for(lambda: self._images.get_subscription_count() >= 2, "the overlay node reads no images")
        elif not whether and self._watching is not None:
            self._node.destroy_subscription(self._watching)
            self._watching = None

    def _on_overlay(self, _message) -> None:
        self.overlays += 1


def live(hours: float, hz: float, seed: int, folder: Path, most_sightings: int) -> tuple[list, dict]:
    """Run the day; the nodes' sizes every ten minutes of it, and what happened."""
    samples, matches = [], []
    robot = NodeProcesses(folder, most_sightings)
    count = int(hours * 3600 * hz)
    try:
        with ros([]):
            node = rclpy.create_node("day")
            day = Day(node, Visits(hours, seed))
            with spinning([node]):
                day.wait_until_ready()
                began = time.monotonic()
                for number in range(count):
                    stamp_ns, second = NOON * SECOND_NS + number * round(SECOND_NS / hz), number / hz
                    day.send(number, stamp_ns)
                    if number % max(1, round(600 * hz)) == 0 or number == count - 1:
                        wait_for_disk(folder)
                        state = {"hour": second / 3600, "sightings": day.sightings, "nodes": robot.sizes()}
                        samples.append({**state, **stored_frames(folder)})
                    day.watch(second % 3600 < 300)
                    if number and number % round(3600 * hz) == 0:
                        matches.append(day.search(stamp_ns, len(matches) % PEOPLE))
            node.destroy_node()
    finally:
        robot.end()
    return samples, {
        "wall_s": time.monotonic() - began,
        "frames": count,
        "events": dict(day.events),
        "overlays": day.overlays,
        "searches": matches,
        "event_logs": sorted(path.name for path in (folder / "data/robot1").glob("events-*")),
        "errors_logged": {node: errors_logged(folder / f"{node}.log") for node in NODES},
    }


def errors_logged(log: Path) -> int:
    """Number of errors in a node's log."""
    return sum("[ERROR]" in line or "Traceback" in line for line in log.read_text().splitlines())


def wait_for_disk(folder: Path) -> None:
    """Wait until the size of stored frames is constant: a segment of ten seconds of stamps is synced every 50 ms."""
    deadline, before = time.monotonic() + TIMEOUT_S, None
    while (now := stored_frames(folder)) != before and time.monotonic() < deadline:
        before = now
        time.sleep(0.25)


def stored_frames(folder: Path) -> dict:
    """Size and number of the files of stored frames."""
    sizes = []
    for file in (folder / "data").rglob("*.mcap"):
        with contextlib.suppress(FileNotFoundError):  # just deleted by retention
            sizes.append(file.stat().st_size)
    return {"disk_mb": sum(sizes) / 1e6, "segments": len(sizes)}


def judge(samples: list, from_hour: float) -> list[dict]:
    """Figures of each node from an hour on: before it memory, frames and sightings grow to their limits."""
    settled = [sample for sample in samples if sample["hour"] >= min(from_hour, samples[-1]["hour"] / 3)]
    rows = []
    for node in NODES:
        hours = np.array([sample["hour"] for sample in settled])
        memory, handles, threads = (
            np.array([sample["nodes"][node][what] for sample in settled]) for what in ("mb", "handles", "threads")
        )
        rows.append(
            {
                "node": node,
                "mb_first": float(memory[0]),
                "mb_last": float(memory[-1]),
                "mb_an_hour": float(np.polyfit(hours, memory, 1)[0]),
                "handles": [int(handles.min()), int(handles.max())],
                "handles_last": int(handles[-1]),
                "threads": [int(threads.min()), int(threads.max())],
            }
        )
    return rows


def draw(samples: list, file: Path, most_sightings: int) -> None:
    """Plot memory, file handles, threads and stored data over the day."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, panels = pyplot.subplots(4, 1, figsize=(9, 9.5), sharex=True, constrained_layout=True)
    hours = [sample["hour"] for sample in samples]
    for node in NODES:
        for panel, what in zip(panels, ("mb", "handles", "threads")):
            panel.plot(hours, [sample["nodes"][node][what] for sample in samples], label=node)
    for panel, title in zip(panels, ("resident memory, MB", "open file handles", "threads")):
        panel.set_title(title, loc="left", fontsize=10)
        panel.set_ylim(bottom=0)
    panels[0].legend(ncols=len(NODES), fontsize=8, loc="lower center")
    panels[3].plot(hours, [sample["disk_mb"] for sample in samples], color="black", label="stored frames, MB")
    hundreds = [sample["sightings"] / 100 for sample in samples]
    panels[3].plot(hours, hundreds, color="grey", linestyle="--", label="sightings, hundreds")
    limit = f"at most {most_sightings:,} sightings" if most_sightings else "all sightings"
    panels[3].set_title(f"on disk: at most 3,000 frames, {limit}", loc="left", fontsize=10)
    panels[3].legend(fontsize=8)
    panels[3].set_xlabel("hour of the replayed day; noon to noon, midnight at 12")
    for panel in panels:
        panel.grid(alpha=0.3)
        if hours[-1] > 12:
            panel.axvline(12, color="tab:red", linewidth=0.8)
    figure.savefig(file, dpi=90)


def main() -> None:
    parser = argument_parser(__doc__, data=False)
    parser.add_argument("--hours", type=float, default=24.0)
    parser.add_argument("--hz", type=float, default=0.5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--most-sightings", type=int, default=5000, metavar="N")
    parser.add_argument(
        "--from-hour", type=float, default=8.0, metavar="H", help="first hour of the figures, when limits are reached"
    )
    parser.add_argument("--plot", type=Path)
    parser.add_argument("--keep", type=Path, help="folder for data and logs, kept")
    arguments = parse(parser)
    with tempfile.TemporaryDirectory() as scratch:
        folder = arguments.keep or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        samples, facts = live(arguments.hours, arguments.hz, arguments.seed, folder, arguments.most_sightings)
    rows = judge(samples, arguments.from_hour)
    print(
        f"{facts['frames']} frames, {arguments.hours:g} h in {facts['wall_s']:.0f} s; events {facts['events']}; "
        f"{samples[-1]['sightings']} sightings; overlays {facts['overlays']}; logs {', '.join(facts['event_logs'])}; "
        f"errors logged {facts['errors_logged']}; load {os.getloadavg()[0]:.1f}"
    )
    searches = " ".join(f"{found}/{frames}" for found, frames in facts["searches"])
    print(f"matches and frames of the hourly question: {searches}")
    heads = ("MB at first", "MB at end", "MB an hour", "handles", "at end", "threads")
    print("{:10} {:>11} {:>10} {:>11} {:>12} {:>7} {:>10}".format("node", *heads))
    for row in rows:
        handles, threads = row["handles"], row["threads"]
        print(
            f"{row['node']:10} {row['mb_first']:11.1f} {row['mb_last']:10.1f} {row['mb_an_hour']:11.3f} "
            f"{handles[0]:>5}..{handles[1]:<5} {row['handles_last']:7} {threads[0]:>4}..{threads[1]:<4}"
        )
    write_json(arguments.json, {"nodes": rows, "facts": facts, "samples": samples})
    if arguments.plot:
        draw(samples, arguments.plot, arguments.most_sightings)


if __name__ == "__main__":
    main()
