"""Worker pools; each worker owns its models."""

import multiprocessing
import signal
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from multiprocessing.connection import Connection, wait
from queue import SimpleQueue
from typing import Any, Generic, Protocol, TypeVar

from facetrack_ros.errors import FacetrackError, ModelError

Models = TypeVar("Models")
Task = TypeVar("Task")
Result = TypeVar("Result")
TaskIn = TypeVar("TaskIn", contravariant=True)
ResultOut = TypeVar("ResultOut", covariant=True)

#: Maximum in-flight tasks per worker: enough that no worker idles while the caller handles a result. Chosen by hand.
IN_FLIGHT = 3
# Tasks sent to a process: the one it runs, and the next.
_SENT = 2
_END_S = 5.0


class WorkerPool(Protocol[TaskIn, ResultOut]):
    """Runs tasks in parallel.

    :ivar max_in_flight: tasks to keep started, so that no worker idles.
    """

    max_in_flight: int

    def start(self, task: TaskIn) -> Callable[[], ResultOut]:
        """Start a task; the returned function waits for its result, or raises what the task raised."""

    def close(self) -> None:
        """End the workers; tasks that did not begin are discarded."""


class ThreadWorkerPool(Generic[Models, Task, Result]):
    """One worker thread beside the caller: for models on a graphics card, and for a single core.

    :param run: runs a task.
    """

    def __init__(self, models: Models, run: Callable[[Models, Task], Result]):
        self.max_in_flight = IN_FLIGHT
        self._run = partial(run, models)
        self._threads = ThreadPoolExecutor(1, "vision")

    def start(self, task: Task) -> Callable[[], Result]:
        """See :class:`WorkerPool`."""
        return self._threads.submit(self._run, task).result

    def close(self) -> None:
        """See :class:`WorkerPool`."""
        self._threads.shutdown(cancel_futures=True)


class ProcessWorkerPool(Generic[Models, Task, Result]):
    """Worker processes and the caller. Threads of one process that run models wait for its interpreter lock, the longer
    the more of them there are; processes do not.

    The caller runs tasks while it waits for a result. All calls come from one thread. Each process ends with the
    caller, even if the caller is killed.

    :param models: the caller's models.
    :param run: runs a task in the caller.
    :param open_models: opens the models of a process; what it raises is raised here.
    :param run_in_process: runs a task in a process; like ``open_models``, tasks and results it must be picklable.
    :param count: number of processes.
    :raises ModelError: a process ended while it opened its models.
    """

    def __init__(
        self,
        models: Models,
        run: Callable[[Models, Task], Result],
        open_models: Callable[[], Models],
        run_in_process: Callable[[Models, Task], Result],
        count: int,
    ):
        self.max_in_flight = IN_FLIGHT * (count + 1)
        self._run = partial(run, models)
        self._waiting: deque[_Pending] = deque()
        self._processes = [_WorkerProcess(open_models, run_in_process) for _ in range(count)]
        try:
            for process in self._processes:
                process.receive()  # once all are started
        except BaseException:
            self.close()
            raise

    def start(self, task: Task) -> Callable[[], Result]:
        """See :class:`WorkerPool`.

        :raises ModelError: raised by the returned function: a process ended.
        """
        pending = _Pending(task)
        self._waiting.append(pending)
        self._dispatch()
        return partial(self._result, pending)

    def close(self) -> None:
        """See :class:`WorkerPool`."""
        for process in self._processes:
            process.close()

    def _result(self, pending: "_Pending") -> Result:
        while True:
            self._dispatch()
            if pending.done():
                return pending.result()
            if self._waiting:
                self._waiting.popleft().run(self._run)
            else:
                wait([process.results for process in self._processes if process.sent])

    def _dispatch(self) -> None:
        for process in self._processes:
            while process.sent and process.results.poll():
                process.receive()
            while self._waiting and len(process.sent) < _SENT:
                process.send(self._waiting.popleft())


class _Pending(Future):
    def __init__(self, task: object):
        super().__init__()
        self.task = task

    def run(self, run: Callable[[Any], Any]) -> None:
        try:
            self.set_result(run(self.task))
        except Exception as error:  # raised by result()
            self.set_exception(error)


class _WorkerProcess:
    """A process that opens its models and then runs one task after the other.

    :ivar sent: its tasks without a result yet, the one it runs first.
    """

    def __init__(self, open_models: Callable[[], Any], run: Callable[[Any, Any], Any]):
        context = multiprocessing.get_context("spawn")  # onnxruntime and torch do not survive a fork
        tasks, self._tasks = context.Pipe(duplex=False)
        self.results, results = context.Pipe(duplex=False)
        arguments = (open_models, run, tasks, results)
        self._process = context.Process(target=_main, args=arguments, name="vision", daemon=True)
        self._process.start()
        tasks.close()  # so that either side notices the end of the other
        results.close()
        self.sent: deque[_Pending] = deque([_Pending(None)])  # opening its models

    def send(self, pending: _Pending) -> None:
        try:
            self._tasks.send(pending.task)
        except OSError as error:
            raise self._ended() from error
        self.sent.append(pending)

    def receive(self) -> None:
        """Wait for the next result and set it."""
        try:
            succeeded, outcome = self.results.recv()
        except (EOFError, OSError) as error:
            raise self._ended() from error
        pending = self.sent.popleft()
        if succeeded:
            pending.set_result(outcome)
        elif pending.task is None:
            raise outcome  # its models do not open
        else:
            pending.set_exception(outcome)

    def close(self) -> None:
        self._tasks.close()
        self.results.close()
        self._process.join(_END_S)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()

    def _ended(self) -> ModelError:
        self._process.join(_END_S)
        return ModelError(
            f"a worker process ended with exit code {self._process.exitcode} (below 0: a signal); was there too little "
            "memory? models.workers sets how many there are"
        )


def _main(
    open_models: Callable[[], Any], run: Callable[[Any, Any], Any], tasks: Connection, results: Connection
) -> None:
    """Main function of a worker process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the caller ends it
    with suppress(EOFError, OSError):  # the caller has ended
        try:
            models = open_models()
        except Exception as error:
            results.send((False, _picklable(error)))
            return
        results.send((True, None))
        received: SimpleQueue[Any] = SimpleQueue()
        # On a thread of its own: a large task and a large result that wait for each other's pipe would never end.
        threading.Thread(target=_read, args=(tasks, received), daemon=True).start()
        while (task := received.get()) is not None:
            try:
                outcome = True, run(models, task)
            except Exception as error:
                outcome = False, _picklable(error)
            results.send(outcome)


def _read(tasks: Connection, received: SimpleQueue[Any]) -> None:
    try:
        with suppress(EOFError, OSError):  # the caller has ended
            while True:
                received.put(tasks.recv())
    finally:
        received.put(None)


def _picklable(error: Exception) -> Exception:
    """The error, or a RuntimeError with its text: exceptions of libraries may not unpickle."""
    return error if isinstance(error, FacetrackError) else RuntimeError(f"{type(error).__name__}: {error}")
