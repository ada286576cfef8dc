"""``facetrack eval``: how good models are on labelled pictures."""

import argparse
import importlib

KINDS = {
    "faces": "how well a face embedder tells people apart, on a folder of pictures a person",
    "persons": "how well a person detector finds people, on sequences with MOT ground truth",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The subcommand's arguments."""
    kinds = parser.add_subparsers(
        dest="kind", metavar="KIND", required=True, parser_class=_read_in_when_named(type(parser))
    )
    for kind, summary in KINDS.items():
        kinds.add_parser(kind, help=summary, description=summary[0].upper() + summary[1:] + ".").set_defaults(kind=kind)


def run(arguments: argparse.Namespace) -> int:
    """Measure one of them."""
    return _file(arguments.kind).run(arguments)


def _file(kind: str):
    return importlib.import_module(f"facetrack_ros.cli.eval_{kind}")


def _read_in_when_named(base: type) -> type:
    """A parser that reads in its kind's arguments when the command line comes to it, so that help stays quick."""

    class Kind(base):
        named = False

        def parse_known_args(self, args=None, namespace=None):
            if not self.named:
                self.named = True
                _file(self.get_default("kind")).add_arguments(self)
            return super().parse_known_args(args, namespace)

    return Kind
