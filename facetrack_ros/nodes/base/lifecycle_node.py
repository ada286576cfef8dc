"""Lifecycle node with the states of ROS 2: unconfigured, inactive, active, finalized. Each transition is logged."""

import threading
import traceback
from collections.abc import Callable
from typing import Any

from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.event_handler import PublisherEventCallbacks, SubscriptionEventCallbacks
from rclpy.lifecycle import LifecycleNodeMixin, LifecycleState, TransitionCallbackReturn
from rclpy.node import Node
from rclpy.publisher import Publisher
from rclpy.qos import QoSProfile
from rclpy.service import Service
from rclpy.subscription import Subscription
from rclpy.task import Future

from facetrack_ros.concurrency.worker import Worker
from facetrack_ros.errors import FacetrackError
from facetrack_ros.nodes.base import ros_logging
from facetrack_ros.nodes.base.inbox import Inbox
from facetrack_ros.nodes.base.mesh_node import MeshNode
from facetrack_ros.nodes.base.parameter_requests import answered_always
from facetrack_ros.nodes.base.qos import SERVICE
from facetrack_ros.nodes.base.type_descriptions import check_type_requests

_SUCCESS, _FAILURE = TransitionCallbackReturn.SUCCESS, TransitionCallbackReturn.FAILURE
#: Transitions that stop a node, by id.
_STOPPING = {
    Transition.TRANSITION_DEACTIVATE: "deactivate",
    Transition.TRANSITION_CLEANUP: "cleanup",
    Transition.TRANSITION_UNCONFIGURED_SHUTDOWN: "shutdown",
    Transition.TRANSITION_INACTIVE_SHUTDOWN: "shutdown",
    Transition.TRANSITION_ACTIVE_SHUTDOWN: "shutdown",
    Transition.TRANSITION_DESTROY: "destroy",
}


