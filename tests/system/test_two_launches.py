"""Two launches and one store: what was read before the lease is not believed, and who lost the lease writes no more."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from commands import family
from launching import assert_same, grid_with, load, run
from plain_model import files_of

import sweep.store.holder
from sweep.errors import SweepError
from sweep.grid.grid import Grid
from sweep.run.driver import MakeExecutor, launch
from sweep.run.executors.inline import InlineExecutor
from sweep.store.storage import Location
from sweep.store.store import Store
from sweep.verification import verify_store

SUPPORT = Path(__file__).parents[1] / "support"


def throws(temperatures: list[float], count: int = 10, **more: Any) -> Grid:
    stage = {"kernel": "toys:THROW", "axes": {"size": [3, 6], "temperature": temperatures}, "params": {"throws": count}}
    return grid_with(stages={"throw": stage, **more})


WALK = {"kernel": "toys:WALK", "axes": {"size": [3]}, "params": {"steps": 4}, "inputs": {"data": "throw"}}


def meanwhile(grid: Grid, store: Path) -> MakeExecutor:
    """Return what makes an executor as Ray does: it takes its time, and another launch has the store until then."""

    @contextmanager
    def make() -> Iterator[InlineExecutor]:
        run(grid, store)
        yield InlineExecutor()

    return make


CASES = {
    "another label": (throws([1.0, 2.0, 3.0]), throws([1.0, 2.0, 4.0]), throws([1.0, 2.0, 3.0, 4.0])),
    "a label before": (throws([0.0, 1.0, 2.0]), throws([1.0, 2.0]), throws([0.0, 1.0, 2.0])),
    "the same label": (throws([1.0, 1.5, 2.0]), throws([2.0, 1.5, 1.0]), throws([1.0, 1.5, 2.0])),
    "twice as long": (throws([1.0, 2.0], 21), throws([1.0, 2.0]), throws([1.0, 2.0], 21)),
    "longer, and another label": (throws([1.0, 2.0], 21), throws([0.5, 2.0], 14), throws([0.5, 1.0, 2.0], 21)),
    "another stage": (throws([1.0, 2.0], walk=WALK), throws([1.0, 2.0]), throws([1.0, 2.0], walk=WALK)),
}


@pytest.mark.parametrize("case", list(CASES))
def test_a_launch_plans_by_what_is_there_when_it_gets_the_lease(case: str, tmp_path: Path) -> None:
    first, second, both = CASES[case]
    store = tmp_path / "toy.zarr"
    run(throws([1.0, 2.0]), store)
    run(second, store, meanwhile(first, store))
    run(both, store)  # points of the first label that the second launch wanted no longer are there, or are made now
    run(both, tmp_path / "fresh.zarr")
    assert_same(load(store), load(tmp_path / "fresh.zarr"))
    assert verify_store(Store(Location(str(store))), everything=True).findings == ()


def test_nothing_of_the_first_launch_is_lost_to_the_second(tmp_path: Path) -> None:
    store = tmp_path / "toy.zarr"
    run(throws([1.0, 2.0]), store)
    run(throws([1.0, 2.0, 4.0]), store, meanwhile(throws([1.0, 2.0, 3.0], 21), store))
    tree = load(store)["throw"]
    assert tree["temperature"].values.tolist() == [1.0, 2.0, 3.0, 4.0]
    assert tree["done"].all()
    assert tree["energy"].sel(temperature=[1.0, 2.0, 3.0]).notnull().all()


def test_a_launch_that_no_longer_fits_is_refused_after_all(tmp_path: Path) -> None:
    store = tmp_path / "toy.zarr"
    run(throws([1.0]), store)
    other = grid_with(seed=8, stages={"walk": {**WALK, "inputs": {"data": "roll"}}, "roll": dict(_roll())})
    before: dict[str, bytes] = {}

    @contextmanager
    def make() -> Iterator[InlineExecutor]:
        run(throws([1.0], walk=WALK), store)
        before.update(files_of(store))
        yield InlineExecutor()

    with pytest.raises(SweepError, match="made from a different grid"):
        launch(other, str(store), make)
    assert results(files_of(store)) == results(before)


def _roll() -> dict[str, Any]:
    return {"kernel": "toys:THROW", "axes": {"size": [3, 6], "temperature": [1.0]}, "params": {"throws": 10}}


def results(files: dict[str, bytes]) -> dict[str, bytes]:
    """Return the files but for those that say who holds the store."""
    return {name: raw for name, raw in files.items() if not name.startswith((".sweep/lease", ".sweep/epochs"))}


# Imports once, then forks a launch for each store, which stops itself in the middle of a write and says so; a line on
# the standard input wakes them all. What they say in the end is printed as one JSON document.
SLEEPERS = """
import json, os, pathlib, signal, sys
sys.path.insert(0, sys.argv[1])
import sweep.run.work
import sweep.store.files
from launching import grid_with, run

sweep.run.work.CHECKPOINT_SECONDS = 0.0

