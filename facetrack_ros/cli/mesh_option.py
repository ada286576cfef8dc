"""The options ``--mesh`` and ``--keys`` of the commands that talk to robots."""

import argparse
import os

from facetrack_ros.cli.fleet.keys_option import KEYS_VARIABLE, add_keys_argument
from facetrack_ros.config import MESH_VARIABLE, Config, default_mesh, mesh_name


def add_mesh_argument(parser: argparse.ArgumentParser) -> None:
    """Add ``--mesh`` and ``--keys``."""
    parser.add_argument(
        "--mesh",
        metavar="PREFIX",
        help=f"prefix of the topics that the robots share; default: {MESH_VARIABLE} of the environment, the mesh of "
        "--config, or /facetrack",
    )
    add_keys_argument(parser)


def mesh_prefix(arguments: argparse.Namespace) -> str:
    """The prefix of ``--mesh``, of the environment, or of the file of ``--config``, in this order. From then on
    ``--keys`` names the folder of keys of this process.

    :raises ConfigError: it is no name of a topic, or the file cannot be used.
    """
    if getattr(arguments, "keys", None):
        os.environ[KEYS_VARIABLE] = arguments.keys
    if arguments.mesh:
        return mesh_name(arguments.mesh)
    return default_mesh(Config.load(getattr(arguments, "config", None)).mesh)
