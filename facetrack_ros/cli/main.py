"""Entry point of the ``facetrack`` command: parses the command line and calls the subcommand's module."""

import argparse
import difflib
import errno
import importlib
import importlib.metadata
import logging
import os
import re
import sys
import tempfile
import traceback

from facetrack_ros.cli.console.plain_output import plain, plain_output
from facetrack_ros.cli.exit_codes import INTERRUPTED, OUTPUT_CLOSED, PARTIAL, UNEXPECTED, WRONG_USE
from facetrack_ros.config import Config
from facetrack_ros.core.masking import mask_command_line, mask_passwords
from facetrack_ros.core.private_files import create_private_files
from facetrack_ros.errors import ConfigError, FacetrackError, PartialError, first_line

#: Each subcommand with its summary; it is the module of that name in this package.
COMMANDS = {
    "demo": "two robots, one search: the whole system on staged clips",
    "run": "one robot: its cameras, its pipeline, its history, on the mesh",
    "ingest": "files or bags into a history, offline, dropping nothing",
    "search": "which robot saw this face, when, and where",
    "enroll": "enrol people by name, from pictures with one face each",
    "persons": "list known persons and their ids; merge two, or split them again",
    "requests": "what the robots were asked to change, and which of them did it, also later",
    "clip": "save a part of a history: a recording, pictures or a film, with or without boxes",
    "reindex": "embed the faces of stored frames with another model, keeping tracks and persons",
    "bag": "clips as a rosbag2 recording, to play to robots",
    "prune": "delete stored frames beyond the limits, also where a robot refuses to by itself",
    "forget": "delete a person, or a stretch of time, from frames, faces and logs so that no byte is left",
    "receipts": "what was forgotten, when, by whom; check that no receipt was changed",
    "audit": "who searched and changed what, and whether the logs of it are unchanged",
    "verify": "say of a match of a search whether it is the person",
    "events": "who came and went, from the event logs",
    "status": "which robots are on the mesh, or what stored histories hold",
    "subject-access": "all that is kept about one person, as a folder for that person; other people are erased",
    "storage": "the key that stored files are encrypted with: make, change, destroy it; encrypt what is stored",
    "fleet": "who belongs to the fleet, and who may do what: keys of robots and operators",
    "doctor": "check this machine, its models, cameras and network, and say what to do",
    "models": "which models are there, which run, and under which licence",
    "eval": "how good models are on labelled pictures",
}

#: Subcommands that are not the module or sub-package of their name.
MODULES = {
    "forget": "privacy.forget",
    "receipts": "privacy.receipts",
    "subject-access": "privacy.subject_access",
    "verify": "audit.verify_match",
}

#: Options that name a file or folder.
_PATHS = ("data", "out", "config", "image", "frames", "plot", "keys")
#: Errors of a disk or device that takes no more.
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG)

#: Subcommands with actions: the placeholder in the help, and each action with its summary. An action is the module of
#: that name in the sub-package named after the subcommand.
ACTIONS = {
    "audit": (
        "ACTION",
        {
            "list": "who searched, fetched, enrolled, merged and changed settings, when and why",
            "verify": "whether a record was changed, cut out or added later",
            "export": "write the records into a file, JSON lines or CSV",
        },
    ),
    "models": (
        "ACTION",
        {
            "list": "which models are known, which are here, which run and why",
            "show": "one model's whole record, as JSON",
            "pull": "download what is missing",
            "verify": "check every file that is here against its record",
            "export": "torch's ResNet-50 as an ONNX model that needs no torch",
            "quantize": "an INT8 version of an ONNX embedder, kept only if it agrees with the original",
        },
    ),
    "receipts": (
        "ACTION",
        {
            "list": "what was forgotten, how much, by whom, why and when",
            "verify": "whether every receipt is as it was written and signed",
        },
    ),
    "storage": (
        "ACTION",
        {
            "key": "make a storage key, or tell whether a key is the right one",
            "encrypt": "encrypt what a robot has stored in the clear",
            "rotate": "change the storage key of robots; their files stay as they are",
            "erase": "make all that a robot stored unreadable at once, by destroying its data key",
            "clip": "copy a clip that a robot saved, decrypted",
        },
    ),
    "fleet": (
        "ACTION",
        {
            "init": "found a fleet on this machine, with its first operator",
            "join": "make the key of a robot or operator, or take one into the fleet",
            "operators": "which operators there are and what they may do; change it",
            "remove": "take robots or operators out of the fleet",
            "status": "the fleet of this machine, its members, the keys that are here",
        },
    ),
    "eval": (
        "KIND",
        {
            "faces": "how well a face embedder tells people apart, on a folder of pictures per person",
            "persons": "how well a person detector finds people, on sequences with MOT ground truth",
        },
    ),
}


