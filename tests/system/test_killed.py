"""SIGKILL at every step of the write protocol: whoever resumes gets the bits of a run that was never disturbed.

A write dies when its bytes are on the disk but not yet in place, so that half-made files are left behind as well.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest
from launching import assert_same, grid_with, load, run

SUPPORT = Path(__file__).parents[1] / "support"

# Imports once, then forks one victim for each step: nothing of zarr runs before the fork.
VICTIMS = """
import json, os, signal, sys
sys.path.insert(0, sys.argv[1])
import sweep.run.work
from launching import grid_with, run
import sweep.run.launch
from sweep.store.files import Files

sweep.run.work.CHECKPOINT_SECONDS = 0.0
count = 0
os_replace = os.replace

def deadly(act, step):
    def wrapped(where, key, *rest):
        global count
        renewed = act is os_replace and "lease" in str(key).split("/")  # as often as the machine is slow
        count += not renewed
        if count == step and not renewed:
            print(key, flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
        return act(where, key, *rest)
    return wrapped

def die_at(step):
    for owner, name in ((os, "replace"), (Files, "put_if_absent"), (Files, "delete"), (Files, "delete_folder")):
        setattr(owner, name, deadly(getattr(owner, name), step))

def die_after_a_change_of_layout(step):
    prepare = sweep.run.launch.prepare
    def prepared(*arguments):
        die_at(step)
        prepare(*arguments)
    sweep.run.launch.prepare, sweep.planning.plan.TILE_SECONDS = prepared, 1e-9
    # After as many points, and into as large cells, however busy the machine is.
    sweep.run.queue.StageQueue.would_gain = lambda queue, *_: queue.speed.points == 32
    sweep.run.speed.Speed.own = 1e-3

changes, from_change = json.loads(sys.argv[2]), sys.argv[4:] == ["from change"]
for step, store in json.loads(sys.argv[3]):
    child = os.fork()
    if child == 0:
        (die_after_a_change_of_layout if from_change else die_at)(step)
        run(grid_with(**changes), store)
        print(count, flush=True)
        os._exit(0)
    os.waitpid(child, 0)
"""


def killed_at(stores: dict[int, Path], *when: str, **changes: object) -> list[str]:
    """Run launches that die in their n-th write or before their n-th deletion, for each n and store; return their keys.

    A launch that makes fewer writes ends, and gives their number instead of a key. With "from change", those count that
    it makes from when it lays out the store anew while it is at work.
    """
    jobs = json.dumps([(step, str(store)) for step, store in stores.items()])
    command = [sys.executable, "-c", VICTIMS, str(SUPPORT), json.dumps(changes), jobs, *when]
    result = subprocess.run(command, capture_output=True, text=True, check=True, timeout=600)
    return result.stdout.split()


def writes_of(store: Path, *when: str, **changes: object) -> int:
    return int(killed_at({10**9: store}, *when, **changes)[0])


def kinds(keys: list[str]) -> set[str]:
    """Return which steps of the protocol were hit."""
    found = set()
    for key in keys:
        parts = key.split("/")
        found |= {name for name in ("lease", "states", "blocks", "done", "distance", "energy", "c") if name in parts}
        found |= {"layout"} if parts[-1] == "zarr.json" else set()
    return found


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Path:
    store = tmp_path_factory.mktemp("reference") / "toy.zarr"
    run(grid_with(), store)
    return store


def stores_for(folder: Path, steps: Iterable[int]) -> dict[int, Path]:
    return {step: folder / f"{step}.zarr" for step in steps}


def test_killed_while_creating_and_computing(reference: Path, tmp_path: Path) -> None:
    writes = writes_of(tmp_path / "count.zarr")
    stores = stores_for(tmp_path, [*range(3, 40, 9), *range(writes - 30, writes + 1, 5)])
    hit = killed_at(stores)
    wanted = load(reference)
    for store in stores.values():
        run(grid_with(), store)
        assert_same(load(store), wanted)
    assert {"layout", "states", "blocks"} <= kinds(hit)


@pytest.mark.slow
def test_killed_at_every_single_write(reference: Path, tmp_path: Path) -> None:
    stores = stores_for(tmp_path, range(1, writes_of(tmp_path / "count.zarr") + 1))
    hit = killed_at(stores)
    wanted = load(reference)
    for store in stores.values():
        run(grid_with(), store)
        assert_same(load(store), wanted)
    assert {"lease", "layout", "energy", "states", "blocks", "done"} <= kinds(hit)


@pytest.mark.slow
def test_killed_while_extending(tmp_path: Path) -> None:
    small = {"stages": {"throw": _throw()}}
    more = {"axes": {"size": [3, 6, 4], "temperature": _finer()}, "params": {"throws": 14}}
    large = {"stages": {"throw": {**_throw(), **more}}}
    run(grid_with(**large), tmp_path / "fresh.zarr")
    run(grid_with(**small), tmp_path / "count.zarr")
    writes = writes_of(tmp_path / "count.zarr", **large)
    stores = stores_for(tmp_path, range(1, writes + 1, max(1, writes // 5)))
    for store in stores.values():
        run(grid_with(**small), store)
    killed_at(stores, **large)
    for store in stores.values():
        run(grid_with(**large), store)
        assert_same(load(store), load(tmp_path / "fresh.zarr"))


def test_killed_while_cells_are_made_larger(tmp_path: Path) -> None:
    """Each launch does so when it has done 32 of 100 points, each with a checkpoint and said to take 4 s."""
    doze = {"kernel": "toys:BOASTFUL", "axes": {"size": {"start": 1, "stop": 100, "step": 1}}}
    changes: dict[str, object] = {"stages": {"doze": doze}}
    writes = writes_of(tmp_path / "count.zarr", "from change", **changes)
    stores = stores_for(tmp_path, [1, 20, *range(34, 42), 44, 60, *range(200, writes, writes // 2)])
    hit = killed_at(stores, "from change", **changes)
    run(grid_with(stages={"doze": {**doze, "kernel": "toys:DOZE"}}), tmp_path / "fresh.zarr")
    wanted = load(tmp_path / "fresh.zarr")
    for store in stores.values():
        run(grid_with(**changes), store)
        assert_same(load(store), wanted)
    assert {"layout", "states", "blocks", "done"} <= kinds(hit)
    assert any(key.endswith(".sweep/root") for key in hit)


def _throw() -> dict[str, object]:
    return {
        "kernel": "toys:THROW",
        "axes": {"size": [3, 6], "temperature": {"start": 0.0, "stop": 2.0, "step": 0.25}},
        "params": {"throws": 10},
    }


def _finer() -> list[float]:
    return [0.0, 0.1, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0, 2.5]
