"""No sender displaces the items of others."""

from facetrack_ros.core.fair_share import FairShare


def test_the_oldest_item_of_the_noisiest_sender_goes_first():
    share = FairShare(6)
    share.put("quiet", "q1", 1)
    share.put("other", "o1", 1)
    for number in range(100):
        share.put("noisy", f"n{number}", number)
    assert set(share) == {"q1", "o1", "n96", "n97", "n98", "n99"}
    share.put("quiet", "q1", 2)  # again
    assert (share.get("q1"), len(share)) == (2, 6)
    assert share.pop("n97") == 97
    assert share.pop("n97") is None
    share.put("other", "o2", 1)
    assert len(share) == 6
