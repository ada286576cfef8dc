"""The roster: which robots are alive, stale, gone or share a name."""

import pickle

from facetrack_ros.search.fleet_roster import (
    CLAIM_NS,
    FORGET_NS,
    MOST_INSTANCES,
    MOST_ROBOTS,
    MOST_TOLD,
    STALE_NS,
    FleetRoster,
    KnownRobot,
)

SECOND = 1_000_000_000
HEARD, LEFT, SILENT = KnownRobot(False, False), KnownRobot(True, True), KnownRobot(False, True)


def entry(roster, now_ns):
    (only,) = roster.entries(now_ns)
    return only


def test_a_robot_that_speaks_is_there_and_one_that_fell_silent_is_stale():
    roster = FleetRoster()
    roster.on_heartbeat("robot2", "b", "m", False, 0)
    roster.on_heartbeat("robot1", "a", "m", False, 5 * SECOND)
    robot1, robot2 = roster.entries(5 * SECOND)
    assert (robot1.robot_id, robot1.stale) == ("robot1", False)
    assert (robot2.robot_id, robot2.stale, robot2.silent_ns) == ("robot2", True, 5 * SECOND)
    assert not FleetRoster().entries(0)


def test_three_lost_heartbeats_make_no_robot_silent_and_five_seconds_do():
    assert 4 * SECOND < STALE_NS < 5 * SECOND


def test_a_goodbye_is_remembered_until_the_robot_speaks_again():
    roster = FleetRoster()
    roster.on_heartbeat("robot1", "a", "m", True, 0)
    assert entry(roster, 1).left
    roster.on_heartbeat("robot1", "b", "m", False, 2)
    assert not entry(roster, 3).left


def test_a_robot_not_heard_of_for_an_hour_is_forgotten():
    roster = FleetRoster()
    roster.on_heartbeat("robot1", "a", "m", False, 0)
    assert roster.entries(FORGET_NS)
    assert not roster.entries(FORGET_NS + 1)


def test_a_robot_that_was_killed_and_started_again_is_the_new_one_at_once():
    roster = FleetRoster()
    roster.on_heartbeat("robot1", "a", "old", False, 0)
    roster.on_heartbeat("robot1", "b", "new", False, 60 * SECOND)
    now = entry(roster, 60 * SECOND)
    assert (now.instance_id, now.model_id, now.stale, now.claims) == ("b", "new", False, 1)


def test_the_predecessors_late_goodbye_is_not_the_successors():
    roster = FleetRoster()
    roster.on_heartbeat("robot1", "a", "m", False, 0)
    roster.on_heartbeat("robot1", "b", "m", False, SECOND)
    roster.on_heartbeat("robot1", "a", "m", True, 2 * SECOND)
    assert (entry(roster, 2 * SECOND).instance_id, entry(roster, 2 * SECOND).left) == ("b", False)
    roster.on_heartbeat("robot1", "a0", "m", True, 2 * SECOND)  # an even earlier one, never heard before
    assert not entry(roster, 2 * SECOND).left


def test_a_predecessors_last_words_on_a_slow_network_are_no_second_robot():
    roster = FleetRoster()
    roster.on_heartbeat("robot1", "a", "m", False, 0)
    roster.on_heartbeat("robot1", "b", "m", False, SECOND)
    roster.on_heartbeat("robot1", "a", "m", False, SECOND + CLAIM_NS - 1)
    assert entry(roster, 3 * SECOND).claims == 1


