"""A question is searched once, however often it comes."""

from facetrack_ros.msg import FaceSearchRequest, FaceSearchResult
from facetrack_ros.nodes.fleet.response_cache import ResponseCache


def test_a_question_that_comes_again_gets_the_answer_it_had():
    kept = ResponseCache()
    assert kept.begin(FaceSearchRequest(search_id="s1", embedding=[1.0, 0.0]))
    again = FaceSearchRequest(search_id="s1", embedding=[1.0, 0.0], robots=["robot2"])
    assert not kept.begin(again) and kept.of("s1") is None, "it is still looked for"
    result = FaceSearchResult(search_id="s1")
    kept.keep(result)
    assert not kept.begin(again)
    assert kept.of("s1") is result


def test_another_question_under_the_same_id_is_a_new_one():
    kept = ResponseCache()
    kept.begin(FaceSearchRequest(search_id="s1", embedding=[1.0, 0.0]))
    kept.keep(FaceSearchResult(search_id="s1"))
    assert kept.begin(FaceSearchRequest(search_id="s1", embedding=[0.0, 1.0]))
    assert kept.of("s1") is None


def test_questions_long_past_are_forgotten():
    kept = ResponseCache()
    for number in range(1000):
        kept.begin(FaceSearchRequest(search_id=f"s{number}"))
        kept.keep(FaceSearchResult(search_id=f"s{number}"))
    assert kept.of("s0") is None
    assert kept.of("s999") is not None
    assert len(kept._known) < 100
