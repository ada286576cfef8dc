"""The executor serves every kind of thing a node has, and what comes and goes while it spins."""

import threading

import pytest


@pytest.fixture
def pair(domain, monkeypatch, processes):
    """A node that the executor spins, and one that another thread speaks through; and how often the executor woke."""
    import rclpy

    from facetrack_ros.nodes import lean_executor
    from facetrack_ros.nodes.process import ros, spinning

    for name in ("ROS_DOMAIN_ID", "ROS_AUTOMATIC_DISCOVERY_RANGE"):
        monkeypatch.setenv(name, processes.environment[name])
    wakings = []
    wait = lean_executor._Entities.wait

    def counted(self, *arguments):
        found = wait(self, *arguments)
        wakings.append(found)
        return found

    monkeypatch.setattr(lean_executor._Entities, "wait", counted)
    with ros([]):
        served, asker = rclpy.create_node("served"), rclpy.create_node("asker")
        with spinning([served]) as executor, spinning([asker]):
            yield served, asker, executor, wakings
        served.destroy_node()
        asker.destroy_node()


def test_messages_timers_and_services_are_served_also_those_made_while_it_spins(pair, processes):
    from std_msgs.msg import String
    from std_srvs.srv import Trigger

    served, asker, _, _ = pair
    wait_until = processes.wait_until
    heard, ticks = [], []
    subscription = served.create_subscription(String, "words", lambda message: heard.append(message.data), 10)
    timer = served.create_timer(0.01, lambda: ticks.append(1))
    publisher = asker.create_publisher(String, "words", 10)
    wait_until(publisher.get_subscription_count, "they have found each other")
    publisher.publish(String(data="hello"))
    wait_until(lambda: heard == ["hello"] and len(ticks) > 2, lambda: f"heard {heard}, {len(ticks)} ticks")
    served.destroy_timer(timer)
    served.destroy_subscription(subscription)
    wait_until(lambda: not publisher.get_subscription_count(), "a subscription that is destroyed is gone")

    def answer(request, response):
        response.success = True
        return response

    served.create_service(Trigger, "ask", answer)
    client = asker.create_client(Trigger, "ask")
    assert client.wait_for_service(10.0)
    future = client.call_async(Trigger.Request())
    wait_until(future.done, "the service answers")
    assert future.result().success


def test_a_callback_that_awaits_does_not_hold_up_the_others_of_its_group_that_may_run_beside_it(pair, processes):
    from rclpy.callback_groups import ReentrantCallbackGroup
    from rclpy.task import Future
    from std_srvs.srv import Trigger

    served, asker, executor, _ = pair
    wait_until = processes.wait_until
    group, gate, answers = ReentrantCallbackGroup(), Future(), []

    async def slow(request, response):
        await gate
        response.message = "slow"
        return response

    def quick(request, response):
        response.message = "quick"
        return response

    served.create_service(Trigger, "slow", slow, callback_group=group)
    served.create_service(Trigger, "quick", quick, callback_group=group)
    for name in ("slow", "quick"):
        client = asker.create_client(Trigger, name)
        assert client.wait_for_service(10.0)
        client.call_async(Trigger.Request()).add_done_callback(lambda future: answers.append(future.result().message))
        if name == "quick":
            wait_until(lambda: answers == ["quick"], lambda: f"the quick one answers meanwhile: {answers}")
    gate.set_result(None)
    executor.wake()
    wait_until(lambda: answers == ["quick", "slow"], lambda: f"the slow one answers too: {answers}")


def test_a_message_wakes_it_once(pair, processes):
    from std_msgs.msg import String

    served, asker, _, wakings = pair
    wait_until = processes.wait_until
    heard, done = [], threading.Event()
    served.create_subscription(String, "words", heard.append, 10)
    publisher = asker.create_publisher(String, "words", 10)
    wait_until(publisher.get_subscription_count, "they have found each other")
    publisher.publish(String())
    wait_until(lambda: heard, "the first word")
    before = len(wakings)
    for count in range(2, 12):
        publisher.publish(String())
        wait_until(lambda: len(heard) == count, "the next word")
    subscriptions = [found for found in wakings[before:] if any(kind == "subscription" for kind, _, _ in found)]
    assert len(subscriptions) == 10
    # Nobody's QoS changed: besides the words only the half-second that QoS events are looked for passes.
    assert sum(bool(found) for found in wakings[before:]) == 10
