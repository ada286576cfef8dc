"""Who is there to be asked."""

from facetrack_ros.search.roster import FORGET_NS, STALE_NS, Roster

SECOND = 1_000_000_000


def test_a_robot_that_speaks_is_there_and_one_that_fell_silent_is_stale():
    roster = Roster()
    roster.heard("robot2", "m", False, 0)
    roster.heard("robot1", "m", False, 4 * SECOND)
    robot1, robot2 = roster.entries(4 * SECOND)
    assert (robot1.robot_id, robot1.stale) == ("robot1", False)
    assert (robot2.robot_id, robot2.stale, robot2.silent_ns) == ("robot2", True, 4 * SECOND)
    assert not Roster().entries(0) and STALE_NS > 3 * SECOND


def test_a_goodbye_is_remembered_until_the_robot_speaks_again():
    roster = Roster()
    roster.heard("robot1", "m", True, 0)
    assert roster.entries(1)[0].left
    roster.heard("robot1", "m", False, 2)
    assert not roster.entries(3)[0].left


def test_a_robot_not_heard_of_for_an_hour_is_forgotten():
    roster = Roster()
    roster.heard("robot1", "m", False, 0)
    assert roster.entries(FORGET_NS)
    assert not roster.entries(FORGET_NS + 1)