class CommandParser(argparse.ArgumentParser):
    """Parser of a subcommand; imports the subcommand's module only when the command line names it.

    :cvar innermost: the parser used last: of the subcommand, or action, that the command line names.
    """

    innermost: "CommandParser"
    _complete = False

    def parse_known_args(self, args=None, namespace=None):
        """As the base class, with the module's arguments."""
        CommandParser.innermost = self
        module = self.get_default("module")
        if module and not self._complete:
            self._complete = True
            importlib.import_module(module).add_arguments(self)
        return super().parse_known_args(args, namespace)

    def error(self, message: str):
        """Print one sentence, without the whole usage, and exit."""
        # What no parser knows is found by the outermost one.
        of = CommandParser.innermost if message.startswith(_UNKNOWN) else self
        self.exit(WRONG_USE, f"{of.prog}: {mask_passwords(message)}{_suggestion(message, of)} (see {of.prog} --help)\n")


_UNKNOWN = "unrecognized arguments: "


def _suggestion(message: str, parser: CommandParser) -> str:
    """The command, action or option that a mistyped word may mean, as a question; empty if there is none."""
    if message.startswith(_UNKNOWN):
        word = message.removeprefix(_UNKNOWN).split("=")[0].split(" ")[0]
        known = [option for action in parser._actions for option in action.option_strings if option.startswith("--")]
        near = difflib.get_close_matches(word, known, 1) if word.startswith("--") else []
    else:
        mistyped = re.search("invalid choice: '([^']+)'", message)
        known = [*COMMANDS, *(name for _, actions in ACTIONS.values() for name in actions)]
        known = [name for name in known if name in message]
        near = difflib.get_close_matches(mistyped[1], known, 1) if mistyped else []
    return f"; did you mean {near[0]}?" if near else ""


class PrintVersion(argparse.Action):
    """``--version``: prints the version of the installed package."""

    def __call__(self, parser, namespace, values, option_string=None):
        """Print it and exit."""
        try:
            version = importlib.metadata.version("facetrack_ros")
        except importlib.metadata.PackageNotFoundError:
            version = "from a source folder that is not installed"
        print(f"facetrack {version}")
        parser.exit()


