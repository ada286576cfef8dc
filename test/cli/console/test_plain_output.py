"""Output of the command has no characters that control a terminal."""

import pytest

from facetrack_ros.cli.console.plain_output import plain, plain_output


@pytest.mark.parametrize("text", ["José 王\t1\n", "12 %\r13 %\r\n", ""])
def test_text_and_line_ends_stay(text):
    assert plain(text) == text


@pytest.mark.parametrize("text", ["\x1b[2J", "\x9b31m", "\x07", "\x08", "\u202e", "\u2028", "\ud800", "\x7f"])
def test_controls_are_written_as_escapes(text):
    assert plain(text).isprintable()
    assert text[0] not in plain(text)


def test_a_block_prints_plain_text(capsys):
    with plain_output():
        print("robot\x1b[2J1")
    assert capsys.readouterr().out == "robot\\x1b[2J1\n"
