"""A managed node: unconfigured, inactive, active, finalized, as ROS 2 defines it, and a sentence at each step."""

import threading
import traceback
from collections.abc import Callable

from lifecycle_msgs.srv import ChangeState
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.event_handler import PublisherEventCallbacks, SubscriptionEventCallbacks
from rclpy.lifecycle import LifecycleNodeMixin, LifecycleState, TransitionCallbackReturn
from rclpy.node import Node
from rclpy.publisher import Publisher
from rclpy.subscription import Subscription
from rclpy.task import Future

from facetrack_ros.errors import FacetrackError
from facetrack_ros.nodes.base import ros_logging

_DONE, _NOT_DONE = TransitionCallbackReturn.SUCCESS, TransitionCallbackReturn.FAILURE


class LifecycleNode(LifecycleNodeMixin, Node):
    """What a lifecycle manager, ``ros2 lifecycle`` or the node itself can start and stop.

    Subclasses say what :meth:`activate`, :meth:`deactivate` and :meth:`forget` mean to them, and look at :attr:`active`
    before they work. Transitions that others ask for run on a thread of their own: loading a model must not silence the
    nodes beside it.

    :ivar active: whether the node works.
    """

    #: What the node does not do while it is inactive, after "is inactive: ".
    WHILE_INACTIVE = "it does nothing"

    def __init__(self, name: str, namespace: str | None = None):
        Node.__init__(self, name, namespace=namespace)
        ros_logging.attach(self)
        self.active = False
        self._quiet = False
        self._closed = False
        self._failure: FacetrackError | None = None
        self._changing = threading.RLock()
        LifecycleNodeMixin.__init__(self, callback_group=ReentrantCallbackGroup())
        self._change_state = self._service_change_state.callback
        self._service_change_state.callback = self._serve_change

    def create_publisher(
        self, *arguments, event_callbacks: PublisherEventCallbacks | None = None, **options
    ) -> Publisher:
        """As any node's, but that no event is listened for unless asked for.

        An executor of rclpy looks at every event handler whenever it wakes, and each endpoint has two by default, which say that
        somebody's QoS does not fit. So does the other side, and the nodes that hear foreign images name them. A robot's history and
        search node together wake a third cheaper without.
        """
        events = event_callbacks or PublisherEventCallbacks(use_default_callbacks=False)
        return super().create_publisher(*arguments, event_callbacks=events, **options)

    def create_subscription(
        self, *arguments, event_callbacks: SubscriptionEventCallbacks | None = None, **options
    ) -> Subscription:
        """As any node's, but that no event is listened for unless asked for: see :meth:`create_publisher`."""
        events = event_callbacks or SubscriptionEventCallbacks(use_default_callbacks=False)
        return super().create_subscription(*arguments, event_callbacks=events, **options)

    def activate(self) -> None:
        """Load what the work needs.

        :raises FacetrackError: why it cannot be; the node stays inactive.
        """

    def deactivate(self) -> None:
        """Finish the work at hand and let go of what was loaded."""

    def forget(self) -> None:
        """Let go of the rest too, when the node is cleaned up."""

    def close(self) -> None:
        """End for good; never called twice."""

    def come_up(self, autostart: bool) -> None:
        """Configure and activate, or say who has to.

        :raises FacetrackError: why it cannot be active.
        """
        if not autostart:
            self.get_logger().info(
                f"{self.get_name()} waits to be configured: "
                f"ros2 lifecycle set {self.get_fully_qualified_name()} configure"
            )
            return
        self.bring("configure", quiet=True)
        self.bring("activate", quiet=True)

    def bring(self, transition: str, quiet: bool = False) -> None:
        """Make a transition (``configure``, ``activate``, ``deactivate``, ``cleanup``).

        :param quiet: say nothing of it, for whoever says it for many nodes.
        :raises FacetrackError: why it is not made.
        """
        with self._changing:
            self._quiet, self._failure = quiet, None
            try:
                done = getattr(self, f"trigger_{transition}")() == _DONE
            finally:
                self._quiet = False
            if not done:
                raise self._failure or FacetrackError(f"{self.get_name()} does not {transition}; its log says why")

    @property
    def state(self) -> str:
        """``unconfigured``, ``inactive``, ``active`` or ``finalized``, or the name of a transition under way."""
        return self._state_machine.current_state[1]

    def end(self) -> None:
        """Close the node, once."""
        with self._changing:
            if not self._closed:
                self._closed, self.active = True, False
                self.close()
                ros_logging.detach(self)

    async def _serve_change(self, request: ChangeState.Request, response: ChangeState.Response) -> ChangeState.Response:
        done = Future()
        threading.Thread(
            target=self._change, args=(request, response, done), name=f"{self.get_name()} transition", daemon=True
        ).start()
        await done
        return response

    def _change(self, request: ChangeState.Request, response: ChangeState.Response, done: Future) -> None:
        try:
            with self._changing:
                self._change_state(request, response)
        except Exception as error:  # whoever asked waits: the answer is no, whatever it was
            response.success = False
            self.get_logger().warning(
                f"{self.get_name()} is {self.state}, and takes no transition "
                f"{request.transition.label or request.transition.id} then ({error})"
            )
        finally:
            done.set_result(None)
            # Whoever awaits is looked at when the executor next wakes, and another thread's result does not wake it.
            if self.executor is not None:
                self.executor.wake()

    def _say(self, sentence: str) -> None:
        if not self._quiet:
            self.get_logger().info(f"{self.get_name()} {sentence}")

    def _attempt(self, step: Callable[[], None], done: str, undone: str) -> TransitionCallbackReturn:
        """rclpy turns an exception into an error state without a word; here it is a sentence, and the state stays."""
        try:
            step()
        except FacetrackError as error:
            self._failure = error
            if not self._quiet:
                self.get_logger().error(f"{self.get_name()} {undone}: {error}")
            return _NOT_DONE
        except Exception as error:
            self.get_logger().error(f"unexpected {type(error).__name__}: {error}\n{traceback.format_exc()}")
            return _NOT_DONE
        self._say(done)
        return _DONE

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Nothing is loaded yet."""
        self._say("is configured, and waits to be activated")
        return _DONE

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Load, then work."""
        answer = self._attempt(self.activate, "is active", "cannot be activated")
        self.active = answer == _DONE
        return answer

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Stop working, then free."""
        self.active = False
        return self._attempt(self.deactivate, f"is inactive: {self.WHILE_INACTIVE}", "cannot be deactivated")

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Free the rest."""
        return self._attempt(self.forget, "is unconfigured, and holds nothing any more", "cannot be cleaned up")

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """The end; the process may go on with other nodes."""
        return self._attempt(
            self.end, "is finalized, and works no more until its process is started anew", "cannot be shut down"
        )

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Start over."""
        self.active = False
        return _DONE
