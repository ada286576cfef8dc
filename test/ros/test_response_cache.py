"""A request is searched once, however often it is received."""

from facetrack_ros.msg import FaceMatch, FaceSearchResult
from facetrack_ros.nodes.fleet.response_cache import ResponseCache


def test_a_repeated_request_gets_the_stored_result():
    cache = ResponseCache()
    assert cache.begin("s1.q1", "robot1")
    assert not cache.begin("s1.q1", "robot1")
    assert cache.get("s1.q1") is None, "the search still runs"
    result = FaceSearchResult(search_id="s1")
    cache.store("s1.q1", result)
    assert not cache.begin("s1.q1", "robot1")
    assert cache.get("s1.q1") is result
    cache.forget("s1.q1")
    assert cache.begin("s1.q1", "robot1")


def test_another_question_of_the_same_id_is_new_and_replaces_nothing():
    cache = ResponseCache()
    cache.begin("s1.q1", "robot1")
    result = FaceSearchResult(search_id="s1")
    cache.store("s1.q1", result)
    assert cache.begin("s1.q2", "stranger")
    assert cache.get("s1.q2") is None
    assert cache.get("s1.q1") is result


def test_one_who_asks_much_pushes_out_its_own_searches_only():
    cache = ResponseCache()
    for number in range(1000):
        if number == 500:
            cache.begin("mine", "robot1")
            cache.store("mine", FaceSearchResult())
        cache.begin(f"s{number}", "stranger")
        cache.store(f"s{number}", FaceSearchResult())
    assert cache.get("mine") is not None
    assert cache.get("s0") is None
    assert cache.get("s999") is not None
    assert sum(cache.get(f"s{number}") is not None for number in range(1000)) < 300


def test_large_results_are_bounded_in_bytes():
    cache = ResponseCache()
    picture = [FaceMatch(thumbnail=bytes(60_000))] * 20
    for number in range(100):
        cache.begin(f"s{number}", "robot1")
        cache.store(f"s{number}", FaceSearchResult(matches=picture))
    assert cache.get("s99") is not None
    assert sum(cache.get(f"s{number}") is not None for number in range(100)) < 30
