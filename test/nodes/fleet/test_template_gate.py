"""Only robots on the roster tell of faces."""

import numpy as np
import pytest

from facetrack_ros.search.fleet_roster import FleetRoster
from facetrack_ros.tracking.identity.shared_template import SharedTemplate

pytest.importorskip("rclpy")
from facetrack_ros.nodes.fleet.template_gate import HELD_S, MOST_HELD, TemplateGate


class Roster:
    def __init__(self):
        self.roster = FleetRoster()

    def hear(self, robot, instance):
        self.roster.on_heartbeat(robot, instance, "m", False, 0)

    def knows(self, robot, instance):
        return any(instance in entry.instances for entry in self.entries() if entry.robot_id == robot)

    def entries(self):
        return self.roster.entries(0)


class Refusals(list):
    def refuse(self, what, sender, reason, kind):
        self.append(sender)


class Mesh:
    def __init__(self):
        self.now_s, self.roster, self.passed, self.refused = 0.0, Roster(), [], Refusals()
        self.gate = TemplateGate(self.roster, self.passed.append, self.refused, lambda: self.now_s)

    def tell(self, robot, instance, number=1):
        face = np.ones((1, 1), np.float32), np.ones(1, np.float32)
        self.gate.put(SharedTemplate(robot, instance, f"p_{robot}_{number}", "m", *face))


@pytest.fixture
def mesh():
    return Mesh()


def test_a_template_of_a_robot_that_is_heard_later_waits_for_it(mesh):
    mesh.tell("robot1", "i1")
    mesh.gate.release()
    assert not mesh.passed
    mesh.roster.hear("robot1", "i1")
    mesh.gate.release()
    assert [each.robot_id for each in mesh.passed] == ["robot1"]
    mesh.tell("robot1", "i1", 2)
    assert len(mesh.passed) == 2


def test_a_template_of_a_process_that_is_not_heard_is_refused_after_a_while(mesh):
    mesh.roster.hear("robot1", "i1")
    mesh.tell("robot1", "forged")
    mesh.tell("robot9", "i9")
    mesh.now_s = HELD_S + 1
    mesh.gate.release()
    assert not mesh.passed
    assert mesh.refused == ["robot1", "robot9"]


def test_a_robot_of_an_earlier_version_tells_no_process(mesh):
    mesh.roster.hear("old", "i0")
    mesh.roster.hear("new", "i1")
    mesh.tell("old", "")
    mesh.tell("new", "i1")
    mesh.tell("new", "", 2)  # it has told its process: this is another
    assert [each.robot_id for each in mesh.passed] == ["old", "new"]


def test_a_stranger_displaces_no_waiting_template_of_a_robot(mesh):
    mesh.tell("robot1", "i1")
    for number in range(2 * MOST_HELD):
        mesh.tell("robot9", "i9", number)
    mesh.roster.hear("robot1", "i1")
    mesh.gate.release()
    assert [each.person_id for each in mesh.passed] == ["p_robot1_1"]
