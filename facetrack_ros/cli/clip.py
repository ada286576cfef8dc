"""``facetrack clip``: a stretch of a stored history as files."""

import argparse
from pathlib import Path

from facetrack_ros.cli.time_format import parse_iso, show_utc
from facetrack_ros.errors import ConfigError, StoreError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The subcommand's arguments."""
    parser.add_argument("--data", required=True, metavar="DIR", help="folder of histories, one folder a robot")
    parser.add_argument("--robot", metavar="NAME", help="whose; may be left out where there is one")
    parser.add_argument(
        "--camera", action="append", default=[], metavar="NAME", help="only this one; may be given several times"
    )
    parser.add_argument("--at", metavar="ISO8601", help="the middle of the stretch, with --window")
    parser.add_argument(
        "--window", type=float, default=5.0, metavar="S", help="seconds to each side of --at (default 5)"
    )
    parser.add_argument("--track", default="", metavar="ID", help="a track, instead of --at")
    parser.add_argument("--person", default="", metavar="ID", help="a person's best sighting, instead of --at")
    parser.add_argument("--before", type=float, default=0.0, metavar="S", help="begin so many seconds earlier")
    parser.add_argument("--after", type=float, default=0.0, metavar="S", help="end so many seconds later")
    parser.add_argument(
        "--format",
        action="append",
        default=[],
        metavar="FORMAT",
        help="mcap (default), jpg, png, gif or mp4; may be given several times",
    )
    parser.add_argument("--boxes", action="store_true", help="draw people and faces into pictures and films")
    parser.add_argument("--frames", metavar="DIR", help="where frame_history.disk_cache_dir put the frames")
    parser.add_argument("--out", required=True, metavar="DIR", help="the clip's folder, made new")


def run(arguments: argparse.Namespace) -> int:
    """Save the clip and say what it holds."""
    from facetrack_ros.clips.selection import choose_clip
    from facetrack_ros.clips.sources import StoredSource
    from facetrack_ros.clips.writer import save_clip
    from facetrack_ros.history.layout import history_folders

    folders = {folder.robot_id: folder for folder in history_folders(arguments.data)}
    robot = arguments.robot or (next(iter(folders)) if len(folders) == 1 else "")
    if not robot:
        raise ConfigError(
            f"whose frames? There are {', '.join(folders) or 'no robots'} below {arguments.data}: give --robot"
        )
    if robot not in folders:
        raise StoreError(f"there is no robot {robot} below {arguments.data}, only {', '.join(folders) or 'nothing'}")
    middle, window = parse_iso(arguments.at) if arguments.at else 0, _ns(arguments.window)
    frames = Path(arguments.frames).expanduser() / robot if arguments.frames else None
    with StoredSource(folders[robot], frames) as source:
        clip = choose_clip(
            source,
            tuple(arguments.camera),
            middle - window,
            middle + window if middle else 0,
            arguments.track,
            arguments.person,
            _ns(arguments.before),
            _ns(arguments.after),
            tuple(arguments.format),
            arguments.boxes,
        )
        saved = save_clip(source, clip, Path(arguments.out))
    print(
        f"{robot}/{'+'.join(clip.cameras)}: {saved.frames} frames, {show_utc(clip.start_ns)} to {show_utc(clip.end_ns)} UTC"
        + (f", {saved.skipped} that do not decode" if saved.skipped else "")
    )
    for name in (
        saved.files
        if len(saved.files) <= 12
        else (*saved.files[:10], f"… {len(saved.files) - 11} more", saved.files[-1])
    ):
        print(f"  {saved.folder / name if not name.startswith('…') else name}")
    return 0


def _ns(seconds: float) -> int:
    return round(seconds * 1e9)
