"""Subscription whose messages wait in DDS until they are polled."""

from collections.abc import Callable
from typing import Any

from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.qos import QoSProfile
from rclpy.subscription import Subscription


class PolledSubscription:
    """Subscription for topics of the whole mesh, which does not wake the executor for each message.

    An rclpy executor that wakes up checks everything it serves, which costs more than the message. While ``immediate``
    is false, messages stay in DDS until :meth:`read`; the owner polls often enough for the depth of ``qos``. While it
    is true, they arrive as from any subscription.

    :param callback: takes a message (its bytes when ``raw``) and its info, on the thread that spins or polls.
    :param immediate: called at each check of the executor.
    """

    def __init__(
        self,
        node: Any,
        kind: type,
        topic: str,
        callback: Callable[[Any, dict], None],
        qos: QoSProfile,
        immediate: Callable[[], bool],
        raw: bool = False,
    ):
        self._node = node
        kind, topic, callback, raw = node.received(kind, topic, callback, raw)
        self._callback = callback
        self._depth = qos.depth
        self._subscription: Subscription = node.create_subscription(
            kind,
            topic,
            self._on_message,  # type: ignore[arg-type]  # rclpy passes the info to callbacks of two arguments
            qos,
            raw=raw,
            callback_group=_Group(immediate),
        )

    def read(self) -> int:
        """Pass the waiting messages to the callback, so many at most as the subscription keeps; how many they were."""
        subscription, count = self._subscription, 0
        with subscription.handle:
            while count < self._depth:
                taken = subscription.handle.take_message(subscription.msg_type, subscription.raw)
                if taken is None:
                    break
                count += 1
                self._callback(*taken)
        return count

    @property
    def publishers(self) -> int:
        """Number of publishers that it is connected to."""
        return self._subscription.get_publisher_count()

    def close(self) -> None:
        """End the subscription."""
        self._node.destroy_subscription(self._subscription)

    def _on_message(self, message: Any, info: dict) -> None:
        self._callback(message, info)
        self.read()


class _Group(ReentrantCallbackGroup):
    """Callback group whose entities the executor skips unless ``immediate()``."""

    def __init__(self, immediate: Callable[[], bool]):
        super().__init__()
        self._immediate = immediate

    def can_execute(self, entity: Any) -> bool:
        return self._immediate()