def test_two_robots_that_claim_one_name_are_told_until_one_falls_silent():
    roster = FleetRoster()
    for tick in range(4):
        roster.on_heartbeat("robot1", "a", "m", False, tick * SECOND)
        roster.on_heartbeat("robot1", "b", "m", False, tick * SECOND + SECOND // 2)
    now = entry(roster, 4 * SECOND)
    assert (now.instance_id, now.claims) == ("b", 2), "the one that came last has the name"
    for tick in range(4, 9):
        roster.on_heartbeat("robot1", "a", "m", False, tick * SECOND)
    now = entry(roster, 8 * SECOND + 1)
    assert (now.instance_id, now.claims, now.stale) == ("a", 1, False), "who still speaks has it alone"


def test_a_third_robot_of_the_name_is_counted_too():
    roster = FleetRoster()
    for tick in range(4):
        for instance in "abc":
            roster.on_heartbeat("robot1", instance, "m", False, tick * SECOND + ord(instance))
    assert entry(roster, 4 * SECOND).claims == 3


def test_lines_that_no_robot_sends_are_turned_down_and_counted():
    roster = FleetRoster()
    odd = (("", "a"), ("robot1", ""), ("robot1", "x" * 256), ("rob\not1", "a"), ("robot1\0", "a"))
    for robot_id, instance_id in odd:
        assert not roster.on_heartbeat(robot_id, instance_id, "m", False, 0)
    assert not roster.entries(0)
    assert roster.malformed == len(odd)


def test_a_flood_of_made_up_names_evicts_no_known_robot_and_is_forgotten():
    roster = FleetRoster()
    for tick in range(12):
        roster.on_heartbeat("robot1", "a", "m", False, tick * SECOND)
    flood_ns = 12 * SECOND
    for number in range(12_000):
        roster.on_heartbeat(f"stranger{number}", "a", "m", False, flood_ns + number)
    assert len(roster.entries(flood_ns)) == MOST_ROBOTS
    assert roster.turned_away == 12_001 - MOST_ROBOTS
    assert roster.crowded(flood_ns + SECOND), "an answer now is not complete"
    assert roster.on_heartbeat("robot1", "a", "m", False, flood_ns + SECOND), "those known are heard on"
    later_ns = flood_ns + STALE_NS + SECOND
    assert roster.on_heartbeat("robot2", "b", "m", False, later_ns), "strangers that fell silent give their place"
    assert {"robot1", "robot2"} <= {entry.robot_id for entry in roster.entries(later_ns)}
    last_ns = later_ns + 61 * SECOND
    assert {entry.robot_id for entry in roster.entries(last_ns)} <= {"robot1", "robot2"}
    assert not roster.crowded(last_ns)


def test_a_stranger_among_a_few_is_remembered_for_an_hour():
    roster = FleetRoster()
    for number in range(10):
        roster.on_heartbeat(f"robot{number}", "a", "m", False, 0)
    assert len(roster.entries(FORGET_NS)) == 10


def test_a_name_has_a_bounded_number_of_processes_and_the_first_stay():
    roster = FleetRoster()
    for number in range(100):
        roster.on_heartbeat("robot1", f"i{number}", "m", False, number)
    (robot1,) = roster.entries(100)
    assert len(robot1.instances) == MOST_INSTANCES
    assert roster.knows("robot1", "i0")
    assert not roster.knows("robot1", "i99")
    assert roster.turned_away == 100 - MOST_INSTANCES
    assert not roster.knows("robot2", "i0")


def test_a_robot_started_over_and_over_fills_no_memory():
    roster, sizes = FleetRoster(), []
    for start in range(10, 100):
        roster.on_heartbeat("robot1", f"i{start}", "m", False, start * 10 * SECOND)
        sizes.append(len(pickle.dumps(roster)))
    assert max(sizes) - min(sizes) < 20


def test_robots_that_others_tell_of_are_silent_entries_until_they_are_heard():
    roster = FleetRoster()
    roster.on_known_robots("robot1", "a", {"robot2": HEARD, "robot3": LEFT, "robot1": HEARD})
    assert not roster.entries(0), "the process that tells is not on the roster"
    roster.on_heartbeat("robot1", "a", "m", False, 0)
    assert [(each.robot_id, each.stale, each.left, each.told_by) for each in roster.entries(0)] == [
        ("robot1", False, False, ""),
        ("robot2", True, False, "robot1"),
        ("robot3", True, True, "robot1"),
    ]
    roster.on_heartbeat("robot2", "b", "m", False, 1)
    assert [each.told_by for each in roster.entries(1)] == ["", "", "robot1"]
    roster.on_known_robots("robot1", "a", {"robot2": HEARD})
    assert [each.robot_id for each in roster.entries(2)] == ["robot1", "robot2"]


def test_what_one_robot_tells_is_bounded_and_ends_with_it():
    roster = FleetRoster()
    roster.on_heartbeat("robot1", "a", "m", False, 0)
    roster.on_heartbeat("robot2", "b", "m", False, FORGET_NS)
    roster.on_known_robots("robot1", "a", {f"r{number}": HEARD for number in range(3 * MOST_TOLD)} | {"": HEARD})
    assert len(roster.entries(FORGET_NS)) == 2 + MOST_TOLD
    assert [each.robot_id for each in roster.entries(FORGET_NS + 1)] == ["robot2"]
    for number in range(2 * MOST_ROBOTS):
        roster.on_known_robots("robot9", f"i{number}", {"robot8": HEARD})
    roster.on_known_robots("robot2", "b", {"robot3": HEARD})
    assert [each.robot_id for each in roster.entries(FORGET_NS + 1)] == ["robot2", "robot3"]


def test_a_robot_that_another_one_hears_is_awaited_until_it_is_heard():
    roster = FleetRoster()
    roster.on_heartbeat("robot1", "a", "m", False, 0)
    assert not roster.all_told(0), "robot1 has not told"
    roster.on_known_robots("robot1", "a", {"robot2": HEARD, "robot3": LEFT, "robot4": SILENT})
    assert [(each.robot_id, each.awaited) for each in roster.entries(0)] == [
        ("robot1", False),
        ("robot2", True),
        ("robot3", False),
        ("robot4", False),
    ]
    assert not roster.all_told(0)
    roster.on_heartbeat("robot2", "b", "m", False, 1)
    assert not roster.all_told(1), "robot2 has not told"
    roster.on_known_robots("robot2", "b", {"robot4": HEARD})
    assert {each.robot_id: each.told_by for each in roster.entries(1) if each.awaited} == {"robot4": "robot2"}
    roster.on_known_robots("robot2", "b", {"robot4": SILENT})
    assert roster.all_told(1)
    assert roster.all_told(STALE_NS + 2), "a silent robot need not tell"