def fall_asleep_at(part, after_the_fence):
    def once(act, place):
        asleep = []
        def wrapped(*words):
            found = act(*words) if not after_the_fence else None
            if part in str(words[place]) and not asleep:
                asleep.append(True)
                os.kill(os.getpid(), signal.SIGSTOP)
            return act(*words) if after_the_fence else found
        return wrapped
    if after_the_fence:
        os.replace = once(os.replace, 1)
    else:
        files = sweep.store.files.Files
        files._write = once(files._write, 1)

def asleep(child):
    _, status = os.waitpid(child, os.WUNTRACED)
    return os.WIFSTOPPED(status)

children = {}
for name, (store, part, after_the_fence) in json.loads(sys.argv[2]).items():
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        fall_asleep_at(part, after_the_fence)
        try:
            run(grid_with(), store)
            said = "nothing"
        except BaseException as error:
            said = f"{type(error).__name__}: {error}"
        os.write(writing, said.encode())
        os._exit(0)
    os.close(writing)
    if not asleep(child):
        for other, _ in children.values():
            os.kill(other, signal.SIGKILL)
        sys.exit(f"{name}: was not stopped")
    children[name] = (child, reading)
print("asleep", flush=True)
sys.stdin.readline()
said = {}
for name, (child, reading) in children.items():
    os.kill(child, signal.SIGCONT)
    os.waitpid(child, 0)
    said[name] = os.read(reading, 10000).decode()
print(json.dumps(said), flush=True)
"""

PLACES = {
    "the root": ".sweep/root",
    "results": "throw/energy/c",
    "a node": "throw/energy/zarr.json",
    "labels": "throw/temperature",
    "results of a long task": "walk/distance/c",
    "a checkpoint": ".sweep/states",
    "blocks": "throw/blocks/c",
    "done": "throw/done/c",
}


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A lease is stale after a second."""
    monkeypatch.setattr(sweep.store.holder, "STALE_SECONDS", 1.0)
    monkeypatch.setattr(sweep.store.holder, "WATCH_SECONDS", 0.2)
    monkeypatch.setattr(sweep.store.lease, "LOOK_SECONDS", 0.1)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("every", [4, pytest.param(1, marks=pytest.mark.slow)])
def test_a_launch_that_slept_changes_nothing_when_it_wakes_up(every: int, tmp_path: Path) -> None:
    """Suspended in the middle of a write, before and after it asked whether it may, and succeeded meanwhile."""
    moments = [(place, part, after) for after in (False, True) for place, part in PLACES.items()][1::every]
    jobs = {
        f"{place}, {'after' if after else 'before'} the fence": (str(tmp_path / f"{number}.zarr"), part, after)
        for number, (place, part, after) in enumerate(moments)
    }
    run(grid_with(), tmp_path / "fresh.zarr")
    fresh = load(tmp_path / "fresh.zarr")
    command = [sys.executable, "-c", SLEEPERS, str(SUPPORT), json.dumps(jobs)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as sleepers:
        assert sleepers.stdout is not None
        assert sleepers.stdout.readline() == "asleep\n"
        time.sleep(1.1)
        for store, *_ in jobs.values():
            run(grid_with(), store)
        before = {store: files_of(Path(store)) for store, *_ in jobs.values()}
        said = json.loads(sleepers.communicate("wake up\n", timeout=100)[0])
    for name, (store, *_) in jobs.items():
        assert "taken over" in said[name] or "was faster" in said[name] or "given up" in said[name], (name, said[name])
        assert files_of(Path(store)) == before[store], name
        assert_same(load(store), fresh)


def signal_all(processes: list[int], number: int) -> None:
    for process in processes:
        try:
            os.kill(process, number)
        except ProcessLookupError:
            continue


ON_RAY = """
import sys
sys.path.insert(0, sys.argv[1])
import sweep.run.work
from launching import grid_with, run
from sweep.run.executors.ray import RayExecutor
run(grid_with(walk__kernel="toys:SLOW", walk__params={"steps": 200}), sys.argv[2], lambda: RayExecutor(2))
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="it finds Ray's processes in /proc")
@pytest.mark.usefixtures("impatient")
def test_a_launch_on_ray_that_slept_changes_nothing_when_it_wakes_up(tmp_path: Path) -> None:
    store = tmp_path / "toy.zarr"
    grid = grid_with(walk__kernel="toys:SLOW", walk__params={"steps": 200})
    command = [sys.executable, "-c", ON_RAY, str(SUPPORT), str(store)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(SUPPORT), os.environ.get("PYTHONPATH", "")])}
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as first:
        deadline = time.monotonic() + 120
        while not (store / "throw" / "done" / "c").exists():
            assert time.monotonic() < deadline, "the launch did not get going"
            time.sleep(0.05)
        time.sleep(1.0)
        processes = family(first.pid)
        signal_all(processes, signal.SIGSTOP)
        try:
            time.sleep(1.1)
            run(grid, store)
            before = files_of(store)
        finally:
            signal_all(processes, signal.SIGCONT)
        _, said = first.communicate(timeout=120)
    assert first.returncode != 0
    assert "taken over" in said
    assert files_of(store) == before
    assert load(store)["walk"]["done"].all()