class LifecycleNode(LifecycleNodeMixin, MeshNode):
    """Node that a lifecycle manager, ``ros2 lifecycle`` or its own process starts and stops.

    Subclasses implement :meth:`activate`, :meth:`deactivate`, :meth:`cleanup` and :meth:`close`. A transition that is
    requested as a service runs on a thread of its own, so that loading a model does not block the executor.

    :ivar active: whether the node is in the state ``active``.
    :ivar inbox: gate of its subscriptions and services.
    """

    #: What the node omits while it is inactive; completes "is inactive: ".
    WHILE_INACTIVE = "it does nothing"

    def __init__(self, name: str, namespace: str | None = None):
        Node.__init__(self, name, namespace=namespace)
        check_type_requests(self)
        ros_logging.attach(self)
        self.inbox = Inbox(self.get_logger())
        self.active = False
        self._quiet = False
        self._closed = False
        self._failure: FacetrackError | None = None
        self._changing = threading.RLock()
        LifecycleNodeMixin.__init__(self, callback_group=ReentrantCallbackGroup())
        self._change_state = self._service_change_state.callback
        self._service_change_state.callback = self._serve_change  # type: ignore[assignment]  # rclpy awaits coroutines

    def create_publisher(self, *args, event_callbacks: PublisherEventCallbacks | None = None, **options) -> Publisher:
        """Create a publisher without rclpy's default event handlers.

        The executor checks every event handler at each wake-up, and each endpoint has two by default, which log
        incompatible QoS. The other side logs that too, and :class:`ImageInput` names it. A robot's history and search
        node together wake up a third cheaper without them.
        """
        events = event_callbacks or PublisherEventCallbacks(use_default_callbacks=False)
        return super().create_publisher(*args, event_callbacks=events, **options)

    def create_subscription(
        self, *args, event_callbacks: SubscriptionEventCallbacks | None = None, **options
    ) -> Subscription:
        """Create a subscription without rclpy's default event handlers: see :meth:`create_publisher`."""
        events = event_callbacks or SubscriptionEventCallbacks(use_default_callbacks=False)
        return super().create_subscription(*args, event_callbacks=events, **options)

    def create_service(
        self, srv_type: type, name: str, callback: Callable, *, qos_profile: QoSProfile = SERVICE, **options
    ) -> Service:
        """Create a service that keeps as many requests and responses as its node answers at once."""
        answering = answered_always(srv_type, callback)
        return super().create_service(srv_type, name, answering, qos_profile=qos_profile, **options)

    def activate(self) -> None:
        """Load what the work needs.

        :raises FacetrackError: it cannot be loaded; the node stays inactive.
        """

    def deactivate(self) -> None:
        """Finish pending work and free what :meth:`activate` loaded."""

    def cleanup(self) -> None:
        """Free the rest."""

    def close(self) -> None:
        """Free everything for good; called once."""

    def start(self, autostart: bool) -> None:
        """Configure and activate, or log the command that does.

        :raises FacetrackError: the node cannot be activated.
        """
        if autostart:
            self.transition("configure", quiet=True)
            self.transition("activate", quiet=True)
        else:
            self.get_logger().info(
                f"{self.get_name()} waits to be configured: "
                f"ros2 lifecycle set {self.get_fully_qualified_name()} configure"
            )

    def transition(self, name: str, quiet: bool = False) -> None:
        """Make a transition: ``configure``, ``activate``, ``deactivate`` or ``cleanup``.

        :param quiet: do not log it, for callers that log one line for many nodes.
        :raises FacetrackError: the transition failed.
        """
        with self._changing:
            self._quiet, self._failure = quiet, None
            try:
                done = getattr(self, f"trigger_{name}")() == _SUCCESS
            finally:
                self._quiet = False
            if not done:
                raise self._failure or FacetrackError(f"{self.get_name()} does not {name}; its log says why")

    @property
    def state(self) -> str:
        """``unconfigured``, ``inactive``, ``active``, ``finalized``, or the name of a running transition."""
        return self._state_machine.current_state[1]

    def end(self) -> None:
        """Close the node unless it is closed."""
        with self._changing:
            if not self._closed:
                self._closed, self.active = True, False
                self.close()
                ros_logging.detach(self)

    def resolve(self, future: Future, result: Any = None) -> None:
        """Set a future's result from another thread and wake the executor, which otherwise resumes the awaiting
        coroutine only at its next wake-up."""
        future.set_result(result)
        self._wake()

    def _wake(self) -> None:
        if self.executor is not None:
            self.executor.wake()

    async def run_in(self, worker: Worker, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call a function in a worker of calls, so that models and disks do not block the executor.

        :return: its result.
        :raises Exception: its exception; the worker logs those that are no :class:`FacetrackError`.
        """
        done = Future()

        def call() -> None:
            try:
                self.resolve(done, function(*arguments))
            except Exception as error:
                done.set_exception(error)
                self._wake()
                if not isinstance(error, FacetrackError):
                    raise

        worker.put("", (call,))
        return await done

    async def _serve_change(self, request: ChangeState.Request, response: ChangeState.Response) -> ChangeState.Response:
        done = Future()
        threading.Thread(
            target=self._change, args=(request, response, done), name=f"{self.get_name()} transition", daemon=True
        ).start()
        await done
        return response

    def stoppable(self) -> bool:
        """Whether a transition that stops the node may be requested as a service; overridden by subclasses."""
        return True

    def _refused(self, request: ChangeState.Request) -> bool:
        """Whether a transition is one that stops the node, and no peer may stop it."""
        asked = request.transition
        if (asked.label not in _STOPPING.values() and asked.id not in _STOPPING) or self.stoppable():
            return False
        label = asked.label or _STOPPING[asked.id]
        self.inbox.refuse("transition", "", f"no {label} is taken while allow_remote_changes is false", "transition")
        return True

    def _change(self, request: ChangeState.Request, response: ChangeState.Response, done: Future) -> None:
        try:
            with self._changing:
                if self._refused(request):
                    response.success = False
                else:
                    self._change_state(request, response)
        except Exception as error:  # the requester waits for a response in any case
            response.success = False
            self.get_logger().warning(
                f"{self.get_name()} is {self.state}, and takes no transition "
                f"{request.transition.label or request.transition.id} then ({error})"
            )
        finally:
            self.resolve(done)

    def _log_state(self, sentence: str) -> None:
        if not self._quiet:
            self.get_logger().info(f"{self.get_name()} {sentence}")

    def _attempt(self, step: Callable[[], None], success: str, failure: str) -> TransitionCallbackReturn:
        """Run a transition's step; log an error and keep the state, where rclpy enters an error state silently."""
        try:
            step()
        except FacetrackError as error:
            self._failure = error
            if not self._quiet:
                self.get_logger().error(f"{self.get_name()} {failure}: {error}")
            return _FAILURE
        except Exception as error:
            self.get_logger().error(f"unexpected {type(error).__name__}: {error}\n{traceback.format_exc()}")
            return _FAILURE
        self._log_state(success)
        return _SUCCESS

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Configure; nothing is loaded yet."""
        self._log_state("is configured, and waits to be activated")
        return _SUCCESS

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Activate."""
        outcome = self._attempt(self.activate, "is active", "cannot be activated")
        self.active = outcome == _SUCCESS
        return outcome

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Deactivate."""
        self.active = False
        return self._attempt(self.deactivate, f"is inactive: {self.WHILE_INACTIVE}", "cannot be deactivated")

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Clean up."""
        return self._attempt(self.cleanup, "is unconfigured, and holds nothing any more", "cannot be cleaned up")

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Shut down; other nodes of the process continue."""
        return self._attempt(self.end, "is finalized until its process is started anew", "cannot be shut down")

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Return to unconfigured."""
        self.active = False
        return _SUCCESS
