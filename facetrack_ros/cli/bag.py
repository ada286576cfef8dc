"""``facetrack bag``: writes clips as a rosbag2 recording, for ``ros2 bag play``."""

import argparse
import heapq
import sys
from pathlib import Path

from facetrack_ros.cli.exit_codes import DONE, PARTLY_TAKEN
from facetrack_ros.cli.recording_times import add_time_arguments, given_times
from facetrack_ros.core.utc import show_utc
from facetrack_ros.sources.bag_writer import STORAGES, BagWriter
from facetrack_ros.sources.camera_spec import check_name, parse_cameras
from facetrack_ros.sources.factory import open_source
from facetrack_ros.sources.source_reference import resolve_source
from facetrack_ros.sources.stamped_frames import stamped_frames
from facetrack_ros.sources.start_time import start_times


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the subcommand."""
    add = parser.add_argument
    add("--robot", required=True, metavar="NAME", help="robot of the topics, /NAME/CAMERA/image/compressed")
    add(
        "--camera",
        action="append",
        required=True,
        metavar="NAME=FILE",
        help="a video file, a folder of pictures, or bag:PATH:TOPIC",
    )
    add_time_arguments(parser)
    add("--storage", choices=STORAGES, default="mcap", help="mcap (default) or sqlite3")
    add("--out", required=True, metavar="DIR", help="the bag's folder, which must not exist yet")


def run(arguments: argparse.Namespace) -> int:
    """Write the bag and print its contents.

    :returns: 0 if every frame of every source was used, else 5.
    """
    check_name("robot", arguments.robot)
    cameras = {camera: resolve_source(text) for camera, text in parse_cameras(arguments.camera).items()}
    sources = {camera: open_source(text) for camera, text in cameras.items()}
    starts = start_times(cameras, sources, given_times(arguments))
    counts, first_ns, last_ns = dict.fromkeys(cameras, 0), 0, 0
    with BagWriter(Path(arguments.out), arguments.storage) as bag:
        streams = [stamped_frames(source, camera, starts[camera].stamp_ns) for camera, source in sources.items()]
        for frame in heapq.merge(*streams, key=lambda frame: frame.stamp_ns):
            bag.write(f"/{arguments.robot}/{frame.camera_id}/image/compressed", frame)
            counts[frame.camera_id] += 1
            first_ns, last_ns = first_ns or frame.stamp_ns, frame.stamp_ns
    span = f"{show_utc(first_ns)} to {show_utc(last_ns)} UTC" if any(counts.values()) else "no frame"
    print(f"{arguments.out}: {span}")
    for camera, count in counts.items():
        print(f"  /{arguments.robot}/{camera}/image/compressed: {count} frames of {cameras[camera]}")
        for note in filter(None, (starts[camera].note, *sources[camera].notes)):
            print(f"  {note}")
        for line in sources[camera].unused.lines():
            print(f"  not used, {line}", file=sys.stderr)
        sources[camera].close()
    return DONE if all(counts.values()) and not any(source.unused for source in sources.values()) else PARTLY_TAKEN
