"""The option ``--mesh`` of the commands that talk to robots."""

import argparse

from facetrack_ros.config import MESH_VARIABLE, Config, default_mesh, mesh_name


def add_mesh_argument(parser: argparse.ArgumentParser) -> None:
    """Add ``--mesh``."""
    parser.add_argument(
        "--mesh",
        metavar="PREFIX",
        help=f"prefix of the topics that the robots share; default: {MESH_VARIABLE} of the environment, the mesh of "
        "--config, or /facetrack",
    )


def mesh_prefix(arguments: argparse.Namespace) -> str:
    """The prefix of ``--mesh``, of the environment, or of the file of ``--config``, in this order.

    :raises ConfigError: it is no name of a topic, or the file cannot be used.
    """
    if arguments.mesh:
        return mesh_name(arguments.mesh)
    return default_mesh(Config.load(getattr(arguments, "config", None)).mesh)
