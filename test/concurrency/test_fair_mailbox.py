"""A mailbox in which one sender does not starve the others."""

from facetrack_ros.concurrency.fair_mailbox import FairMailbox


def taken(mailbox):
    found = []
    while items := mailbox.take():
        found += items
    return found


def test_senders_take_turns():
    mailbox = FairMailbox(100, 50)
    for number in range(5):
        mailbox.put("noisy", f"n{number}")
    mailbox.put("quiet", "q0")
    mailbox.put("quiet", "q1")
    assert taken(mailbox) == ["n0", "q0", "n1", "q1", "n2", "n3", "n4"]
    assert len(mailbox) == 0


def test_one_sender_fills_its_share_and_all_together_the_mailbox():
    mailbox = FairMailbox(3, 2)
    assert mailbox.has_room("a")
    mailbox.put("a", 1)
    mailbox.put("a", 2)
    assert not mailbox.has_room("a")
    assert mailbox.has_room("b")
    mailbox.put("b", 3)
    assert not mailbox.has_room("c")
    mailbox.take()
    assert mailbox.has_room("c")
