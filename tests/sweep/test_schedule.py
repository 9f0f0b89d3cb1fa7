"""Which task is next: no barrier between stages, failures set aside, a million tiles in little memory."""

from __future__ import annotations

import time
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
import yaml
from launching import GRID, grid_with

import sweep.planning.cells
import sweep.planning.plan
from sweep.grid.resolve import resolve
from sweep.planning.plan import Plan, Task, make_plan
from sweep.run.account import Account
from sweep.run.failure import PointFailure
from sweep.run.schedule import ATTEMPTS, Schedule


def nothing_done(plan: Plan) -> dict[str, np.ndarray]:
    return {name: np.zeros(stage.stage.shape, bool) for name, stage in plan.stages.items()}


def fine_plan(monkeypatch, **changes) -> Plan:
    monkeypatch.setattr(sweep.planning.cells, "CELL_SECONDS", 1e-5)
    monkeypatch.setattr(sweep.planning.plan, "TILE_SECONDS", 1e-5)
    return make_plan(grid_with(**changes))


def failing_at(point: int) -> Account:
    return Account(failures=[PointFailure(point, "it raised")])


def drain(schedule: Schedule) -> list[Task]:
    """Do every task that is ready, one at a time."""
    order = []
    while (task := schedule.next()) is not None:
        order.append(task)
        schedule.complete(task, Account())
    return order


def test_a_tile_starts_as_soon_as_what_it_reads_is_complete(monkeypatch) -> None:
    """Walks at size 3 read throws at size 3 only: they run before the throws at size 6 are done."""
    plan = fine_plan(monkeypatch)
    order = [(task.stage, task.cells.start) for task in drain(Schedule(plan, nothing_done(plan)))]
    assert len(order) == 18 + 6
    first_walk = next(place for place, (stage, _) in enumerate(order) if stage == "walk")
    last_throw = max(place for place, (stage, _) in enumerate(order) if stage == "throw")
    assert first_walk < last_throw
    before = [cell for stage, cell in order[:first_walk] if stage == "throw"]
    assert set(range(9)) <= set(before), "all nine temperatures of size 3 are complete by then"


def test_failing_point_is_tried_again_then_set_aside_and_only_its_readers_wait(monkeypatch) -> None:
    plan = fine_plan(monkeypatch)
    schedule = Schedule(plan, nothing_done(plan))
    verdicts = []
    while (task := schedule.next()) is not None:
        failing = task.stage == "throw" and 0 in task.cells
        schedule.complete(task, failing_at(0) if failing else Account())
        if failing:
            verdicts.append(schedule.fail("throw", 0))
    assert verdicts == [(n, n == ATTEMPTS) for n in range(1, ATTEMPTS + 1)]
    progress = schedule.progress()
    assert (progress["throw"].done, progress["throw"].failed, progress["throw"].waiting) == (17, 1, 0)
    assert (progress["walk"].done, progress["walk"].failed, progress["walk"].waiting) == (3, 0, 3), "size 3 lacks one"


def wilful_plan(**changes: object) -> Plan:
    """Return a plan of twenty points in one cell, and as many that read one each."""
    stages = {
        "a": {"kernel": "wilful:WILFUL", "axes": {"x": {"count": 20}}, **changes},
        "b": {"kernel": "wilful:READER", "axes": {"x": {"count": 20}}, "inputs": {"data": "a"}},
    }
    document = {"name": "wilful", "seed": 5, "stages": stages}
    return make_plan(resolve(document, yaml.safe_dump(document, sort_keys=False), "wilful.yaml"))


def test_points_of_one_cell_fail_and_wait_each_for_itself() -> None:
    """What can be done of a cell is, a retry leaves out all else, and who reads what failed waits alone."""
    plan = wilful_plan()
    schedule = Schedule(plan, nothing_done(plan), attempts=2)
    first = schedule.next()
    assert first is not None
    assert (first.stage, schedule.next()) == ("a", None)
    schedule.complete(first, failing_at(7))
    assert schedule.fail("a", 7) == (1, False)
    again = schedule.next()
    assert again is not None
    assert schedule.left_of(again) == [7]
    schedule.complete(again, failing_at(7))
    assert schedule.fail("a", 7) == (2, True)
    (rest,) = drain(schedule)
    assert (rest.stage, rest.without) == ("b", {7})
    progress = schedule.progress()["b"]
    assert (progress.done, progress.failed, progress.waiting) == (19, 0, 1)


