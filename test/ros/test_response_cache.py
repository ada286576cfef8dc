"""A question is searched once, however often it comes."""

from facetrack_ros.msg import FaceSearchRequest, FaceSearchResult
from facetrack_ros.nodes.fleet.response_cache import ResponseCache


def test_a_question_that_comes_again_gets_the_answer_it_had():
    cache = ResponseCache()
    assert cache.begin(FaceSearchRequest(search_id="s1", embedding=[1.0, 0.0]))
    again = FaceSearchRequest(search_id="s1", embedding=[1.0, 0.0], robots=["robot2"])
    assert not cache.begin(again) and cache.get("s1") is None, "it is still looked for"
    result = FaceSearchResult(search_id="s1")
    cache.store(result)
    assert not cache.begin(again)
    assert cache.get("s1") is result


def test_another_question_under_the_same_id_is_a_new_one():
    cache = ResponseCache()
    cache.begin(FaceSearchRequest(search_id="s1", embedding=[1.0, 0.0]))
    cache.store(FaceSearchResult(search_id="s1"))
    assert cache.begin(FaceSearchRequest(search_id="s1", embedding=[0.0, 1.0]))
    assert cache.get("s1") is None


def test_questions_long_past_are_forgotten():
    cache = ResponseCache()
    for number in range(1000):
        cache.begin(FaceSearchRequest(search_id=f"s{number}"))
        cache.store(FaceSearchResult(search_id=f"s{number}"))
    assert cache.get("s0") is None
    assert cache.get("s999") is not None
    assert len(cache._known) < 100
