"""Offline, frames are looked at side by side and nothing depends on how long a look takes."""

import threading

import pytest

from facetrack_ros.vision.in_order import AHEAD, in_order

DEADLINE_S = 10.0


def test_results_come_in_the_order_of_the_items_whatever_finishes_first():
    second_done = threading.Event()

    def begin(item):
        def work(models):
            if item == 0:
                assert second_done.wait(DEADLINE_S)
            if item == 1:
                second_done.set()
            return item * 10
        return work

    assert list(in_order(range(6), ["models 1", "models 2"], begin)) == [(item, item * 10) for item in range(6)]


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_what_is_decided_at_the_beginning_of_a_look_knows_the_same_results_each_time(workers):
    def run():
        handed_out, known = [], []

        def begin(item):
            known.append(tuple(handed_out))
            return lambda models: item

        for item, _ in in_order(range(8), ["models"] * workers, begin):
            handed_out.append(item)
        return known

    first = run()
    assert first == run() == run()
    assert [len(each) for each in first] == [max(0, item + 1 - AHEAD * workers) for item in range(8)]


def test_no_two_looks_share_models():
    busy, shared = set(), []
    both = threading.Barrier(2, timeout=DEADLINE_S)

    def begin(_item):
        def work(models):
            shared.append(models in busy)
            busy.add(models)
            both.wait()
            busy.discard(models)
        return work

    list(in_order(range(4), ["models 1", "models 2"], begin))
    assert shared == [False] * 4


@pytest.mark.parametrize("workers", [2, 3])
def test_the_caller_is_one_of_the_threads_at_work(workers):
    at_work, together = set(), threading.Barrier(workers, timeout=DEADLINE_S)

    def begin(_item):
        def work(models):
            together.wait()  # all of them at once, else it breaks
            at_work.add(threading.current_thread())
        return work

    outcomes = [outcome for _, outcome in in_order(range(2 * workers), ["models"] * workers, begin)]
    assert outcomes == [None] * 2 * workers
    assert len(at_work) == workers and threading.current_thread() in at_work


def test_with_one_set_of_models_the_caller_goes_on_beside_it():
    at_work = []
    outcomes = list(in_order(range(3), ["models"], lambda item: lambda models: at_work.append(threading.current_thread())))
    assert [item for item, _ in outcomes] == [0, 1, 2]
    assert len(set(at_work)) == 1 and threading.current_thread() not in at_work


def test_an_error_is_handed_out_in_its_turn_and_the_others_go_on():
    def begin(item):
        return lambda models: 1 / item

    (_, first), (_, error), (_, last) = in_order([1, 0, 2], ["models"], begin)
    assert first == 1.0 and isinstance(error, ZeroDivisionError) and last == 0.5
