"""Issue 6, 2 and 3: killed at any instant a run goes on, and ends in the very same bytes; cancel cancels."""

import random
import time

import pytest
from flask import Flask

from research_dashboard.research.steps import RESULT_TYPES, STEPS
from research_dashboard.services import runs
from research_dashboard.worker import Worker
from tests.faults.bench import let_leases_run_out, process_of, status, steps, stored, until, worker


def start(company: str = "AAPL", **options: object) -> int:
    return runs.start_research(company, "ann", peers=["MSFT", "NVDA"], options=options).run_id


@pytest.fixture(scope="module")
def unbroken() -> dict[str, list[tuple[str, str]]]:
    """The results of runs that nothing broke, by company."""
    return {}


def expected(app: Flask, company: str, unbroken: dict[str, list[tuple[str, str]]]) -> list[tuple[str, str]]:
    if company not in unbroken:
        run_id = start(company, unbroken=True)
        Worker(app).work()
        assert status(run_id) == "Completed"
        unbroken[company] = stored(run_id)
        assert [kind for kind, _ in unbroken[company]] == list(RESULT_TYPES)
    return unbroken[company]


@pytest.mark.parametrize("fault", ["after", "inside"])
@pytest.mark.parametrize("position", [1, 2, 3, 4, 5])
def test_d10_killed_in_a_step_the_run_goes_on_and_ends_in_the_same_bytes(
    bundled: Flask, unbroken: dict[str, list[tuple[str, str]]], fault: str, position: int
) -> None:
    if (fault, position) == ("inside", len(STEPS)):
        pytest.skip("the last checkpoint begins no step")
    wanted = expected(bundled, "AAPL", unbroken)
    run_id = start()
    with worker(bundled, fault, str(position)) as process:
        assert process.wait(60) == -9
    assert status(run_id) == "Running"
    assert [state for state, _ in steps(run_id)] == ["Completed"] * (position - 1) + ["Running"] + ["Pending"] * (
        len(STEPS) - position
    )
    assert {RESULT_TYPES[kind] for kind, _ in stored(run_id)} <= set(range(position)), "no results of an open step"
    let_leases_run_out()
    Worker(bundled).work()
    assert status(run_id) == "Completed"
    assert [attempt for _, attempt in steps(run_id)] == [2 if n == position else 1 for n in range(1, len(STEPS) + 1)]
    assert stored(run_id) == wanted


def test_two_processes_share_the_work_and_one_takes_over_when_the_other_is_killed(
    bundled: Flask, unbroken: dict[str, list[tuple[str, str]]]
) -> None:
    chance = random.Random(6)
    wanted = expected(bundled, "AAPL", unbroken)
    ids = [start(n=number) for number in range(6)]
    with worker(bundled) as first, worker(bundled):
        until(lambda: any(status(run_id) != "Queued" for run_id in ids))
        time.sleep(chance.random() / 5)
        first.kill()
        until(lambda: all(status(run_id) == "Completed" for run_id in ids))
    assert all(stored(run_id) == wanted for run_id in ids)


def test_a_worker_told_to_end_hands_its_run_back_and_the_next_goes_on_at_once(bundled: Flask) -> None:
    run_id = start()
    with worker(bundled, "slow", "3") as process:
        until(lambda: steps(run_id)[2][0] == "Running")
        process.terminate()
        assert process.wait(30) == 0
    assert (status(run_id), steps(run_id)[2][0]) == ("Running", "Pending")
    Worker(bundled).work()
    assert status(run_id) == "Completed"


@pytest.mark.parametrize("fault", ["slow", "stuck"])
def test_cancelled_within_two_seconds_also_in_the_middle_of_a_slow_fetch(bundled: Flask, fault: str) -> None:
    run_id = start()
    with worker(bundled, fault, "2"):
        until(lambda: steps(run_id)[1][0] == "Running")
        assert runs.cancel(run_id) == "Cancelling"
        assert until(lambda: status(run_id) == "Cancelled", 10) < 2.0
        time.sleep(0.5)
    assert status(run_id) == "Cancelled"
    assert [state for state, _ in steps(run_id)] == ["Completed", "Cancelled", "Pending", "Pending", "Pending"]


def test_a_run_that_kills_its_worker_five_times_ends_failed(bundled: Flask) -> None:
    run_id = start()
    for _ in range(5):
        with worker(bundled, "before", "1") as process:
            assert process.wait(60) == -9
        let_leases_run_out()
    with worker(bundled):
        until(lambda: status(run_id) == "Failed")
    assert stored(run_id) == []


def test_without_any_worker_the_run_is_interrupted_within_ten_seconds_and_resumed_by_the_next(bundled: Flask) -> None:
    run_id = start()
    with process_of(bundled, ["tests.faults.web_only"]), worker(bundled, "after", "2") as process:
        assert process.wait(60) == -9
        died = time.monotonic()
        until(lambda: status(run_id) == "Interrupted")
        assert time.monotonic() - died < 15  # ten, and some for a machine that is busy with other tests
    with worker(bundled):
        until(lambda: status(run_id) == "Completed")
    assert [attempt for _, attempt in steps(run_id)] == [1, 2, 1, 1, 1]
