"""A request is searched once, however often it is received."""

from facetrack_ros.msg import FaceSearchRequest, FaceSearchResult
from facetrack_ros.nodes.fleet.response_cache import ResponseCache


def test_a_repeated_request_gets_the_stored_result():
    cache = ResponseCache()
    assert cache.begin(FaceSearchRequest(search_id="s1", embedding=[1.0, 0.0]))
    again = FaceSearchRequest(search_id="s1", embedding=[1.0, 0.0], robots=["robot2"])
    assert not cache.begin(again)
    assert cache.get("s1") is None, "the search still runs"
    result = FaceSearchResult(search_id="s1")
    cache.store(result)
    assert not cache.begin(again)
    assert cache.get("s1") is result


def test_a_different_request_of_the_same_id_is_new():
    cache = ResponseCache()
    cache.begin(FaceSearchRequest(search_id="s1", embedding=[1.0, 0.0]))
    cache.store(FaceSearchResult(search_id="s1"))
    assert cache.begin(FaceSearchRequest(search_id="s1", embedding=[0.0, 1.0]))
    assert cache.get("s1") is None


def test_old_requests_are_dropped():
    cache = ResponseCache()
    for number in range(1000):
        cache.begin(FaceSearchRequest(search_id=f"s{number}"))
        cache.store(FaceSearchResult(search_id=f"s{number}"))
    assert cache.get("s0") is None
    assert cache.get("s999") is not None
    assert sum(cache.get(f"s{number}") is not None for number in range(1000)) < 100
