"""Which task is next: no barrier between stages, failures set aside, a million tiles in little memory."""

from __future__ import annotations

import time
import tracemalloc

import numpy as np
from launching import grid_with

import sweep.plan.plan
from sweep.plan.plan import Plan, Task, make_plan
from sweep.run.schedule import ATTEMPTS, Schedule


def nothing_done(plan: Plan) -> dict[str, np.ndarray]:
    return {name: np.zeros(stage.stage.shape, bool) for name, stage in plan.stages.items()}


def fine_plan(monkeypatch, **changes) -> Plan:
    monkeypatch.setattr(sweep.plan.plan, "CELL_SECONDS", 1e-5)
    monkeypatch.setattr(sweep.plan.plan, "TILE_SECONDS", 1e-5)
    return make_plan(grid_with(**changes))


def drain(schedule: Schedule) -> list[Task]:
    """Do every task that is ready, one at a time."""
    order = []
    while (task := schedule.next()) is not None:
        order.append(task)
        schedule.complete(task)
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


def test_failing_task_is_tried_again_then_set_aside_and_its_readers_wait(monkeypatch) -> None:
    plan = fine_plan(monkeypatch)
    schedule = Schedule(plan, nothing_done(plan))
    verdicts = []
    done = []
    while (task := schedule.next()) is not None:
        if (task.stage, task.cells.start) == ("throw", 0):
            verdicts.append(schedule.fail(task))
        else:
            done.append(task)
            schedule.complete(task)
    assert verdicts == [(n, n == ATTEMPTS) for n in range(1, ATTEMPTS + 1)]
    progress = schedule.progress()
    assert (progress["throw"].done, progress["throw"].failed) == (17, 1)
    assert progress["walk"].done == 3, "walks at size 6 ran, those at size 3 lack an input"


def test_task_that_was_lost_without_fault_is_handed_out_again(monkeypatch) -> None:
    plan = fine_plan(monkeypatch)
    schedule = Schedule(plan, nothing_done(plan))
    task = schedule.next()
    assert task is not None
    schedule.give_back(task)
    assert task in drain(schedule)
    assert all(stage.done == stage.tasks for stage in schedule.progress().values())


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
    assert len(stage.tiles) - 1 == count
    done = nothing_done(plan)
    done["throw"][:] = True
    tracemalloc.start()
    schedule = Schedule(plan, done)
    began = time.perf_counter()
    for _ in range(1000):
        task = schedule.next()
        assert task is not None
        schedule.complete(task)
    seconds = time.perf_counter() - began
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 300 * count, "bytes"
    assert seconds < 10
