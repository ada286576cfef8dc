"""``facetrack models verify``: checks the model files on this machine against their records."""

import argparse
import os
import sys

from facetrack_ros.errors import ModelError
from facetrack_ros.models import catalog
from facetrack_ros.models.resolver import resolve_contract


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """No arguments."""


def run(_arguments: argparse.Namespace) -> int:
    """Print one line per file; 2 where a file does not match its record or a record is invalid."""
    os.environ["FACETRACK_DOWNLOAD"] = "0"
    contracts, invalid = catalog.records()
    wrong = list(invalid)
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
