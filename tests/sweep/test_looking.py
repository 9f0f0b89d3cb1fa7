"""How a launch is getting on: rates, what is under way, what is left; and how that is told."""

from __future__ import annotations

import io
import json
import time
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
from launching import grid_with, run
from pretended import Pretended, Ran
from rich.console import Console

import sweep
import sweep.display.launching
from sweep.display.amounts import duration, moment, rate
from sweep.display.consoles import plain_console
from sweep.display.forecast import forecast
from sweep.display.launching import JsonDisplay, LiveDisplay, PlainDisplay, display_for
from sweep.display.tables import progress_table, totals
from sweep.planning.plan import Task, make_plan
from sweep.run import log
from sweep.run.account import Account, At
from sweep.run.events import Ended, Event, Look, Notice, Pace, Progress, Started, TaskDone, look_from
from sweep.run.looking import Looking, soonest
from sweep.run.schedule import Schedule
from sweep.store.launches import put_launch, read_launches
from sweep.store.storage import Location
from sweep.store.store import Store

LOOK = Look(
    {
        "ising": (Progress(60, 60), Pace(0, 0.0, 3.2e9, "spin flips", 0.0, 0.0)),
        "rbm": (Progress(10, 4, 1, 2), Pace(2, 1.5, 0.02, "points", 400.0, 90.0)),
    },
    workers=2,
    cores=2,
)


def on_paper(*what: object, width: int = 80) -> str:
    console = Console(file=io.StringIO(), width=width)
    console.print(*what)
    return console.file.getvalue()


def test_what_is_under_way_counts_by_blocks_and_by_time() -> None:
    """Of six walks of ten blocks one is in its third: rates and what is left go on between two ends of tasks."""
    plan = make_plan(grid_with(walk__params={"steps": 10}))
    stage, now = plan.stages["walk"], [0.0]
    done = {name: np.zeros(one.stage.shape, bool) for name, one in plan.stages.items()}
    schedule = Schedule(plan, done)
    looking = Looking(schedule, lambda: now[0])
    while (task := schedule.next()) is not None and task.stage != "walk":
        schedule.complete(task, Account())
    assert task is not None
    looking.begin(task)
    seconds = float(stage.seconds.flat[0])
    now[0] = 0.25 * seconds
    progress, pace = looking.look(schedule, [At(task, 0, 0, 2, 10, 0.2 * seconds)], 2).stages["walk"]
    assert (progress.done, pace.running) == (0, 1)
    assert pace.under_way == pytest.approx(0.25)
    assert pace.rate == pytest.approx(0.25 / now[0])
    assert pace.seconds == pytest.approx(float(stage.seconds.sum()) - 0.25 * seconds)
    assert stage.per_cell(stage.seconds).max() == pace.soonest, "another cell is as long, and not begun"
    stuck = looking.look(schedule, [At(task, 0, 0, 9, 10, -100.0)], 2).stages["walk"][1]
    assert stuck.under_way == 1.0, "a block that takes longer than predicted is no more than one"


def test_a_look_is_the_same_after_it_was_json() -> None:
    assert look_from(json.loads(json.dumps(asdict(LOOK)))) == LOOK
    assert look_from(None) is look_from({"stages": {"a": [{}, {}]}}) is None, "of another version"


def test_the_pool_knows_where_its_actors_are() -> None:
    tasks = [Task("walk", range(n, n + 1)) for n in range(3)]
    ran = Ran(Pretended({"a": {"CPU": 2.0}}, seconds=5.0), tasks, look_at=4.0)
    assert sorted(at.task.cells.start for at in ran.looked) == [0, 1]
    assert all(0.9 <= at.begun <= 1.5 for at in ran.looked), "when they began, on the clock of the launch"


def test_rates_and_times_in_words() -> None:
    assert rate(3.21e9, "spin flips") == "3.21 G spin flips/s"
    assert rate(999.7, "points") == "1 k points/s"
    assert rate(0.05, "points") == "20 s a point"
    assert rate(0.0, "points") == ""
    assert [duration(n) for n in (0.123456, 75, 7200)] == ["0.123 s", "1 min 15 s", "2 h"]
    assert len(moment(3 * 86400)) > len("12:30") == len(moment(0)), "another day is named"


