"""Films of cameras that are mounted upright and head down, through ``facetrack ingest`` with default settings."""

import json
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest

FACETRACK = Path(sys.executable).parent / "facetrack"


@pytest.fixture
def ingested(models, tmp_path):
    """A function that ingests a film and returns the process and the events."""

    def run(*arguments):
        environment = {**os.environ, "FACETRACK_MODELS": str(models), "FACETRACK_DOWNLOAD": "0"}

        def call(*words):
            done = subprocess.run(
                [str(FACETRACK), *map(str, words)], capture_output=True, text=True, env=environment, timeout=300
            )
            assert done.returncode == 0, done.stderr
            return done

        data = tmp_path / "data"
        done = call("ingest", "--robot", "robot1", "--data", data, *arguments)
        events = [json.loads(line) for line in call("events", "--data", data, "--json").stdout.splitlines()]
        return done, events

    return run


@pytest.mark.parametrize("film", ["ten_people_upright", "ten_people_upside_down"])
def test_ten_people_are_ten_persons_whichever_way_up_the_camera_is(real_data, ingested, film):
    done, events = ingested("--camera", f"front={real_data(f'cases/films/{film}.mkv')}")
    assert Counter(event["event"] for event in events) == {"PERSON_IN": 10, "PERSON_OUT": 10}
    assert len({event["person_id"] for event in events}) == 10
    assert ("turned by 180 degrees" in done.stderr) == (film == "ten_people_upside_down")


@pytest.mark.parametrize("degrees", [90, 270])
def test_a_clip_of_a_camera_on_its_side_is_turned_as_its_faces_show(real_data, ingested, tmp_path, clip, degrees):
    real_data("clips")
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number, frame in enumerate(clip("head-pose-face-detection-male.gif")[::3]):
        cv2.imwrite(str(folder / f"{number:03}.jpg"), np.rot90(frame, degrees // 90))
    done, events = ingested("--camera", f"front={folder}")
    assert f"front={degrees}" in done.stderr
    assert Counter(event["event"] for event in events) == {"PERSON_IN": 1, "PERSON_OUT": 1}
    assert re.search(r"^[1-9][0-9]* sightings", done.stdout, re.MULTILINE)
