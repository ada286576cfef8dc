"""What people type to learn what an embedder is worth on their own pictures."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

FACETRACK = Path(sys.executable).parent / "facetrack"
TIGHT = ("--upscale", 2, "--pad", 60)


@pytest.fixture
def evaluate(real_data):
    """A function that runs ``facetrack eval`` as typed, at ``home``."""
    environment = {**os.environ, "FACETRACK_MODELS": str(real_data("models")), "FACETRACK_DOWNLOAD": "0"}

    def run(*arguments, home):
        command = [str(FACETRACK), "eval", *map(str, arguments)]
        own = {**environment, "XDG_CACHE_HOME": str(home / "cache")}
        return subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=home, env=own)

    return run


@pytest.fixture
def people(real_data, tmp_path):
    """Twelve of ORL's people with four pictures each, and a file that is no picture."""
    orl = real_data("faces/att_faces")
    for person in range(4, 16):
        (tmp_path / "people" / f"s{person}").mkdir(parents=True)
        for picture in range(1, 5):
            shutil.copy(orl / f"s{person}" / f"{picture}.pgm", tmp_path / "people" / f"s{person}")
    (tmp_path / "people" / "README").write_text("not a picture")
    return tmp_path / "people"


def test_it_prints_the_figures_with_what_stands_behind_them(evaluate, people):
    done = evaluate("faces", people, *TIGHT, "--plot", "roc.png", home=people.parent)
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    for said in (
        "mobilefacenet_foamliu (identity), faces by yunet_n_640_640",
        "found in 48 of 48 pictures",
        "1 of other kinds",
        "72 of one person; 1056 of two, from 66 couples",
        "TAR at FAR 0.01       1.0000",
        "rank-1                1.0000",
        "FNIR at FPIR 0.01",
        "it takes 3000 pairs of two",
        "means nothing",
    ):
        assert said in done.stdout, said
    assert (people.parent / "roc.png").read_bytes().startswith(b"\x89PNG")


def test_the_same_as_one_object(evaluate, people):
    done = evaluate("faces", people, *TIGHT, "--json", "--fpir", "0.1", home=people.parent)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["embedder"] == "mobilefacenet_foamliu"
    assert (said["found"], said["genuine_pairs"], said["impostor_pairs"]) == (48, 72, 1056)
    assert said["auc"] > 0.999
    assert said["rank_one"] == 1
    assert said["open_set"]["fpir"] <= said["open_set"]["fpir_wanted"] == 0.1
    assert [point["shown"] for point in said["points"]] == [True, False, False]


def test_what_it_writes_is_used_from_then_on(evaluate, people):
    refused = evaluate("faces", people, *TIGHT, "--write", home=people.parent)
    assert refused.returncode == 2
    assert "1056 pairs of two people cannot show a false-match rate of 0.0001" in refused.stderr
    written = json.loads(
        evaluate("faces", people, *TIGHT, "--json", "--write", "--false-match-rate", "0.01", home=people.parent).stdout
    )
    assert Path(written["written"]).is_relative_to(people.parent / "cache")
    again = evaluate("faces", people, *TIGHT, "--write", "--false-match-rate", "0.005", home=people.parent)
    assert f"was {written['threshold']:.3f}" in again.stdout
    assert written["threshold"] != 0.5
    record = json.loads(Path(written["written"]).read_text())
    assert record["measured_on"].startswith(
        "people by yunet_n_640_640, enlarged 2 times, with a border of 60 px, 1056 pairs"
    )


def test_pictures_without_faces_end_with_1_and_are_counted(evaluate, people):
    for person in ("a", "b"):
        (people.parent / "things" / person).mkdir(parents=True)
        for number in range(2):
            (people.parent / "things" / person / f"{number}.pgm").write_bytes(b"P5 32 32 255\n" + bytes(32 * 32))
    done = evaluate("faces", people.parent / "things", home=people.parent)
    assert done.returncode == 1
    assert "0 usable faces of 0 people" in done.stderr
    assert "found in 0 of 4" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("nowhere",), "cannot be read as a folder"),
        ((".", "--fpir", "2"), "is not a rate between 0 and 1"),
        ((".", "--upscale", "0"), "is not a factor"),
        ((".", "--pad", "1.5"), "is not whole pixels"),
        ((".", "--false-match-rate", "0.01"), "give both"),
        ((".", "--plot", "nowhere/roc.png"), "there is no folder"),
        ((".", "--plot", "roc.gif"), "must end with .png"),
        ((".",), "no folders with pictures"),
        ((), "required: DIR"),
        ((".", "--config", "nowhere.yaml"), "nowhere.yaml"),
    ],
)
def test_wrong_use_is_told_in_a_sentence(evaluate, tmp_path, arguments, expected):
    done = evaluate("faces", *arguments, home=tmp_path)
    assert done.returncode == 2
    assert expected in done.stderr
    assert "Traceback" not in done.stderr
    assert not done.stdout


@pytest.mark.parametrize("arguments", [(), ("dance",)])
def test_what_to_measure_must_be_said(evaluate, tmp_path, arguments):
    done = evaluate(*arguments, home=tmp_path)
    assert done.returncode == 2
    assert "KIND" in done.stderr


def test_help_reads_in_nothing_that_takes_long(evaluate, tmp_path):
    code = (
        "import sys; from facetrack_ros.cli.main import build_parser; parser = build_parser()\n"
        "try: parser.parse_args(['eval', '--help'])\nexcept SystemExit: pass\n"
        "assert not any(name.startswith('facetrack_ros.cli.eval.') for name in sys.modules)\n"
        "assert not {'cv2', 'matplotlib'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "faces" in done.stdout
    assert "persons" in done.stdout
    assert "--upscale" in evaluate("faces", "--help", home=tmp_path).stdout
