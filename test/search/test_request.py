"""The id under which robots are asked belongs to one question."""

from dataclasses import replace

import numpy as np
import pytest

from facetrack_ros.search.request import SearchRequest, split_mesh_id

FACE = np.array([0.6, 0.8], np.float32)
REQUEST = SearchRequest("mine", FACE, "net", 7, 5, cameras=("front",), threshold=0.3, reference="picture")


def test_the_mesh_id_names_search_and_question():
    assert split_mesh_id(REQUEST.mesh_id) == ("mine", REQUEST.digest)
    assert replace(REQUEST, robots=("robot2",)).mesh_id == REQUEST.mesh_id, "asked again, of those that are missing"


@pytest.mark.parametrize(
    "changed",
    [
        {"embedding": FACE[::-1].copy()},
        {"more_embeddings": FACE[None]},
        {"model_id": "other"},
        {"window_ns": 6},
        {"cameras": ()},
        {"threshold": 0.9},
        {"max_results": 1},
        {"person_ids": ("p_1",)},
        {"timeout_ns": 1},
        {"requester": "robot9"},
    ],
)
def test_another_question_has_another_digest(changed):
    assert replace(REQUEST, **changed).digest != REQUEST.digest


@pytest.mark.parametrize("mesh_id", ["mine", "", ".q0123456789abcdef", "mine.q0123456789abcdeF", "mine.q123"])
def test_an_id_of_an_earlier_version_has_no_digest(mesh_id):
    assert split_mesh_id(mesh_id) == (mesh_id, "")
