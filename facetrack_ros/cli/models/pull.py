"""``facetrack models pull``: downloads missing models."""

import argparse
import sys

from facetrack_ros.cli.console.progress import ProgressLine, bar
from facetrack_ros.errors import ModelError
from facetrack_ros.models import catalog
from facetrack_ros.models.resolver import resolve_contract
from facetrack_ros.vision.factory import PREFERRED


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the action."""
    parser.add_argument(
        "models", nargs="*", metavar="MODEL", help="ids of models; without any, the first choice for each task"
    )
    parser.add_argument("--all", action="store_true", help="every model that can be downloaded")


def run(arguments: argparse.Namespace) -> int:
    """Download one after another, continuing interrupted downloads; 2 where one failed."""
    if arguments.all:
        wanted = [contract.id for contract in catalog.CATALOG if contract.urls]
    else:
        wanted = arguments.models or [choices[0] for choices in PREFERRED.values()]
    failed = False
    for contract in [catalog.find(model_id) for model_id in wanted]:
        line = ProgressLine(interval_s=0.1)

        def show(done: int, total: int, line=line, name=contract.id) -> None:
            line.show(f"{name}  {bar(done / max(total, 1))} {done / 1e6:.1f} of {total / 1e6:.1f} MB", done >= total)

        try:
            found = resolve_contract(contract, progress=show)
        except ModelError as error:
            failed = True
            line.end()
            print(f"{contract.id}: {error}", file=sys.stderr)
            continue
        line.end()
        print(f"{contract.id}: {f'{found.path} ({found.origin})' if found.path else found.origin}")
    return 2 if failed else 0