class WarningPrinter(logging.Handler):
    """Prints log records to stderr as ``facetrack: SENTENCE``, each sentence once."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._printed: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        """Print one record."""
        sentence = mask_passwords(record.getMessage())
        if sentence not in self._printed:
            self._printed.add(sentence)
            print(f"facetrack: {sentence}", file=sys.stderr)


def build_parser() -> CommandParser:
    """The parser of all subcommands."""
    parser = CommandParser(prog="facetrack", description="Which robot saw this face, when, and where.")
    parser.add_argument("--version", action=PrintVersion, nargs=0, help="print the version")
    for name, subparser in _add_subparsers(parser, "command", "COMMAND", COMMANDS).items():
        if name not in ACTIONS:
            subparser.set_defaults(module=f"facetrack_ros.cli.{MODULES.get(name, name)}")
            continue
        metavar, actions = ACTIONS[name]
        for action, action_parser in _add_subparsers(subparser, "action", metavar, actions).items():
            action_parser.set_defaults(module=f"facetrack_ros.cli.{MODULES.get(name, name)}.{action}")
    return parser


def _add_subparsers(
    parser: CommandParser, dest: str, metavar: str, summaries: dict[str, str]
) -> dict[str, CommandParser]:
    subparsers = parser.add_subparsers(dest=dest, metavar=metavar, required=True)
    return {
        name: subparsers.add_parser(name, help=summary, description=summary[0].upper() + summary[1:] + ".")
        for name, summary in summaries.items()
    }


def main(argv: list[str] | None = None) -> None:
    """Run one subcommand and exit with its code, see :mod:`facetrack_ros.cli.exit_codes`.

    ``facetrack help COMMAND`` is ``facetrack COMMAND --help``.
    """
    argv = sys.argv[1:] if argv is None else argv
    _occupy_standard_files()
    create_private_files()
    mask_command_line()
    with plain_output():
        if unreadable := [each for each in argv if not _is_utf8(each)]:
            print(f"facetrack: an argument is not UTF-8: {unreadable[0]}", file=sys.stderr)
            sys.exit(WRONG_USE)
        if argv[:1] == ["help"]:
            argv = [*argv[1:], "--help"]
        parser = build_parser()
        _complete_words(parser)
        sys.exit(_run(parser.parse_args(argv)))


def _complete_words(parser: CommandParser) -> None:
    """Answer a shell that completes the command line, and exit; by argcomplete, which only then is imported."""
    if "_ARGCOMPLETE" in os.environ:
        try:
            import argcomplete
        except ImportError:
            sys.exit(WRONG_USE)
        argcomplete.autocomplete(parser)


def _run(arguments: argparse.Namespace) -> int:
    """Run the subcommand; the exit code."""
    package_logger, printer = logging.getLogger("facetrack_ros"), WarningPrinter()
    if arguments.command != "run":  # its nodes log to ROS
        package_logger.addHandler(printer)
    try:
        _refuse_empty_paths(arguments)
        _use_storage_settings(arguments)
        code = importlib.import_module(arguments.module).run(arguments)
        sys.stdout.flush()
        return code
    except FacetrackError as error:
        print(f"facetrack {arguments.command}: {error}", file=sys.stderr)
        return PARTIAL if isinstance(error, PartialError) else WRONG_USE
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of standard output is gone; redirect what is still buffered, or Python reports it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OUTPUT_CLOSED
    except Exception as error:
        if isinstance(error, OSError) and (error.filename or error.errno in _FULL):
            # A path that cannot be used, or standard output on a disk that is full.
            where = error.filename or "no more can be written"
            print(f"facetrack {arguments.command}: {where}: {error.strerror}", file=sys.stderr)
            _drop_unwritten()
            return WRONG_USE
        print(f"facetrack {arguments.command}: {_unexpected(error)}", file=sys.stderr)
        return UNEXPECTED
    finally:
        package_logger.removeHandler(printer)


def _occupy_standard_files() -> None:
    """Open ``/dev/null`` as each of the three standard files that is closed, or the next file would become it."""
    while (file := os.open(os.devnull, os.O_RDWR)) <= 2:
        continue
    os.close(file)


def _use_storage_settings(arguments: argparse.Namespace) -> None:
    """Take from the settings file, where one is named, whether and with which key files are stored encrypted."""
    from facetrack_ros.security.storage_key import use_storage_settings

    if getattr(arguments, "config", None):
        storage = Config.load(arguments.config).storage
        use_storage_settings(storage.encryption, storage.key_file)
    else:
        use_storage_settings(None, "")


def _refuse_empty_paths(arguments: argparse.Namespace) -> None:
    """
    :raises ConfigError: an option that names a file or folder is given as an empty text.
    """
    for name in _PATHS:
        value = getattr(arguments, name, None)
        if isinstance(value, str) and not value.strip():
            raise ConfigError(f"--{name} is empty: name a file or folder, or leave it out")


def _drop_unwritten() -> None:
    """Drop what is buffered for standard output, or Python reports at its end that it cannot be written."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _is_utf8(argument: str) -> bool:
    try:
        argument.encode()
    except UnicodeEncodeError:
        return False
    return True


def _unexpected(error: Exception) -> str:
    """A sentence on an error that should not happen; its traceback is written to a temporary file."""
    sentence = mask_passwords(f"unexpected {type(error).__name__}: {first_line(error)}")
    trace = plain(mask_passwords("".join(traceback.format_exception(error))))
    try:
        with tempfile.NamedTemporaryFile("w", prefix="facetrack-error-", suffix=".log", delete=False) as file:
            file.write(trace)
    except OSError:
        return f"{sentence}\n{trace}"
    return f"{sentence}; the traceback is in {file.name}"
