"""``facetrack models``: which models there are, which run, and under which licence."""

import argparse
import importlib

ACTIONS = {
    "list": "what is known, what is here, what runs and why",
    "show": "one model's whole record, as JSON",
    "pull": "download what is missing",
    "verify": "check every file that is here against its record",
    "export": "torch's ResNet-50 as an ONNX model that needs no torch",
    "quantize": "an INT8 version of an ONNX embedder, if it stands for the whole one",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The subcommand's arguments."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    for action, summary in ACTIONS.items():
        subparser = actions.add_parser(action, help=summary, description=summary[0].upper() + summary[1:] + ".")
        importlib.import_module(f"facetrack_ros.cli.models_{action}").add_arguments(subparser)


def run(arguments: argparse.Namespace) -> int:
    """Do one of them."""
    return importlib.import_module(f"facetrack_ros.cli.models_{arguments.action}").run(arguments)
