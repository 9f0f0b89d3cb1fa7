"""A kernel whose `cost` is far too low: its points are shared out all the same, and nothing that was done is lost."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import pytest
from launching import assert_same, grid_with, load, run

import sweep.planning.cells
import sweep.run.queue
import sweep.run.work
from sweep.planning.cells import REGROUP
from sweep.run.events import Event, Notice, TaskDone
from sweep.run.executors.base import Executor
from sweep.run.executors.inline import InlineExecutor
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