@pytest.mark.parametrize(
    ("given", "state", "memory"),
    [
        ({}, 2**20, 0),
        ({}, 2**22, 2**28),
        ({"memory": "3 GB"}, 2**22, 3 * 10**9),
    ],
)
def test_memory_is_what_a_cell_was_seen_to_take_unless_the_grid_says_it(
    given: dict[str, object], state: int, memory: int
) -> None:
    """States of 20 points, twice: 40 MiB, too little to be counted, or 160 MiB."""
    plan = wilful_plan(**given)
    schedule = Schedule(plan, nothing_done(plan))
    first = schedule.next()
    assert first is not None
    assert first.resources.memory == (memory if given else 0)
    schedule.complete(first, replace(failing_at(7), state=state))
    schedule.fail("a", 7)
    again = schedule.next()
    assert again is not None
    assert again.resources.memory == memory


def test_a_cell_is_never_handed_out_twice_at_once() -> None:
    """A point that killed its worker and the rest of its tile share a chunk: two writers would lose updates."""
    plan = wilful_plan()
    schedule = Schedule(plan, nothing_done(plan))
    task = schedule.next()
    assert task is not None
    schedule.give_back(task, careful=True, without={7})
    assert schedule.fail("a", 7, careful=True) == (1, False)
    rest = schedule.next()
    assert rest is not None
    assert (rest.careful, rest.without, schedule.next()) == (True, {7}, None)
    schedule.complete(rest, Account())
    alone = schedule.next()
    assert alone is not None
    assert (schedule.left_of(alone), alone.careful) == ([7], True)


def test_a_cell_that_is_given_back_leaves_out_what_failed_in_it() -> None:
    """Those points are tried again by themselves; otherwise each would be tried twice for every attempt."""
    plan = wilful_plan()
    schedule = Schedule(plan, nothing_done(plan))
    task = schedule.next()
    assert task is not None
    schedule.complete(task, replace(failing_at(7), rest=len(task.cells)))
    assert schedule.fail("a", 7) == (1, False)
    rest = schedule.next()
    assert rest is not None
    assert 7 not in schedule.left_of(rest)
    schedule.complete(rest, Account())
    again = schedule.next()
    assert again is not None
    assert schedule.left_of(again) == [7]


def test_task_that_was_lost_without_fault_is_handed_out_again(monkeypatch) -> None:
    plan = fine_plan(monkeypatch)
    schedule = Schedule(plan, nothing_done(plan))
    task = schedule.next()
    assert task is not None
    schedule.give_back(task)
    assert task in drain(schedule)
    assert all(stage.done == stage.points for stage in schedule.progress().values())


def test_what_a_worker_compiles_once_is_not_what_points_cost() -> None:
    """Eight points of 10 ms take 2 s, since the first one compiles: 20 000 of them are not said to take an hour."""
    plan = make_plan(grid_with())
    schedule = Schedule(plan, nothing_done(plan))
    task = schedule.next()
    assert task is not None
    account = Account()
    for number in range(8):
        account.note(0.01, 1.9 if number == 0 else 0.01, first=number == 0)
    schedule.complete(task, account, 2.0)
    assert schedule.queue(task.stage).speed.factor == pytest.approx(1.0)
    alone, later = Account(), Account()
    alone.note(0.01, 1.9, first=True)
    later.note(0.01, 0.02)
    later.note(0.01, 0.01)
    assert (alone.usual(2.0), later.usual(2.0)) == (2.0, 2.0), "nobody knows better"


def test_tiles_follow_what_points_cost(monkeypatch) -> None:
    """The first task is small; where points cost a hundred times more or less than said, later ones follow."""
    monkeypatch.setattr(sweep.planning.cells, "CELL_SECONDS", 1e-5)
    plan = make_plan(
        grid_with(walk__axes={"size": [3], "realisation": 200_000}, walk__params={"seconds": 1e-3, "steps": 1})
    )
    done = nothing_done(plan)
    done["throw"][:] = True
    cells = {}
    for factor in (0.01, 1.0, 100.0):
        schedule = Schedule(plan, done)
        lengths = []
        for _ in range(2):
            task = schedule.next()
            assert task is not None
            lengths.append(len(task.cells))
            predicted = float(plan.stages["walk"].seconds.ravel()[task.cells.start : task.cells.stop].sum())
            schedule.complete(task, Account(predicted=predicted), factor * predicted)
        cells[factor] = lengths
    assert cells[0.01][0] == cells[1.0][0] == cells[100.0][0] < cells[1.0][1]
    assert cells[0.01][1] == pytest.approx(200_000 / sweep.planning.plan.TILES_AT_LEAST, rel=0.02), "for all workers"
    assert cells[100.0][1] == pytest.approx(cells[1.0][1] / 100, rel=0.1)