def test_tables_fit_a_terminal_and_say_what_is_left() -> None:
    table = on_paper(progress_table(LOOK.stages, 2), totals(LOOK))
    assert max(map(len, table.splitlines())) <= 80
    assert "60 of 60" in table
    assert "3.2 G spin flips/s" in table
    assert "4 of 10 2 1 (+2 wait) 50 s a point 3 min 20 s" in " ".join(table.split())
    assert "64 of 70 points, about 3 min 20 s left, until" in table
    assert "?" in on_paper(progress_table({"rbm": (None, None)}))


def test_a_forecast_is_of_what_is_left_by_what_was_measured(tmp_path: Path) -> None:
    grid, store = grid_with(), Store(Location(str(tmp_path / "toy.zarr")))
    plan = make_plan(grid)
    fresh = forecast(plan, store, 2)
    assert fresh.points == sum(stage.blocks.size for stage in plan.stages.values())
    assert fresh.seconds == pytest.approx(fresh.core_seconds / 2)
    assert f"{fresh.points} points left" in str(fresh)
    assert run(grid, tmp_path / "toy.zarr").complete
    store = Store(store.location)
    plan = make_plan(grid, store.layouts())
    assert "nothing left to do" in str(forecast(plan, store, 2))
    done = store.progress("walk")
    left = done.done.copy()
    left.flat[0] = False
    blocks = done.blocks.copy()
    blocks.flat[0] = 1
    store.set_progress("walk", left, blocks)
    put_launch(store.location, 2, {"reached": {"walk": {"speed": 10.0, "memory": 3e8}}})
    again = forecast(plan, store, 2)
    assert again.points == 1
    assert "300 MB" in str(again)
    assert "memory" not in str(fresh)
    walk = plan.stages["walk"]
    assert again.core_seconds == pytest.approx(10 * float(walk.seconds.flat[0]) * (1 - 1 / walk.blocks.flat[0]))


def test_what_tasks_took_outlives_a_launch_that_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Killed(BaseException):
        pass

    def kill(event: Event) -> None:
        told.append(event)
        if sum(isinstance(event, TaskDone) for event in told) == 3:
            raise Killed

    told: list[Event] = []
    monkeypatch.setattr("sweep.planning.cells.CELL_SECONDS", 1e-5)
    monkeypatch.setattr("sweep.planning.plan.TILE_SECONDS", 1e-5)
    monkeypatch.setattr(log, "LOG_SECONDS", 0.0)
    monkeypatch.setattr(log, "TASKS_TOGETHER", 2)
    path = tmp_path / "toy.zarr"
    with pytest.raises(Killed):
        run(grid_with(), path, listener=kill)
    (first,) = read_launches(Location(str(path))).values()
    assert first is not None
    assert "ended" not in first
    assert first["reached"]["throw"]["seconds"] > 0, "a later plan goes by it"
    assert run(grid_with(), path).complete
    tasks = sweep.tasks(path)
    assert list(tasks.launch[:4]) == [1, 1, 1, 2], "also those of a part that was not full yet"
    assert dict(tasks.groupby("stage").points.sum()) == {"throw": 18, "walk": 6}
    assert set(tasks["size"]) == {3, 6}, "each is of one size"
    assert tasks.memory.min() > 2**24
    assert list(tasks.seconds[:3]) == [event.seconds for event in told if isinstance(event, TaskDone)]


def test_what_one_worker_does_from_end_to_end_is_not_shared(tmp_path: Path) -> None:
    """A stage that has one long point left takes as long as that, and then what reads it, on any number of cores."""
    reads: dict[str, list[str]] = {"data": [], "training": ["data"], "flow": ["training"]}
    assert soonest({"data": 3.0, "training": 5.0, "flow": 0.0}, reads) == {"data": 3.0, "training": 8.0, "flow": 0.0}
    look = replace(LOOK, workers=100, cores=100)
    assert look.seconds_left == 90.0
    assert "1 min 30 s" in on_paper(progress_table(look.stages, 100))
    plan, store = make_plan(grid_with()), Store(Location(str(tmp_path / "toy.zarr")))
    cells = [float(stage.per_cell(stage.seconds).max()) for stage in plan.stages.values()]
    assert forecast(plan, store, 10**6).seconds == pytest.approx(sum(cells)), "walks read throws"


