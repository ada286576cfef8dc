"""``facetrack models verify``: check every file that is here against its record."""

import argparse
import os
import sys

from facetrack_ros.errors import ModelError
from facetrack_ros.models import catalog
from facetrack_ros.models.resolver import resolve_contract


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """No arguments."""


def run(_arguments: argparse.Namespace) -> int:
    """Print a line a file; 2 where one is not what its record says, or a record is none."""
    os.environ["FACETRACK_DOWNLOAD"] = "0"
    contracts, wrong = catalog.records()
    wrong = list(wrong)
    for contract in contracts:
        try:
            found = resolve_contract(contract)
        except ModelError as error:
            wrong += [f"{contract.id}: {part}" for part in str(error).split("; ") if "is refused" in part]
            continue
        wrong += [f"{contract.id}: {sentence}" for sentence in found.rejected]
        if found.path:
            print(f"{contract.id}: in order ({found.path})")
        else:
            print(f"{contract.id}: {found.origin}, no file to check")
    for sentence in wrong:
        print(sentence, file=sys.stderr)
    return 2 if wrong else 0
