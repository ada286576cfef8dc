"""Mutated messages and requests on every topic and service of two robots; nothing falls over, nothing is lost.

How many: ``FACETRACK_HOSTILE_MESSAGES``; ``make hostile`` sends 10,000.
"""

import contextlib
import time

import cv2
from attacker import Attacker
from hostile_fleet import PERSONS
from mutations import MESSAGES, Mutator
from plausible import Plausible
from rclpy._rclpy_pybind11 import RCLError
from rclpy.serialization import serialize_message
from robot_processes import wait_until

#: Shares of the messages: to services, and to topics as damaged bytes; the rest to topics as mutated messages.
SERVICE_SHARE, BYTES_SHARE = 0.25, 0.25
#: Calls under way at once, and messages a second: what one process on a shared computer keeps up with.
CALLS_AT_ONCE, MESSAGES_A_SECOND = 40, 400
MEMORY_MB = 120
SLOW = {"timeout"}


def test_robots_survive_mutated_messages(fleet, attacker, hopper):
    held = fleet.held()
    fleet.check_searches(attacker)
    fleet.load_models(attacker)
    before = {robot: fleet.rss_mb(robot) for robot in fleet.robots}
    jpeg = cv2.imencode(".jpg", cv2.resize(hopper, (160, 160)))[1].tobytes()
    mutator = Mutator(20, tuple(f"p_{robot}_{number}" for robot in fleet.robots for number in range(1, PERSONS + 1)))
    plausible = Plausible(jpeg, 20)
    topics, services = attacker.topics(), attacker.services()
    assert {"/facetrack/roster", "/facetrack/persons", "/robot2/door/tracks"} <= set(topics)
    assert {"/robot1/face_search", "/robot2/enroll_face", "/robot1/history/set_parameters"} <= set(services)

    calls = send_all(attacker, mutator, plausible, topics, services)

    unanswered = [name for name, future in calls if not future.done()]
    assert not unanswered, f"{len(unanswered)} of {len(calls)} calls without an answer: {sorted(set(unanswered))}"
    for robot, process in fleet.robots.items():
        assert process.popen.poll() is None, f"{robot} ended: {process.said()[-3000:]}"
        grown = fleet.rss_mb(robot) - before[robot]
        assert grown < MEMORY_MB, f"{robot} grew by {grown:.0f} MB"
    attacker.abandon()
    fleet.check_searches(attacker)
    fleet.check_held(held)
    fleet.restart()
    fleet.check_held(held)
    fleet.check_searches(attacker)
    said = fleet.said()
    assert "Traceback" not in said
    assert "\x1b[2J" not in said
    assert len(said) < 200 * MESSAGES + 100_000


def send_all(attacker: Attacker, mutator: Mutator, plausible: Plausible, topics: dict, services: dict) -> list:
    """Send the messages; all calls, each with its service's name."""
    calls = []
    topic_names, service_names = sorted(topics), sorted(services)
    own = [name for name in service_names if name.count("/") == 2]  # not those that every node of ROS has
    for _ in range(MESSAGES):
        share = mutator.chance.random()
        if share < SERVICE_SHARE:
            name = mutator.chance.choice(own if mutator.chance.random() < 0.6 else service_names)
            kind = services[name]
            request = mutated(mutator, plausible, kind.Request)
            for field in SLOW & set(request.get_fields_and_field_types()):
                getattr(request, field).sec = min(getattr(request, field).sec, 5)
            calls.append((name, attacker.start_call(kind, name, request)))
            wait_until(lambda: sum(not call.done() for _, call in calls) < CALLS_AT_ONCE, calls_of(calls))
            continue
        name = mutator.chance.choice(topic_names)
        message = mutated(mutator, plausible, topics[name])
        publisher = attacker.publisher(name, topics[name])
        if share > 1 - BYTES_SHARE:
            message = mutator.damaged(serialize_message(message))
        with contextlib.suppress(RCLError):  # DDS sends no message without header, or longer than its type allows
            publisher.publish(message)
        time.sleep(1 / MESSAGES_A_SECOND)
    wait_until(lambda: all(call.done() for _, call in calls), calls_of(calls))
    return calls


def calls_of(calls):
    return lambda: f"answers of {sorted({name for name, call in calls if not call.done()})}"


def mutated(mutator: Mutator, plausible: Plausible, kind: type):
    """A message: mostly an honest one with a few fields changed, else one of fields by chance."""
    if mutator.chance.random() < 0.15:
        return mutator.message(kind)
    return mutator.changed(plausible.message(kind))
