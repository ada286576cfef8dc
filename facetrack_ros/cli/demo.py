"""``facetrack demo``: two robots, one question, on staged clips or on a folder of videos."""

import argparse
import os
import shutil
import time
from contextlib import ExitStack
from pathlib import Path

from facetrack_ros.errors import ConfigError

MARKER = ".facetrack_demo"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The subcommand's arguments."""
    parser.add_argument("--out", metavar="DIR", default="demo_out", help="where the results go (demo_out)")
    parser.add_argument("--clips", metavar="DIR", help="a folder of videos to use instead of the staged clips")


def run(arguments: argparse.Namespace) -> int:
    """Stage, run the fleet, ask, kill, ask again, compare. Exit code 0 where all agrees, 1 where something differs."""
    started = time.monotonic()
    out = _fresh_folder(Path(arguments.out))
    # On this machine only: a demo must not mix with robots at work.
    os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    try:
        from facetrack_ros.demo.scenario import DemoScenario
    except ImportError as error:
        raise ConfigError(f"the demo needs ROS 2 and the demo's packages ({error}): make demo sets both up") from error
    with ExitStack() as stack:
        show = DemoScenario(out, Path(arguments.clips) if arguments.clips else None, stack)
        agrees = show.play()
    print(f"\n{time.monotonic() - started:.0f} s. Everything is in {out}/")
    return 0 if agrees else 1


def _fresh_folder(out: Path) -> Path:
    """The folder, emptied of an earlier demo's results and of nothing else.

    :raises ConfigError: it holds something that is not a demo's.
    """
    if out.exists() and (not out.is_dir() or (any(out.iterdir()) and not (out / MARKER).exists())):
        raise ConfigError(f"{out} is in use and not by an earlier demo: give another folder with --out")
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    (out / MARKER).touch()
    return out
