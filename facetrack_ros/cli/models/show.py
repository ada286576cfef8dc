"""``facetrack models show``: prints one model's record."""

import argparse

from facetrack_ros.models import catalog


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the action."""
    parser.add_argument("model", metavar="MODEL", help="its id")


def run(arguments: argparse.Namespace) -> int:
    """Print the record as JSON, the format of ``*.contract.json``."""
    print(catalog.find(arguments.model).to_json(), end="")
    return 0
