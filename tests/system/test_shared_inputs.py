"""Large inputs of several points: read once by the launcher, seen by all actors, and never relied upon."""

from __future__ import annotations

from pathlib import Path

import pytest
from launching import assert_same, grid_with, load, run

import sweep.run.executors.shared
from sweep.planning.plan import Task, make_plan
from sweep.run.driver import inline, launch
from sweep.run.events import Event, PointsFailed
from sweep.run.executors.ray import RayExecutor
from sweep.run.executors.shared import SharedInputs
from sweep.store.storage import Location
from sweep.store.store import Store


@pytest.fixture
def everything_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweep.run.executors.shared, "SMALLEST", 0)


@pytest.mark.usefixtures("everything_is_large")
def test_actors_see_what_the_launcher_has_read(tmp_path: Path) -> None:
    """Walks of all realisations read the same throws; their kernel refuses data of the actor's own."""
    looking = grid_with(walk__kernel="toys:LOOKS_AT_SHARED")
    assert not launch(looking, str(tmp_path / "refused.zarr")).complete, "read in this process they are its own"
    run(looking, tmp_path / "shared.zarr", lambda: RayExecutor(2))
    run(grid_with(), tmp_path / "own.zarr")
    assert_same(load(tmp_path / "shared.zarr"), load(tmp_path / "own.zarr"))


def test_no_kernel_can_write_into_what_others_read(tmp_path: Path) -> None:
    events = list[Event]()
    launch(grid_with(walk__kernel="toys:WRITES_ITS_INPUT"), str(tmp_path / "s.zarr"), inline, events.append)
    reasons = {event.reason for event in events if isinstance(event, PointsFailed)}
    assert all("read-only (toys.py" in reason and "_write_input" in reason for reason in reasons)
    assert reasons


@pytest.mark.usefixtures("everything_is_large")
def test_actors_read_what_the_launcher_cannot(tmp_path: Path) -> None:
    """They get no reference, as for what is small."""
    plan = make_plan(grid_with())
    assert SharedInputs(plan, Store(Location(str(tmp_path / "away.zarr")))).of(Task("walk", range(1))) == {}
