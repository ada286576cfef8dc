"""The ``facetrack`` command: reads the command line and hands over to the subcommand's file."""

import argparse
import importlib
import os
import sys

from facetrack_ros.errors import FacetrackError

DONE, NOTHING_MATCHED, WRONG_USE, SOMEBODY_SILENT = 0, 1, 2, 3

COMMANDS = {
    "demo": "two robots, one question: the whole thing on staged clips",
    "run": "one robot: its cameras, its pipeline, its history, on the mesh",
    "ingest": "files or bags into a history, offline, dropping nothing",
    "search": "which robot saw this face, when, and where",
    "enroll": "people with names, from pictures with one face each",
    "persons": "who is known under which ids; join two, or part them again",
    "clip": "save what a robot saw: a recording, pictures, a film, with or without boxes",
    "reindex": "the faces of stored frames by another model, with who they were",
    "bag": "clips as a rosbag2 recording, to play to robots",
    "prune": "delete stored frames that are beyond the limits, also where the robot would not dare to",
    "events": "who came and went, from the event logs",
    "status": "who is on the mesh, or what stored histories hold",
    "models": "which models are there, which run, and under which licence",
    "eval": "how good models are on labelled pictures",
}


class _OneSentence(argparse.ArgumentParser):
    """Says what is wrong in a sentence, without repeating the whole usage."""

    def error(self, message: str):
        self.exit(WRONG_USE, f"{self.prog}: {message} (see {self.prog} --help)\n")


def build_parser(command: str | None = None) -> argparse.ArgumentParser:
    """The parser; only ``command``'s own arguments are read in, so that ``--help`` stays quick."""
    parser = _OneSentence(prog="facetrack", description="Which robot saw this face, when, and where.")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True, parser_class=_OneSentence)
    for name, summary in COMMANDS.items():
        subparser = subparsers.add_parser(name, help=summary, description=summary[0].upper() + summary[1:] + ".")
        if name == command:
            importlib.import_module(f"facetrack_ros.cli.{name}").add_arguments(subparser)
    return parser


def main(argv: list[str] | None = None) -> None:
    """Run one subcommand and leave with its exit code: 0 done, 1 nothing matched, 2 wrong use, 3 a robot was silent."""
    argv = sys.argv[1:] if argv is None else argv
    command = next((word for word in argv if word in COMMANDS), None)
    arguments = build_parser(command).parse_args(argv)
    try:
        code = importlib.import_module(f"facetrack_ros.cli.{arguments.command}").run(arguments)
        sys.stdout.flush()
    except FacetrackError as error:
        print(f"facetrack {arguments.command}: {error}", file=sys.stderr)
        code = WRONG_USE
    except KeyboardInterrupt:
        code = 130
    except BrokenPipeError:
        # Whoever read our output has gone; nothing more can be said.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 141
    sys.exit(code)
