"""Timers of one process that are due together, so that it wakes once for all of them."""

import time

import pytest
from rclpy.node import Node

from facetrack_ros.nodes.base.process import ros
from facetrack_ros.nodes.base.timers import align_timers, steady_timer

HOUR_NS = 3600 * 10**9


@pytest.fixture
def two_nodes(domain, monkeypatch):
    monkeypatch.setenv("ROS_DOMAIN_ID", str(domain))
    monkeypatch.setenv("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    with ros():
        nodes = [Node("one"), Node("other")]
        yield nodes
        for node in nodes:
            node.destroy_node()


def due_ns(timer) -> int:
    left_ns = timer.time_until_next_call()
    return time.monotonic_ns() + left_ns


def test_aligned_timers_of_all_nodes_restart(two_nodes):
    timers = [steady_timer(node, HOUR_NS / 1e9, lambda: None) for node in two_nodes]
    made_ns = time.monotonic_ns()

    align_timers(two_nodes)

    assert all(due_ns(timer) - HOUR_NS >= made_ns for timer in timers)


def test_a_cancelled_timer_stays_cancelled(two_nodes):
    timer = steady_timer(two_nodes[0], HOUR_NS / 1e9, lambda: None)
    timer.cancel()

    align_timers(two_nodes)

    assert timer.is_canceled()


def test_a_timer_destroyed_by_another_thread_is_skipped(two_nodes):
    gone, other = (steady_timer(node, HOUR_NS / 1e9, lambda: None) for node in two_nodes)
    gone.destroy()  # still among the node's timers, as between the two steps of destroy_timer
    made_ns = time.monotonic_ns()

    align_timers(two_nodes)

    assert due_ns(other) - HOUR_NS >= made_ns
