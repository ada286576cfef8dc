"""Writer of a robot's event log, on a thread of its own where events come from this process."""

import threading
from collections import deque
from collections.abc import Callable, Iterable

from facetrack_ros.concurrency.worker import FifoMailbox, Worker, run_calls
from facetrack_ros.core.event import PersonEvent
from facetrack_ros.errors import DiskError, StoreError
from facetrack_ros.history.robot_history import RobotHistory
from facetrack_ros.nodes.base.robot_member_node import RobotMemberNode

# Events that wait for the history to open, chosen by hand.
MOST_EARLY = 1_000


class EventWriter:
    """Logs a robot's events, and the ends of visits that its last process left open.

    :param history: the robot's history, None until it is open.
    :param publish: publishes the ends of visits that were left open.
    :param disk_failed: receives each failure of the disk.
    :param worker: that opens the history, which events must follow; None: a thread of its own, so that events do not
        wait for sightings.
    """

    def __init__(
        self,
        node: RobotMemberNode,
        history: Callable[[], RobotHistory | None],
        publish: Callable[[Iterable[PersonEvent]], None],
        disk_failed: Callable[[DiskError], None],
        worker: Worker | None = None,
    ):
        self._node, self._history, self._publish, self._disk_failed = node, history, publish, disk_failed
        self._owns_worker = worker is None
        self._worker = worker or Worker("history events", FifoMailbox(), run_calls)
        self._early: deque[PersonEvent] = deque(maxlen=MOST_EARLY)

    def add(self, events: tuple[PersonEvent, ...]) -> threading.Event:
        """Log events.

        :returns: set when they are on disk, or wait in memory because it does not take them.
        """
        written = threading.Event()
        if events and self._node.active:
            self._worker.put("", (self._store, events, written))
        else:
            written.set()
        return written

    def close_left_open(self) -> None:
        """Log and publish the ends of visits that the process before this one did not end, before any new event."""
        history = self._history()
        if history is None or not self._node.settings.event_logging.enabled:
            return
        try:
            events = history.close_left_open()
        except DiskError as error:
            self._disk_failed(error)
            return
        except StoreError as error:
            self._node.get_logger().error(str(error))
            return
        if events:
            ended = f"{len(events)} visits that were open when {self._node.robot_id} ended are closed"
            self._node.get_logger().info(ended)
            self._publish(events)

    def drain(self) -> None:
        """Wait until every event is logged."""
        self._worker.drain()

    def close(self) -> None:
        """Log what is left."""
        if self._owns_worker:
            self._worker.close()

    def _store(self, events: tuple[PersonEvent, ...], written: threading.Event) -> None:
        try:
            history = self._history()
            if history is None:  # it opens with the first faces
                self._early.extend(events)
            elif self._node.settings.event_logging.enabled:
                early = tuple(self._early)
                self._early.clear()
                history.add_event(*early, *events)
        except DiskError as error:  # they wait
            self._disk_failed(error)
        finally:
            written.set()
