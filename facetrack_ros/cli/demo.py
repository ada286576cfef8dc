"""``facetrack demo``: two robots and one search, on staged clips or on a folder of videos."""

import argparse
import os
import shutil
import time
from contextlib import ExitStack
from pathlib import Path

from facetrack_ros.cli.exit_codes import DONE, PARTIAL
from facetrack_ros.errors import ConfigError

MARKER = ".facetrack_demo"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the subcommand."""
    parser.add_argument("--out", metavar="DIR", default="demo_out", help="folder of the results (demo_out)")
    parser.add_argument("--clips", metavar="DIR", help="folder of videos, instead of the staged clips")


def run(arguments: argparse.Namespace) -> int:
    """Play the scenario; 0 if the results agree with what was staged, 3 if some could not be compared, else 1."""
    started = time.monotonic()
    out = _fresh_folder(Path(arguments.out))
    # On this machine only, apart from running robots.
    os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    try:
        from facetrack_ros.demo.scenario import DemoScenario
    except ImportError as error:
        raise ConfigError(f"the demo needs ROS 2 and the demo's packages ({error}): make demo sets both up") from error
    with ExitStack() as stack:
        agrees = DemoScenario(out, Path(arguments.clips) if arguments.clips else None, stack).play()
    print(f"\n{time.monotonic() - started:.0f} s. Everything is in {out}/")
    if (out / "index.html").exists():
        print(f"The answer as a page: {out / 'index.html'}")
    if agrees is None:
        return PARTIAL
    return DONE if agrees else 1


def _fresh_folder(out: Path) -> Path:
    """Make the folder, or empty it of an earlier demo's results.

    :raises ConfigError: it holds other files.
    """
    if out.exists() and (not out.is_dir() or (any(out.iterdir()) and not (out / MARKER).exists())):
        raise ConfigError(f"{out} is in use and not by an earlier demo: give another folder with --out")
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    (out / MARKER).touch()
    return out
