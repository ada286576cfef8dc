"""``facetrack clip``: saves a part of a stored history as files."""

import argparse
import sys
from functools import partial
from pathlib import Path

from facetrack_ros.cli.arguments import seconds
from facetrack_ros.cli.audit.operator import add_operator_arguments, record_stored, said
from facetrack_ros.cli.exit_codes import DONE, PARTIAL
from facetrack_ros.cli.time_format import TIME_HELP, parse_time
from facetrack_ros.config import Config
from facetrack_ros.core.utc import show_utc
from facetrack_ros.errors import ConfigError

_MOST_LISTED = 12


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the subcommand."""
    add = parser.add_argument
    add_several = partial(add, action="append", default=[])
    add("--data", required=True, metavar="DIR", help="folder of histories, one folder per robot")
    add("--robot", metavar="NAME", help="the robot; may be left out where there is only one")
    add_several("--camera", metavar="NAME", help="only this one; may be given several times")
    add("--at", metavar="TIME", help=f"middle of the clip, with --window: {TIME_HELP}")
    add("--window", type=seconds, default=5.0, metavar="S", help="seconds before and after --at (default 5)")
    add("--track", default="", metavar="ID", help="a track, instead of --at")
    add("--person", default="", metavar="ID", help="a person's best sighting, instead of --at")
    add("--before", type=seconds, default=0.0, metavar="S", help="begin so many seconds earlier")
    add("--after", type=seconds, default=0.0, metavar="S", help="end so many seconds later")
    add_several("--format", metavar="FORMAT", help="mcap (default), jpg, png, gif or mp4; may be given several times")
    add("--boxes", action="store_true", help="draw persons and faces into pictures and films")
    add(
        "--blur-others",
        action="store_true",
        help="erase everyone but the clip's person (with --at: everyone), as far as they were detected",
    )
    add("--frames", metavar="DIR", help="folder of the frames, as frame_history.disk_cache_dir")
    add_operator_arguments(parser)
    add("--config", metavar="FILE", help="settings, a YAML file: whether a reason is demanded")
    add("--out", required=True, metavar="DIR", help="the clip's folder, which must not exist yet")


def run(arguments: argparse.Namespace) -> int:
    """Save the clip and print its files; return 0, or 3: frames or a camera asked for are missing."""
    from facetrack_ros.cli.robot_folders import robot_folders
    from facetrack_ros.clips.selection import choose_clip, ids_that_stay
    from facetrack_ros.clips.sources import StoredSource
    from facetrack_ros.clips.writer import save_clip
    from facetrack_ros.history.audit.audit_log import CLIP

    who = said(arguments, Config.load(arguments.config))
    folder, *others = robot_folders(arguments.data, arguments.robot)
    if others:
        names = ", ".join(each.robot_id for each in (folder, *others))
        raise ConfigError(f"there are several robots below {arguments.data}: give --robot, one of {names}")
    robot, middle_ns = folder.robot_id, parse_time(arguments.at) if arguments.at else 0
    frames = Path(arguments.frames).expanduser() / robot if arguments.frames else None
    with StoredSource(folder, frames) as source:
        window_ns, cameras, formats = _ns(arguments.window), tuple(arguments.camera), tuple(arguments.format)
        span = (middle_ns - window_ns, middle_ns + window_ns if middle_ns else 0)
        margins = (_ns(arguments.before), _ns(arguments.after))
        subject = (arguments.track, arguments.person)
        only = ids_that_stay(source, folder.path, *subject) if arguments.blur_others else None
        clip = choose_clip(source, cameras, *span, *subject, *margins, formats, arguments.boxes, only)
        saved = save_clip(source, clip, Path(arguments.out))
        scope = {
            "from": clip.start_ns / 1e9,
            "to": clip.end_ns / 1e9,
            "handed_out": saved.frames,
            "others_erased": arguments.blur_others,
        }
        record_stored(folder, CLIP, {**who, "clip": str(arguments.out), "cameras": clip.cameras, **scope})
    skipped = f", {saved.skipped} that do not decode" if saved.skipped else ""
    print(
        f"{robot}/{'+'.join(clip.cameras)}: {saved.frames} frames, "
        f"{show_utc(clip.start_ns)} to {show_utc(clip.end_ns)} UTC{skipped}"
    )
    files = [str(saved.folder / name) for name in saved.files]
    if len(files) > _MOST_LISTED:
        files = [*files[:10], f"… {len(files) - 11} more", files[-1]]
    for file in files:
        print(f"  {file}")
    if saved.unknown:
        print(f"{saved.unknown} frames are erased as a whole: they were not analysed for people", file=sys.stderr)
    for camera in saved.empty:
        print(f"{robot} holds no frame of {camera} in that time", file=sys.stderr)
    return PARTIAL if saved.empty or saved.skipped else DONE


def _ns(seconds: float) -> int:
    return round(seconds * 1e9)
