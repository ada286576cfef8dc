"""Python logging of a process of nodes on the ROS log."""

import logging
import threading

from rcl_interfaces.msg import Log


def test_records_reach_rosout_under_the_node_of_their_thread(graph, processes):
    from facetrack_ros.nodes.base.lifecycle_node import LifecycleNode

    graph.start()
    nodes = [LifecycleNode(name, "robot1") for name in ("robot", "history")]
    graph.spin(*nodes)
    heard = []
    graph.client.create_subscription(Log, "/rosout", heard.append, 10)
    processes.wait_until(lambda: graph.client.count_publishers("/rosout") > 2, "the nodes' /rosout")
    logger = logging.getLogger("facetrack_ros.history.store")

    def log_both():
        logger.warning("disk full at %d %%", 99)
        try:
            raise ValueError("odd")
        except ValueError:
            logger.exception("not stored")

    def came(text: str) -> list[tuple[str, int]]:
        return [(log.name, log.level) for log in heard if text in log.msg]

    def log_until_heard(thread_name: str, logger_name: str):
        def heard_all():
            thread = threading.Thread(target=log_both, name=thread_name)
            thread.start()
            thread.join()
            return (logger_name, logging.WARNING) in came("disk full at 99 %") and (logger_name, logging.ERROR) in came(
                "ValueError: odd"
            )

        processes.wait_until(heard_all, f"records of {thread_name} as {logger_name}")

    log_until_heard("history frame services", "robot1.history")
    log_until_heard("executor", "robot1.robot")


def test_the_handler_is_removed_with_the_last_node(graph):
    from facetrack_ros.nodes.base.lifecycle_node import LifecycleNode

    graph.start()
    logger = logging.getLogger("facetrack_ros")
    nodes = [LifecycleNode(name, "robot1") for name in ("robot", "history")]
    assert len(logger.handlers) == 1
    nodes[0].end()
    assert len(logger.handlers) == 1
    nodes[1].end()
    assert not logger.handlers
