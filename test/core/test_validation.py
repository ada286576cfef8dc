"""Checks of values from outside: what honest robots send passes, everything else is refused with a sentence."""

import math

import numpy as np
import pytest

from facetrack_ros.core import validation
from facetrack_ros.core.printable import escaped, printable
from facetrack_ros.errors import FacetrackError, InvalidInput

UNIT = [0.6, 0.8]


@pytest.mark.parametrize("text", ["robot1", "A", "r_2", "x" * 64])
def test_names_of_robots_and_cameras(text):
    assert validation.ros_name(text, "robot") == text


@pytest.mark.parametrize(
    "text", ["", "1robot", "_r", "robot-1", "ro bot", "röbot", "x" * 65, "robot1\n", "../x", "\x1b[2J"]
)
def test_names_that_no_robot_has(text):
    with pytest.raises(InvalidInput, match="robot") as refused:
        validation.ros_name(text, "robot")
    assert refused.value.kind == "name"
    assert str(refused.value).isprintable()
    assert isinstance(refused.value, FacetrackError)
    assert isinstance(refused.value, ValueError)


@pytest.mark.parametrize("text", ["p_robot1_3", "t_robot1_front_12", "g_robot_1_3", "a_0f3e", f"p_{'x' * 64}_{2**63}"])
def test_ids_as_the_code_makes_them(text):
    assert validation.identifier(text, "id") == text


@pytest.mark.parametrize("text", ["", "../../outside", "p 1", "p\x1b[31m", "1p", "x" * 161, "p_é", "p_1\n"])
def test_ids_that_no_code_makes(text):
    with pytest.raises(InvalidInput):
        validation.identifier(text, "id")


def test_an_id_may_be_empty_where_that_is_said():
    assert validation.identifier("", "id", empty=True) == ""
    with pytest.raises(InvalidInput):
        validation.identifier(" ", "id", empty=True)


@pytest.mark.parametrize("text", ["0f3e9a", "0f3e9a.persons", "2f1c0d9e-7a", "night:shift-3"])
def test_ids_of_searches_begin_with_a_digit_too(text):
    assert validation.token(text, "search id") == text


@pytest.mark.parametrize("text", ["mobilefacenet_w600k", "yolo11n.pt", "arcface+int8", "модель"])
def test_models(text):
    assert validation.model_name(text, "model") == text


@pytest.mark.parametrize("text", ["", "a b", "../x", "C:x", "a=b", "a\x00b", "x" * 200])
def test_texts_that_name_no_model(text):
    with pytest.raises(InvalidInput):
        validation.model_name(text, "model")


@pytest.mark.parametrize(
    "name", ["Ann", "José Ñandú", "Ольга", "王小明", "علی‌رضا", "क्‍षमा", "O'Neill, Jr. (Bob)", "x" * 64]
)
def test_names_of_people_in_any_script(name):
    assert validation.person_name(name, "name") == name


def test_a_name_is_composed():
    assert validation.person_name("Jose\u0301", "name") == "Jos\u00e9"


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        " Ann",
        "Ann\n",
        "x" * 65,
        "x" * 100_000,
        "\x1b[2J",
        "a\u202eb",
        "\u200b",
        "\u200cAnn",
        "\u200d",
        "\ud800",
    ],
)
def test_texts_that_name_no_person(name):
    with pytest.raises(InvalidInput) as refused:
        validation.person_name(name, "name")
    assert str(refused.value).isprintable()
    assert len(str(refused.value)) < 300


def test_sentences_of_others_are_made_printable_and_cut():
    assert printable("a\x1b[31mb\r\n\tc\u202ed\ud800") == "a\\x1b[31mb\\x0d  c\\u202ed\\ud800"
    assert printable("x" * 5000, 10) == "xxxxxxxxx…"
    assert printable("José 王") == "José 王"
    assert escaped("a\n\tb\x9b") == "a\n\tb\\x9b"


def test_plain_text():
    assert validation.plain_text("two people\nside by side", "reason") == "two people\nside by side"
    for text in ("\x1b", "x" * 1001):
        with pytest.raises(InvalidInput):
            validation.plain_text(text, "reason")
    with pytest.raises(InvalidInput):
        validation.plain_text("", "reason", empty=False)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1.5, -0.1, "x", None, 10**400])
def test_numbers_out_of_range(value):
    with pytest.raises(InvalidInput) as refused:
        validation.number(value, "quality", 0, 1)
    assert len(str(refused.value)) < 200


def test_numbers():
    assert validation.number(np.float32(0.5), "quality", 0, 1) == 0.5
    assert math.isnan(validation.number(math.nan, "lead", -1, 1, nan=True))
    assert validation.numbers([1, 2], "box", (2,), 0, 5).tolist() == [1, 2]
    assert validation.numbers([1, math.nan], "points", (1, 2), 0, 5, nan=True).shape == (1, 2)
    for values in ([1], [1, 2, 3], [1, 6], [1, math.nan], [1, math.inf]):
        with pytest.raises(InvalidInput):
            validation.numbers(values, "box", (2,), 0, 5)


@pytest.mark.parametrize("value", [-1, 11, 2.0, True, "3", None])
def test_counts_out_of_range(value):
    with pytest.raises(InvalidInput):
        validation.count(value, "version", 10)


def test_counts_lists_and_bytes():
    assert validation.count(np.uint32(10), "version", 10) == 10
    assert validation.at_most([1, 2], "cameras", 2) == [1, 2]
    assert validation.content(bytearray(b"ab"), "thumbnail", 2) == b"ab"
    for check, value in ((validation.at_most, [1, 2]), (validation.content, b"ab")):
        with pytest.raises(InvalidInput):
            check(value, "things", 1)


def test_times():
    assert validation.stamp(0, "stamp") == 0
    assert validation.stamp(1_700_000_000 * 10**9, "stamp", zero=False)
    for value in (-1, 2**31 * 10**9, 10**30):
        with pytest.raises(InvalidInput):
            validation.stamp(value, "stamp")
    with pytest.raises(InvalidInput):
        validation.stamp(0, "stamp", zero=False)
    assert validation.span(5, "window") == 5
    for value in (-1, 11):
        with pytest.raises(InvalidInput):
            validation.span(value, "window", 10)


def test_embeddings():
    assert validation.embedding(UNIT, "face", 2).dtype == np.float32
    assert validation.embeddings([*UNIT, *UNIT], "faces", 2, most=5).shape == (2, 2)
    assert validation.embeddings([], "faces", 2, most=5).shape == (0, 2)


@pytest.mark.parametrize(
    "values", [[], [1.0], [0.6, 0.8, 0.0], [0.0, 0.0], [math.nan, 1.0], [math.inf, 0], [3e38, 3e38], [6.0, 8.0]]
)
def test_vectors_that_are_no_embeddings_of_the_model(values):
    with pytest.raises(InvalidInput) as refused:
        validation.embedding(values, "face", 2)
    assert refused.value.kind == "embedding"


def test_embeddings_of_an_impossible_number_or_dimension():
    for values, dimension, most, least in (
        (UNIT * 3, 2, 2, 0),
        ([], 2, 5, 1),
        (UNIT, 0, 5, 0),
        (UNIT * 3000, 6000, 5, 0),
    ):
        with pytest.raises(InvalidInput):
            validation.embeddings(values, "faces", dimension, most, least)


def test_lists_of_names():
    assert validation.names(["robot1", "robot2"], "robots", 2) == ("robot1", "robot2")
    for texts in (["robot1"] * 3, ["robot 1"]):
        with pytest.raises(InvalidInput):
            validation.names(texts, "robots", 2)