def test_of_a_point_at_work_what_is_over_is_not_left() -> None:
    plan = make_plan(grid_with(walk__axes={"size": [3], "realisation": 1}, throw__axes={"size": [3]}))
    schedule = Schedule(plan, {name: np.zeros(one.stage.shape, bool) for name, one in plan.stages.items()})
    while (task := schedule.next()) is not None and task.stage != "walk":
        schedule.complete(task, Account())
    assert task is not None
    at = At(task, 0, 0, 1, 4, 0.0)
    pace = Looking(schedule, lambda: 0.0).look(schedule, [at], 8).stages["walk"][1]
    assert pace.seconds_left(8) == pytest.approx(0.75 * float(plan.stages["walk"].seconds.sum()))


def test_a_log_gets_lines_while_a_long_task_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweep.display.launching, "PLAIN_SECONDS", 0.02)
    console = Console(file=io.StringIO(), width=80)
    with PlainDisplay(console) as display:
        display(Started({name: stage for name, (stage, _) in LOOK.stages.items()}, 2, lambda: LOOK))
        end = time.monotonic() + 30
        while "rbm: 4 of 10 points, 1.5 more in 2 tasks under way" not in console.file.getvalue():
            assert time.monotonic() < end
            time.sleep(0.01)
        display(TaskDone(Task("ising", range(1)), 60, 1.0, 0))
    assert "ising" not in console.file.getvalue(), "it was complete before"


def test_the_end_is_the_last_line_of_a_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where progress is told all the time, and telling takes its time."""
    monkeypatch.setattr(sweep.display.launching, "JSON_SECONDS", 1e-4)
    console = plain_console(file=io.StringIO(), width=80)

    def slow() -> Look:
        time.sleep(0.02)
        return LOOK

    with JsonDisplay(console) as display:
        display(Started({}, 2, slow))
        end = time.monotonic() + 30
        while "progress" not in console.file.getvalue():
            assert time.monotonic() < end
            time.sleep(0.01)
        display(Ended({}, interrupted=False))
        time.sleep(0.1)
    events = [json.loads(line)["event"] for line in console.file.getvalue().splitlines()]
    assert (events[0], events[-1], events.count("ended")) == ("started", "ended", 1)


@pytest.mark.parametrize("kind", [{"as_json": True}, {"quiet": False}, {"quiet": False, "terminal": True}])
def test_words_are_printed_as_they_are(kind: dict[str, bool]) -> None:
    """Rich would take [sites] for a style and :x: for a picture, also inside JSON."""
    console = plain_console(file=io.StringIO(), width=80, force_terminal=kind.pop("terminal", False))
    with display_for(console, **kind) as display:
        display(Notice("in [sites] of a :x: box"))
    assert "in [sites] of a :x: box" in console.file.getvalue()


def test_a_terminal_shows_words_above_the_table() -> None:
    console = Console(file=io.StringIO(), width=80, force_terminal=True)
    with LiveDisplay(console) as display:
        display(Started({}, 2, lambda: LOOK))
        display(Notice("a word"))
    text = console.file.getvalue()
    assert text.index("a word") < text.rindex("64 of 70 points")


def test_a_forecast_counts_all_files_of_a_store(tmp_path: Path) -> None:
    """Nodes of their own for sizes, and outputs beside them. Throws might leave checkpoints, as far as a plan knows."""
    plan = make_plan(grid_with(throw__axes__size=[3, 6], walk__axes={"size": [3, 6], "realisation": 2}))
    predicted = forecast(plan, Store(Location(str(tmp_path / "none.zarr"))), 2).files
    run(plan.grid, tmp_path / "toy.zarr")
    there = [path for path in (tmp_path / "toy.zarr").rglob("*") if path.is_file()]
    throws = plan.stages["throw"].per_cell(plan.stages["throw"].blocks > 1)
    assert predicted == len(there) + (throws > 0).sum()
