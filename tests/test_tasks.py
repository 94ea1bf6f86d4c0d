"""Tasks shared out: each is finished once under its key, and the first error ends all."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from lib.runtime.devices import one_thread
from lib.runtime.tasks import run_tasks

TASKS = {"a": (pow, 2, 3), "b": (pow, 3, 2), "c": (int, "4")}


@pytest.mark.parametrize("threads", [0, 2])
def test_every_result_comes_once_under_its_key(inline, threads):
    found, asked = [], []
    executor = ThreadPoolExecutor(threads) if threads else inline

    def work(key):
        asked.append(key)
        return 2.0

    run_tasks(TASKS, lambda key, future: found.append((key, future.result())), "counting", executor, work)
    assert sorted(found) == [("a", 8), ("b", 9), ("c", 4)] and set(asked) == set(TASKS)


def test_an_error_that_finishing_raises_ends_all_and_one_that_it_takes_does_not(inline):
    tasks = {"wrong": (int, "x"), **TASKS}
    with pytest.raises(ValueError, match="invalid literal"):
        run_tasks(tasks, lambda key, future: future.result(), "counting", inline)
    failed = {}
    run_tasks(tasks, lambda key, future: failed.update({key: future.exception()}), "counting", inline)
    assert [key for key, error in failed.items() if error] == ["wrong"] and len(failed) == 4


def die(marks, name, times):
    """Kills its own process so many times, then gives the name."""
    for number in range(times):
        mark = marks / f"{name}{number}"
        if not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
    return name


def test_a_killed_process_costs_its_own_task_a_second_try_and_no_other_anything(tmp_path):
    deaths = {"first": 0, "dying": 1, "third": 0, "dead": 2, "last": 0}
    found = {}
    run_tasks(
        {name: (die, tmp_path, name, count) for name, count in deaths.items()},
        lambda key, future: found.update({key: future.exception() or future.result()}),
        "dying",
    )
    assert "was killed, and so was a second one" in str(found.pop("dead"))
    assert found == {name: name for name in ("first", "dying", "third", "last")}


def test_one_thread_is_given_back_also_after_an_error(two_threads):
    with pytest.raises(ZeroDivisionError), one_thread():
        assert torch.get_num_threads() == 1
        1 / 0
