"""A subscription whose messages wait until somebody looks."""

from collections.abc import Callable

from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.node import Node
from rclpy.qos import QoSProfile
from rclpy.subscription import Subscription


class PolledSubscription:
    """Hears what the whole mesh says without waking up for each word of it.

    An rclpy executor that wakes for a message looks at everything it serves, which costs a robot's process more than the message.
    While nobody is in a hurry, messages lie in DDS until :meth:`read`, all for one waking; the owner calls it often enough for
    the depth of ``qos``. While somebody is, they come at once as from any subscription.

    :param callback: takes a message (its bytes when ``raw``) and its info, in the thread that spins or reads.
    :param hurry: whether messages are wanted at once; asked each time the executor looks.
    """

    def __init__(
        self,
        node: Node,
        kind: type,
        topic: str,
        callback: Callable[[object, dict], None],
        qos: QoSProfile,
        hurry: Callable[[], bool],
        raw: bool = False,
    ):
        self._node = node
        self._callback = callback
        self._subscription: Subscription = node.create_subscription(
            kind, topic, self._on_message, qos, raw=raw, callback_group=_Group(hurry)
        )

    def read(self) -> None:
        """Hand on every message that waits."""
        with self._subscription.handle:
            while (taken := self._take()) is not None:
                self._callback(*taken)

    def close(self) -> None:
        """Hear no more."""
        self._node.destroy_subscription(self._subscription)

    def _take(self) -> tuple[object, dict] | None:
        return self._subscription.handle.take_message(self._subscription.msg_type, self._subscription.raw)

    def _on_message(self, message: object, info: dict) -> None:
        self._callback(message, info)
        self.read()


class _Group(ReentrantCallbackGroup):
    """Looked at only while somebody is in a hurry."""

    def __init__(self, hurry: Callable[[], bool]):
        super().__init__()
        self._hurry = hurry

    def can_execute(self, entity) -> bool:
        return self._hurry()
