"""Ray's workers: one that is killed is replaced, stages that want different numbers of cores or GPUs share them."""

from __future__ import annotations

from pathlib import Path

import pytest
from launching import assert_same, grid_with, load, run

import sweep.run.executors.cluster
from sweep.errors import SweepError
from sweep.run.driver import Failing, launch
from sweep.run.events import Event, WorkerLost
from sweep.run.executors.ray import RayExecutor


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
        grid_with(walk__kernel="toys:SEES_GPU", walk__gpus=1, walk__memory="10MB"),
        tmp_path / "toy.zarr",
        lambda: RayExecutor(2),
    )
    assert set(load(tmp_path / "toy.zarr")["walk/mean"].values.ravel()) <= {0, 1}
