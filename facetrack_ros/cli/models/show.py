"""``facetrack models show``: prints one model's record."""

import argparse
import sys

from facetrack_ros.models import catalog
from facetrack_ros.models.operating_points import describe


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the action."""
    parser.add_argument("model", metavar="MODEL", help="its id")


def run(arguments: argparse.Namespace) -> int:
    """Print the record as JSON, the format of ``*.contract.json``, and its operating points on standard error."""
    contract = catalog.find(arguments.model)
    print(contract.to_json(), end="", flush=True)
    for line in describe(contract):
        print(line, file=sys.stderr)
    return 0
