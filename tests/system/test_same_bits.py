"""Results depend on what is computed, not on who computes it, in which order, in which tiles, or after which stops."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import numpy as np
import pytest
from launching import assert_same, grid_with, load, run

import sweep.planning.cells
import sweep.planning.plan
from sweep.grid.resources import Resources
from sweep.planning.plan import Plan, Task
from sweep.run.events import Event, TaskDone
from sweep.run.executors.base import Executor, Expected, NextTask, Outcome, attempt
from sweep.run.executors.ray import RayExecutor
from sweep.run.work import Workbench
from sweep.store.store import Store


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Path:
    store = tmp_path_factory.mktemp("reference") / "toy.zarr"
    run(grid_with(), store)
    return store


class Shuffled:
    """Hands out every task that is ready and does them in an order of its own."""

    workers = 1

    def lacks(self, resources: Resources) -> None:
        """It has all."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)

    def run(
        self, plan: Plan, store: Store, next_task: NextTask, expected: Expected, stopping: threading.Event
    ) -> Iterator[Outcome]:
        bench = Workbench(plan, store)
        ready: list[Task] = []
        while True:
            while (task := next_task(())) is not None:
                ready.append(task)
            if not ready:
                return
            yield attempt(bench, ready.pop(int(self.rng.integers(len(ready)))))


@pytest.fixture
def small_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweep.planning.cells, "CELL_SECONDS", 3e-4)
    monkeypatch.setattr(sweep.planning.plan, "TILE_SECONDS", 3e-4)


def shuffled(seed: int) -> Callable[[], AbstractContextManager[Executor]]:
    return lambda: nullcontext(Shuffled(seed))


@pytest.mark.usefixtures("small_tiles")
def test_any_tiling_and_order(reference: Path, tmp_path: Path) -> None:
    for seed in (1, 2):
        store = tmp_path / f"{seed}.zarr"
        events: list[Event] = []
        run(grid_with(), store, shuffled(seed), events.append)
        tasks = [event.task for event in events if isinstance(event, TaskDone) and event.task.stage == "throw"]
        assert len(tasks) > 4, "the tiles are smaller than the reference's"
        assert_same(load(store), load(reference))


@pytest.mark.parametrize("workers", [2, pytest.param(1, marks=pytest.mark.slow)])
def test_ray_actors(reference: Path, tmp_path: Path, workers: int) -> None:
    store = tmp_path / "ray.zarr"
    run(grid_with(), store, lambda: RayExecutor(workers))
    found, wanted = load(store), load(reference)
    assert all(found[name].identical(wanted[name]) for name in wanted.children), "attributes too"


def written(store: Path) -> dict[Path, int]:
    """Return when each file was written, those left out that say who launched, and when."""
    own = [store / ".sweep" / name for name in ("lease", "epochs", "launches", "tasks")]
    files = (path for path in store.rglob("*") if path.is_file() and not {*path.parents, path} & {*own})
    return {path: path.stat().st_mtime_ns for path in files}


def test_a_second_launch_does_nothing(reference: Path) -> None:
    before = written(reference)
    events: list[object] = []
    run(grid_with(), reference, listener=events.append)
    assert not any(isinstance(event, TaskDone) for event in events)
    assert written(reference) == before


def test_a_stage_without_axes(tmp_path: Path) -> None:
    """It is one point, and an array of it has no dimension of a grid."""
    alone = {"kernel": "toys:THROW", "params": {"size": 6, "throws": 5}}
    run(grid_with(stages={"alone": alone}), tmp_path / "toy.zarr")
    tree = load(tmp_path / "toy.zarr")
    assert bool(tree["alone"]["done"])
    assert tree["alone"]["energy"].dims == ("replica",)
    assert np.isfinite(tree["alone"]["energy"]).all()