def test_tiles_follow_the_number_of_workers(monkeypatch) -> None:
    """A stage is cut into a few tasks for each worker, and none is shorter than a launcher can serve so many."""
    monkeypatch.setattr(sweep.planning.cells, "CELL_SECONDS", 1e-5)
    plan = make_plan(
        grid_with(walk__axes={"size": [3], "realisation": 2000}, walk__params={"seconds": 0.1, "steps": 1})
    )
    stage = plan.stages["walk"]
    assert [stage.tile_seconds(workers=workers) for workers in (1, 64)] == pytest.approx([2.0, 200 / 256], rel=0.01)
    assert stage.tile_seconds(1e6, 64) == 2.0
    assert stage.tile_seconds(1e6, 32_000) == pytest.approx(160.0)  # 200 tasks a second
    done = nothing_done(plan)
    done["throw"][:] = True
    tasks: dict[int, int] = {}
    for workers in (1, 64):
        schedule = Schedule(plan, done)
        tasks[workers] = 0
        while (task := schedule.next(workers=workers)) is not None:
            tasks[workers] += 1
            schedule.complete(task, Account(predicted=0.1 * len(task.cells)), 0.1 * len(task.cells))
    assert tasks == {1: pytest.approx(105, abs=6), 64: pytest.approx(286, rel=0.05)}


def test_the_longest_are_begun_first_and_the_short_ones_fill_up_the_end() -> None:
    """On four workers 80 s, the least that there is; the longest last, as labels stand, it is 92 s."""
    axes = {"size": [3], "seconds": [0.001, 4.0, 40.0, 8.0], "realisation": 5}
    plan = make_plan(grid_with(walk__axes=axes, walk__params={"steps": 1}))
    done = nothing_done(plan)
    done["throw"][:] = True
    seconds = plan.stages["walk"].per_cell(plan.stages["walk"].seconds)
    schedule, took = Schedule(plan, done), []
    while (task := schedule.next(workers=4)) is not None:
        took.append(round(float(seconds[task.cells.start : task.cells.stop].sum()), 2))
    assert took[:15] == [40.0] * 5 + [8.0] * 5 + [4.0] * 5
    assert sum(took[15:]) == pytest.approx(0.0, abs=0.02)

    def end(order: list[float]) -> float:
        ends = [0.0] * 4
        for each in order:
            ends[ends.index(min(ends))] += each
        return max(ends)

    assert (end(took), end(sorted(took))) == (pytest.approx(80.0, abs=0.1), pytest.approx(92.0, abs=0.1))


def test_of_stages_that_do_not_wait_for_each_other_the_longest_way_comes_first() -> None:
    """Also where it is a short stage that a long one reads; what was begun is brought to its end before."""
    stage = {"kernel": "toys:WALK", "params": {"steps": 1}, "axes": {"size": [3]}}
    stages = {"throw": GRID["stages"]["throw"]}
    for name, reads, seconds in [("a", "throw", 9.0), ("b", "throw", 5.0), ("c", "throw", 20.0)]:
        stages[name] = {**stage, "inputs": {"data": reads}, "params": {"steps": 1, "seconds": seconds}}
    other = {"throw2": GRID["stages"]["throw"], "d": {**stages["a"], "inputs": {"data": "throw2"}}}
    other["d"]["params"] = {"steps": 1, "seconds": 30.0}
    document = {"name": "toy", "seed": 1, "stages": {**stages, **other}}
    plan = make_plan(resolve(document, yaml.safe_dump(document, sort_keys=False), "toy.yaml"))
    order = list(dict.fromkeys(task.stage for task in drain(Schedule(plan, nothing_done(plan)))))
    assert order == ["throw2", "d", "throw", "c", "a", "b"]


def test_only_what_is_open_is_handed_out(monkeypatch) -> None:
    plan = fine_plan(monkeypatch)
    done = nothing_done(plan)
    done["throw"][:] = True
    done["walk"][0] = True
    order = drain(Schedule(plan, done))
    assert [task.stage for task in order] == ["walk"] * 3


def test_a_plan_of_many_tiles_stays_small(monkeypatch) -> None:
    """200 000 tiles: a handful of bytes each, and each is handed out in well under a millisecond."""
    count = 200_000
    plan = fine_plan(monkeypatch, walk__axes={"size": [3], "realisation": count})
    stage = plan.stages["walk"]
    assert stage.tasks_of(stage.blocks > 0) == count
    done = nothing_done(plan)
    done["throw"][:] = True
    tracemalloc.start()
    schedule = Schedule(plan, done)
    began = time.perf_counter()
    for _ in range(1000):
        task = schedule.next()
        assert task is not None
        schedule.complete(task, Account())
    seconds = time.perf_counter() - began
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 300 * count, "bytes"
    assert seconds < 10
