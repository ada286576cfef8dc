"""Offline tasks run in parallel, their results come in order, and nothing depends on timing."""

import os
import subprocess
import sys
import time
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # for the worker processes too
from pool_tasks import DEADLINE_S, fails_to_open, meets_the_others, open_models, passed_on, tenfold

from facetrack_ros.concurrency.ordered_map import ordered_map
from facetrack_ros.concurrency.process_pool import ProcessWorkerPool, ThreadWorkerPool
from facetrack_ros.errors import FrameError, ModelError


def pool(processes, work=tenfold, folder=None):
    models = open_models(folder)
    if not processes:
        return ThreadWorkerPool(models, work)
    return ProcessWorkerPool(models, work, partial(open_models, folder), work, processes)


@pytest.mark.parametrize("processes", [0, 1, 2])
def test_results_come_in_the_order_of_the_items_and_errors_in_their_turn(processes):
    with closing(pool(processes)) as workers:
        found = list(ordered_map([1, 2, 0, 3, "damaged", *range(4, 12)], lambda item: item, workers))
    assert [item for item, _ in found] == [1, 2, 0, 3, "damaged", *range(4, 12)]
    outcomes = dict(found)
    assert isinstance(outcomes.pop(0), FrameError)
    assert "ZeroDivisionError" in repr(outcomes.pop("damaged"))
    assert {item: result[0] for item, result in outcomes.items()} == {item: item * 10 for item in outcomes}


@pytest.mark.parametrize("processes", [0, 1, 2])
def test_begin_is_called_after_the_same_results_each_time(processes):
    def run():
        results, known = [], []

        def begin(item):
            known.append(tuple(results))
            return item

        with closing(pool(processes)) as workers:
            for item, _ in ordered_map(range(1, 12), begin, workers):
                results.append(item)
            return known, workers.max_in_flight

    first, max_in_flight = run()
    assert first == run()[0] == run()[0]
    assert [len(each) for each in first] == [max(0, row + 1 - max_in_flight) for row in range(11)]


@pytest.mark.parametrize("processes", [1, 2])
def test_the_caller_and_the_processes_run_tasks_at_the_same_time(processes, tmp_path):
    with closing(pool(processes, meets_the_others, (tmp_path, processes + 1))) as workers:
        pids = {pid for _, pid in ordered_map(range(4 * (processes + 1)), lambda item: item, workers)}
    assert len(pids) == processes + 1
    assert os.getpid() in pids


def test_tasks_and_results_larger_than_any_pipe_get_through():
    large = [bytes([row]) * 3_000_000 for row in range(12)]
    with closing(ProcessWorkerPool(open_models(), passed_on, open_models, passed_on, 1)) as workers:
        assert [result == item for item, result in ordered_map(large, lambda item: item, workers)] == [True] * 12


def test_models_that_do_not_open_in_a_process_are_an_error_before_the_first_task():
    with pytest.raises(ModelError, match="no such model"):
        ProcessWorkerPool(open_models(), tenfold, fails_to_open, tenfold, 1)


def test_a_killed_process_is_an_error_and_is_not_waited_for():
    workers = ProcessWorkerPool(open_models(), passed_on, open_models, tenfold, 1)
    with closing(workers), pytest.raises(ModelError, match="-9"):
        list(ordered_map(["killed"] * 40, lambda item: item, workers))


def test_a_killed_caller_leaves_no_process_behind(tmp_path):
    script = tmp_path / "caller.py"
    script.write_text(f"""
import multiprocessing, sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from pool_tasks import open_models, tenfold
from facetrack_ros.concurrency.process_pool import ProcessWorkerPool
if __name__ == "__main__":
    workers = ProcessWorkerPool(open_models(), tenfold, open_models, tenfold, 1)
    print(multiprocessing.active_children()[0].pid, flush=True)
    sys.stdin.read()
""")
    caller = subprocess.Popen([sys.executable, str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    worker = int(caller.stdout.readline())
    assert _runs(worker)
    caller.kill()
    caller.communicate(timeout=DEADLINE_S)
    deadline = time.monotonic() + DEADLINE_S
    while _runs(worker):
        assert time.monotonic() < deadline, "the process outlives its caller"
        time.sleep(0.05)


def _runs(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
