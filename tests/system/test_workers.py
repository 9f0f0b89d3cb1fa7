"""Ray's workers: one that is killed is replaced, stages that want different numbers of cores or GPUs share them."""

from __future__ import annotations

import errno
import json
import threading
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from launching import assert_same, grid_with, load, run

import sweep.planning.plan
import sweep.run.executors.cluster
from sweep.errors import SweepError
from sweep.planning.plan import Task, make_plan
from sweep.run.driver import Failing, launch
from sweep.run.events import Event, TaskDone, WorkerLost
from sweep.run.executors.base import Attempt, Done, Failed
from sweep.run.executors.ray import RayExecutor
from sweep.run.work import Workbench
from sweep.store.lease import Lease
from sweep.store.prepare import prepare
from sweep.store.storage import Location
from sweep.store.store import Store


def test_killed_worker_is_replaced_and_wider_tasks_get_their_cores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first walk kills its process. Walks take both cores, so the pool has to trade its actors for wider ones."""
    monkeypatch.setenv("TOY_MARKER", str(tmp_path / "marker"))
    changes = {"walk__kernel": "toys:DIES_ONCE", "walk__cpus": 2, "walk__memory": "10MB"}
    events: list[Event] = []
    run(grid_with(**changes), tmp_path / "toy.zarr", lambda: RayExecutor(2), events.append)
    assert (tmp_path / "marker").exists()
    assert sum(isinstance(event, WorkerLost) for event in events) == 1
    run(grid_with(), tmp_path / "fresh.zarr")
    assert_same(load(tmp_path / "toy.zarr"), load(tmp_path / "fresh.zarr"))


def test_a_task_is_computed_while_the_one_before_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each task is one cell here, so that nothing but the next task can overlap with its commit."""
    monkeypatch.setattr(sweep.planning.plan, "TILE_SECONDS", 1e-9)
    grid = grid_with(stages={"slow": {"kernel": "slow_commits:SLOW_COMMITS", "axes": {"x": list(range(8))}}})
    run(grid, tmp_path / "inline.zarr")
    monkeypatch.setenv("SLOW_COMMITS_DIARY", str(tmp_path / "diary"))
    events = list[Event]()
    run(grid, tmp_path / "toy.zarr", lambda: RayExecutor(1), events.append)
    assert_same(load(tmp_path / "toy.zarr"), load(tmp_path / "inline.zarr"))
    assert sum(isinstance(event, TaskDone) for event in events) == 8
    diary = [json.loads(line) for line in (tmp_path / "diary").read_text().splitlines()]
    computed, committed = ([item[1:] for item in diary if item[0] == what] for what in ("computed", "committed"))
    overlapping = [begun for begun, _ in computed if any(first < begun < last for first, last in committed)]
    assert len(overlapping) == 7, "each but the first"
    assert all(last <= first for (_, last), (first, _) in pairwise(sorted(committed))), "one commit at a time"


def test_what_goes_wrong_with_a_commit_is_told_of_its_own_task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    location = Location(str(tmp_path / "toy.zarr"))
    store, plan, may = Store(location), make_plan(grid_with()), threading.Event()
    commit, tasks = Store.commit, [Task("throw", range(1)), Task("throw", range(1, 2))]

    def failing(*given: Any) -> None:
        may.wait()
        monkeypatch.setattr(Store, "commit", commit)
        raise OSError(errno.EIO, "no such luck")

    monkeypatch.setattr(Store, "commit", failing)
    with Lease(location, {}) as lease:
        prepare(store, plan)
        store.token = lease.token
        first, second = (Attempt(bench, task) for bench in [Workbench(plan, store)] for task in tasks)
        first.compute()
        second.compute()
        assert not first.settles(0.0)
        may.set()
        failed, done = first.outcome(), second.outcome()
    assert isinstance(failed, Failed)
    assert "no such luck" in failed.error
    assert isinstance(done, Done)
    throws = load(tmp_path / "toy.zarr")["throw/done"].values
    assert throws.sum() == done.account.points > 0


@pytest.mark.slow
def test_what_goes_wrong_in_a_worker_itself_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ray would tell its own traceback, in colours. What a kernel raises never comes so far."""
    monkeypatch.setattr(sweep.run.executors.cluster.SharedInputs, "of", lambda shared, task: "no references")
    one = {"kernel": "toys:THROW", "axes": {"size": [3], "temperature": [1.0]}}
    grid, events = grid_with(stages={"throw": one}), list[Event]()
    launch(grid, str(tmp_path / "toy.zarr"), lambda: RayExecutor(1), events.append, failing=Failing(attempts=1))
    lost = {event.reason for event in events if isinstance(event, WorkerLost)}
    assert lost == {"AttributeError: 'str' object has no attribute 'items'"}


@pytest.mark.slow
def test_a_task_with_gpus_has_them_to_itself_and_too_many_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ray is told of two GPUs; that none is there does not matter to the toys, which only look at what they see."""
    monkeypatch.setenv("RAY_OVERRIDE_RESOURCES", '{"GPU": 2}')
    too_much = grid_with(walk__gpus=3, walk__resources={"licence": 1})
    wanted = r"^stages\.walk: each task wants 1 core, 3 GPUs and 1 licence; this machine offers 2 cores, 2 GPUs and 0"
    with pytest.raises(SweepError, match=wanted):
        launch(too_much, str(tmp_path / "never.zarr"), lambda: RayExecutor(2))
    assert not (tmp_path / "never.zarr").exists()
    run(
        grid_with(walk__kernel="toys:SEES_GPU", walk__memory="10MB"),
        tmp_path / "toy.zarr",
        lambda: RayExecutor(2),
    )
    assert set(load(tmp_path / "toy.zarr")["walk/mean"].values.ravel()) <= {0, 1}
