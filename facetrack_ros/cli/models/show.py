"""``facetrack models show``: one model's whole record."""

import argparse

from facetrack_ros.models import catalog


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    parser.add_argument("model", metavar="MODEL", help="its id")


def run(arguments: argparse.Namespace) -> int:
    """Print the record as JSON: what a file of one's own looks like."""
    print(catalog.find(arguments.model).to_json(), end="")
    return 0
