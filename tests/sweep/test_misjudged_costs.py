"""A kernel whose `cost` is far off: cells are cut anew while the launch goes on, and nothing that was done is lost."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import numpy as np
import pytest
from launching import assert_same, grid_with, load, run

import sweep.planning.cells
import sweep.planning.plan
import sweep.run.queue
import sweep.run.work
from sweep.grid.grid import Grid
from sweep.planning.cells import REGROUP, cell_shape_kept
from sweep.planning.plan import make_plan
from sweep.run.account import Account
from sweep.run.driver import MakeExecutor, inline, launch
from sweep.run.events import Event, Notice, PointsFailed, TaskDone
from sweep.run.executors.base import Executor
from sweep.run.executors.inline import InlineExecutor
from sweep.run.executors.ray import RayExecutor
from sweep.run.queue import StageQueue
from sweep.store.storage import Location
from sweep.store.store import Store


class Several(InlineExecutor):
    """One after the other, in the name of several workers."""

    workers = 2


def several() -> AbstractContextManager[Executor]:
    return nullcontext(Several())


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty folder, in a world of short patience."""
    for module in (sweep.run.work, sweep.run.queue):
        monkeypatch.setattr(module, "CELL_AT_MOST", 0.1)
    monkeypatch.setattr(sweep.planning.cells, "CELL_SECONDS", 0.1 / REGROUP)
    return tmp_path


def dozing(points: int, doze: float) -> dict[str, object]:
    """Return a stage of so many points that sleep so long, and are said to take ten microseconds."""
    axes = {"size": list(range(1, points + 1))}
    return {"kernel": "toys:SLEEPER", "axes": axes, "params": {"steps": 1, "doze": doze}}


def test_cells_that_take_too_long_are_cut_anew(folder: Path) -> None:
    events: list[Event] = []
    grid = grid_with(stages={"doze": dozing(8, 0.05)})
    run(grid, folder / "toy.zarr", several, events.append)
    layout = Store(Location(str(folder / "toy.zarr"))).layouts()["doze"]
    assert layout.chunk == {"size": 1}
    assert 100 < layout.factor < 1e5, "50 ms, and not the 10 us and the framework's 100 us that were predicted"
    assert sum(isinstance(event, Notice) for event in events) == 1
    tasks = [event.points for event in events if isinstance(event, TaskDone)]
    assert (sum(tasks), tasks[0] >= 2, max(tasks[1:])) == (8, True, 1), "the first gave back what it had not begun"
    run(grid, folder / "fresh.zarr")
    assert_same(load(folder / "toy.zarr"), load(folder / "fresh.zarr"))


def test_they_stay_so_when_the_store_grows(folder: Path) -> None:
    run(grid_with(stages={"doze": dozing(8, 0.05)}), folder / "toy.zarr", several)
    run(grid_with(stages={"doze": dozing(40, 0.05)}), folder / "toy.zarr")
    assert Store(Location(str(folder / "toy.zarr"))).layouts()["doze"].chunk["size"] < 4


def test_one_slow_point_or_one_worker_cuts_nothing(folder: Path) -> None:
    """The first point of a process may compile its kernel; and who is alone has nobody to share with."""
    grid = grid_with(stages={"doze": dozing(8, 0.05)})
    run(grid, folder / "alone.zarr")
    assert Store(Location(str(folder / "alone.zarr"))).layouts()["doze"].chunk == {"size": 8}
    first = grid_with(stages={"doze": {**dozing(8, 0.3), "kernel": "toys:SLOW_AT_FIRST"}})
    run(first, folder / "first.zarr", several)
    assert Store(Location(str(folder / "first.zarr"))).layouts()["doze"].chunk == {"size": 8}


def boasting(points: int, kernel: str = "toys:BOASTFUL", blocks: int = 4) -> Grid:
    """Return a grid of so many points each of whose blocks is said to take a second, and takes no time."""
    axes = {"size": {"start": 1, "stop": points, "step": 1}}
    return grid_with(stages={"doze": {"kernel": kernel, "axes": axes, "params": {"steps": blocks}}})


@pytest.mark.parametrize("make", [inline, lambda: RayExecutor(2)], ids=["inline", "Ray"])
def test_cells_that_are_far_too_small_are_made_larger(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: MakeExecutor
) -> None:
    monkeypatch.setattr(sweep.run.queue, "GAIN_SECONDS", 0.0)
    for module in (sweep.planning.cells, sweep.run.queue):
        monkeypatch.setattr(module, "CELL_SECONDS", 3.9)  # less than a point, and 8 of them also on a busy machine
    events: list[Event] = []
    run(boasting(1500), tmp_path / "toy.zarr", make, events.append)
    layout = Store(Location(str(tmp_path / "toy.zarr"))).layouts()["doze"]
    assert layout.chunk["size"] >= REGROUP
    assert layout.factor < 3.9 / 4 / REGROUP
    notices = [event.text for event in events if isinstance(event, Notice)]
    assert any("written in larger groups from now on" in text for text in notices)
    assert sum(event.points for event in events if isinstance(event, TaskDone)) <= 1500, "nothing is done twice"
    run(boasting(1500, "toys:DOZE"), tmp_path / "fresh.zarr")
    assert_same(load(tmp_path / "toy.zarr"), load(tmp_path / "fresh.zarr"))
    stage = make_plan(boasting(5000)).stages["doze"].stage
    assert cell_shape_kept(stage, layout.chunk, layout.factor) == layout.chunk, "also when the store grows"


def test_what_failed_before_is_not_tried_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweep.run.queue, "GAIN_SECONDS", 0.0)
    for module in (sweep.planning.cells, sweep.run.queue):
        monkeypatch.setattr(module, "CELL_SECONDS", 3.9)
    monkeypatch.setattr(sweep.planning.plan, "TILE_SECONDS", 1e-9)  # point after point
    events: list[Event] = []
    stage = {"kernel": "wilful:WILFUL", "axes": {"x": {"count": 300}}, "params": {"seconds": 4.0}}
    summary = launch(grid_with(stages={"a": stage}), str(tmp_path / "toy.zarr"), several, events.append)
    assert (summary.failed, summary.finished) == (1, True)
    assert sum(isinstance(event, Notice) for event in events) == 1, "larger groups, after its first failure"
    assert [event.attempts for event in events if isinstance(event, PointsFailed)] == [1, 2, 3]


@pytest.mark.parametrize(
    ("there", "workers", "waiting", "own", "gains"),
    [
        (100, 1, 0.0, 1e-3, True),
        (100, 64, 0.0, 1e-3, False),  # so many write it as fast as one reads what is there
        (6000, 1, 0.0, 1e-3, False),  # more is to be written anew than is left
        (100, 1, 90.0, 1e-3, False),  # all would wait for a long block
        (100, 1, 0.0, 0.1, False),  # and cells of 0.1 s are right
        (10, 1, 0.0, 1e-3, False),  # too few were seen
    ],
)
def test_only_where_it_saves_time(there: int, workers: int, waiting: float, own: float, gains: bool) -> None:
    """Of ten thousand points, each a cell of its own that takes ten milliseconds to write."""
    done = np.arange(10000) < there
    queue = StageQueue(make_plan(boasting(10000, blocks=1)).stages["doze"], done, None)
    queue.speed.note(Account(points=there, predicted=float(there), taken=own * there), (own + 0.01) * there)
    assert queue.would_gain(workers, waiting) == gains
