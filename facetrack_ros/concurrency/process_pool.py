"""Who works at tasks side by side, each with models of its own: another thread, or other processes."""

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
from typing import Generic, Protocol, TypeVar

from facetrack_ros.errors import FacetrackError, ModelError

Models = TypeVar("Models")
Task = TypeVar("Task")
Result = TypeVar("Result")

#: Tasks on their way for each who works: enough that everybody has something to go on with while the caller is at work itself.
AHEAD = 3
# Of them so many are handed to a process: the one it works at, and the next.
_GIVEN = 2
_END_S = 5.0


class WorkerPool(Protocol[Task, Result]):
    """Takes tasks and does them side by side.

    :ivar ahead: how many should be on their way, so that nobody waits for work.
    """

    ahead: int

    def start(self, task: Task) -> Callable[[], Result]:
        """Take a task; what is returned waits for its result, or raises what the work raised."""

    def close(self) -> None:
        """End. What was not done is not done any more."""


class ThreadWorkerPool(Generic[Models, Task, Result]):
    """One set of models and one thread, beside which the caller goes on: for models on a graphics card, and for a single core.

    :param work: what is done with a task.
    """

    def __init__(self, models: Models, work: Callable[[Models, Task], Result]):
        self.ahead = AHEAD
        self._work = partial(work, models)
        self._threads = ThreadPoolExecutor(1, "vision")

    def start(self, task: Task) -> Callable[[], Result]:
        """See :class:`WorkerPool`."""
        return self._threads.submit(self._work, task).result

    def close(self) -> None:
        """See :class:`WorkerPool`."""
        self._threads.shutdown(cancel_futures=True)


class ProcessWorkerPool(Generic[Models, Task, Result]):
    """The caller and other processes. In one process threads that look at pictures wait for each other's Python: the more of
    them, the longer.

    The caller works while it waits for a result. For one thread. A killed caller leaves no process behind: each ends where
    nobody can hand it a task any more.

    :param models: the caller's.
    :param work: what the caller does with a task.
    :param open_models: opens those of another process; what it raises is raised here.
    :param work_there: what another process does with a task; like ``open_models``, tasks and results it must be picklable.
    :param count: of other processes.
    :raises ModelError: a process ended while it opened its models.
    """

    def __init__(
        self,
        models: Models,
        work: Callable[[Models, Task], Result],
        open_models: Callable[[], Models],
        work_there: Callable[[Models, Task], Result],
        count: int,
    ):
        self.ahead = AHEAD * (count + 1)
        self._work = partial(work, models)
        self._waiting: deque[_Pending] = deque()
        self._helpers = [_WorkerProcess(open_models, work_there) for _ in range(count)]
        try:
            for helper in self._helpers:
                helper.take()  # when all of them are on their way
        except BaseException:
            self.close()
            raise

    def start(self, task: Task) -> Callable[[], Result]:
        """See :class:`WorkerPool`; the result must be asked for on this thread.

        :raises ModelError: of the result: a process ended.
        """
        pending = _Pending(task)
        self._waiting.append(pending)
        self._hand_out()
        return partial(self._result, pending)

    def close(self) -> None:
        """See :class:`WorkerPool`."""
        for helper in self._helpers:
            helper.close()

    def _result(self, pending: "_Pending") -> Result:
        while True:
            self._hand_out()
            if pending.done():
                return pending.result()
            if self._waiting:
                self._waiting.popleft().do(self._work)
            else:
                wait([helper.results for helper in self._helpers if helper.given])

    def _hand_out(self) -> None:
        for helper in self._helpers:
            while helper.given and helper.results.poll():
                helper.take()
            while self._waiting and len(helper.given) < _GIVEN:
                helper.give(self._waiting.popleft())


class _Pending(Future):
    def __init__(self, task: object):
        super().__init__()
        self.task = task

    def do(self, work: Callable[[object], object]) -> None:
        try:
            self.set_result(work(self.task))
        except Exception as error:  # raised where its result is asked for
            self.set_exception(error)


class _WorkerProcess:
    """A process that opens its models and then does one task after the other.

    :ivar given: what it is at or has before it, the first first.
    """

    def __init__(self, open_models: Callable[[], object], work: Callable[[object, object], object]):
        context = multiprocessing.get_context("spawn")  # onnxruntime and torch do not outlive a fork
        tasks, self._tasks = context.Pipe(duplex=False)
        self.results, results = context.Pipe(duplex=False)
        self._process = context.Process(
            target=_help, args=(open_models, work, tasks, results), name="vision", daemon=True
        )
        self._process.start()
        tasks.close()  # so that either side notices when the other has ended
        results.close()
        self.given: deque[_Pending] = deque([_Pending(None)])  # opening its models

    def give(self, pending: _Pending) -> None:
        try:
            self._tasks.send(pending.task)
        except OSError as error:
            raise self._ended() from error
        self.given.append(pending)

    def take(self) -> None:
        """Wait for what it does next, and note it."""
        try:
            done, outcome = self.results.recv()
        except (EOFError, OSError) as error:
            raise self._ended() from error
        pending = self.given.popleft()
        if done:
            pending.set_result(outcome)
        elif pending.task is None:
            raise outcome  # it cannot begin
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
            f"a process that looked at frames ended with {self._process.exitcode}, a signal where below 0; "
            "was there too little memory? models.workers says how many there are"
        )


def _help(
    open_models: Callable[[], object], work: Callable[[object, object], object], tasks: Connection, results: Connection
) -> None:
    """In the other process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started it ends it
    with suppress(EOFError, OSError):  # nobody is there any more
        try:
            models = open_models()
        except Exception as error:
            results.send((False, _told(error)))
            return
        results.send((True, None))
        given: SimpleQueue[object] = SimpleQueue()
        # Read beside the work: else a large task and a large result, each waiting in its pipe for the other side, never end.
        threading.Thread(target=_read, args=(tasks, given), daemon=True).start()
        while (task := given.get()) is not None:
            try:
                outcome = True, work(models, task)
            except Exception as error:
                outcome = False, _told(error)
            results.send(outcome)


def _read(tasks: Connection, given: SimpleQueue[object]) -> None:
    try:
        with suppress(EOFError, OSError):  # nobody is there any more
            while True:
                given.put(tasks.recv())
    finally:
        given.put(None)


def _told(error: Exception) -> Exception:
    """The error as it can be sent: one of a library may have been made in a way that cannot be."""
    return error if isinstance(error, FacetrackError) else RuntimeError(f"{type(error).__name__}: {error}")
