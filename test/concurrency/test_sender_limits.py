"""Each sender has a rate of its own; those beyond the senders remembered share one."""

from facetrack_ros.concurrency.sender_limits import RateLimit, SenderLimits

LIMIT = RateLimit(per_s=2, burst=3, senders=2, kept_s=60)


def admitted(limits, sender, times):
    return [limits.admit(sender, now_s) for now_s in times]


def test_a_burst_then_the_rate():
    limits = SenderLimits(LIMIT)
    assert admitted(limits, "a", [0, 0, 0, 0, 0.5, 0.5]) == [True, True, True, False, True, False]
    assert admitted(limits, "a", [100] * 4) == [True, True, True, False]


def test_a_noisy_sender_takes_nothing_from_another():
    limits = SenderLimits(LIMIT)
    admitted(limits, "noisy", [0] * 1000)
    assert admitted(limits, "quiet", [0, 1, 2]) == [True] * 3


def test_invented_names_share_one_bucket_and_take_no_place_of_a_sender_that_sends():
    limits = SenderLimits(LIMIT)
    assert limits.admit("robot1", 0)
    assert sum(limits.admit(f"invented{number}", 1) for number in range(1000)) == 1 + 3
    assert len(limits._buckets) == 2
    assert limits.admit("robot1", 1)


def test_the_place_of_a_silent_sender_is_given_on():
    limits = SenderLimits(LIMIT)
    for sender in ("a", "b"):
        limits.admit(sender, 0)
    limits.admit("a", 50)
    assert admitted(limits, "c", [61] * 4) == [True, True, True, False]
    assert list(limits._buckets) == ["a", "c"]
