"""The ``facetrack`` command itself: exit codes, and where log records go."""

import logging
import os
import subprocess
import sys
import tempfile

import pytest

from facetrack_ros.cli import events
from facetrack_ros.cli.main import main
from facetrack_ros.errors import PartialError, StoreError


def exit_code(*words) -> int:
    with pytest.raises(SystemExit) as exited:
        main([str(word) for word in words])
    return exited.value.code


@pytest.fixture
def command(monkeypatch):
    """Replaces what ``facetrack events`` does."""
    return lambda run: monkeypatch.setattr(events, "run", run)


def test_warnings_are_printed_to_stderr_once_each(command, capsys):
    logger = logging.getLogger("facetrack_ros.history.somewhere")

    def run(arguments):
        for name in ("a", "b", "a"):
            logger.warning("cannot read %s", name)
        logger.info("read the rest")
        return 0

    command(run)
    for _ in range(2):
        assert exit_code("events", "--data", "x") == 0
        output = capsys.readouterr()
        assert output.err == "facetrack: cannot read a\nfacetrack: cannot read b\n"
        assert output.out == ""


@pytest.mark.parametrize(
    ("error", "code"), [(StoreError("no store"), 2), (PartialError("no store"), 3), (KeyboardInterrupt(), 130)]
)
def test_errors_become_exit_codes(command, capsys, error, code):
    def run(arguments):
        raise error

    command(run)
    assert exit_code("events", "--data", "x") == code
    assert capsys.readouterr().err == ("facetrack events: no store\n" if code in (2, 3) else "")


@pytest.mark.parametrize(("words", "name"), [((), "COMMAND"), (("models",), "ACTION"), (("dance",), "dance")])
def test_a_wrong_command_line_gives_one_sentence(capsys, words, name):
    assert exit_code(*words) == 2
    error = capsys.readouterr().err
    assert name in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--version"], 0, "facetrack "),
        (["help"], 0, "usage: facetrack [-h]"),
        (["help", "models", "pull"], 0, "usage: facetrack models pull"),
        (["serch"], 2, "did you mean search?"),
        (["models", "lsit"], 2, "did you mean list?"),
        (
            ["events", "--camra=front"],
            2,
            "facetrack events: unrecognized arguments: --camra=front; did you mean --camera?",
        ),
        (["models", "pull", "--josn"], 2, "see facetrack models pull --help"),
    ],
)
def test_help_version_and_the_nearest_command(capsys, words, code, said):
    assert exit_code(*words) == code
    output = capsys.readouterr()
    assert said in output.out + output.err


def test_the_package_is_the_command(tmp_path):
    done = subprocess.run([sys.executable, "-m", "facetrack_ros", "help"], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("usage: facetrack")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("facetrack sea", ["search"]),
        ("facetrack models ve", ["verify"]),
        ("facetrack search --opera", ["--operating-point", "--operator"]),
    ],
)
def test_a_shell_completes_commands_actions_and_options(tmp_path, line, words):
    pytest.importorskip("argcomplete", reason="argcomplete is not installed")
    asked = {"_ARGCOMPLETE": "1", "COMP_LINE": line, "COMP_POINT": str(len(line)), "_ARGCOMPLETE_IFS": "\n"}
    environment = {**os.environ, **asked, "_ARGCOMPLETE_STDOUT_FILENAME": str(tmp_path / "words")}
    done = subprocess.run([sys.executable, "-m", "facetrack_ros"], env=environment, cwd=tmp_path, capture_output=True)
    assert done.returncode == 0, done.stderr
    assert sorted(word.strip() for word in (tmp_path / "words").read_text().split("\n")) == words


def test_an_unexpected_error_is_exit_code_4_and_its_traceback_is_in_a_file(command, capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def run(arguments):
        raise KeyError("camera")

    command(run)
    assert exit_code("events", "--data", "x") == 4
    error = capsys.readouterr().err
    assert error.startswith("facetrack events: unexpected KeyError")
    assert error.count("\n") == 1
    (file,) = tmp_path.iterdir()
    assert str(file) in error
    assert "in run" in file.read_text()
