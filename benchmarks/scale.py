"""How far one launcher goes: a million points, a hundred thousand chunks, sixty-four workers.

Every part runs in a process of its own, so that its memory is its own, and prints nothing before every value of the
store is what it must be. The workers of the last part sleep instead of working, so that many fit on few cores, and
note when: what is missing to an efficiency of 1, from when all of them are at work, is what they wait for tasks and
for the store.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import numpy as np
import xarray as xr
from overhead import check_store, expected, grid_of, keys_of

import sweep.planning.cells
from sweep.grid.grid import Grid
from sweep.grid.resolve import resolve
from sweep.kernels.contract import Arrays, Inputs, Kernel, Output, State, parameter
from sweep.planning.plan import make_plan
from sweep.run.driver import launch
from sweep.run.events import Event, Started, TaskDone
from sweep.run.executors.ray import RayExecutor

Facts = dict[str, float]


@dataclass(frozen=True)
class NapParams:
    """A number, and how long to sleep."""

    number: int = parameter("a number", ge=0)
    nap: float = parameter("what a point takes", default=1.0, units="s", ge=0.0)


def _nap(params: NapParams, state: State, rng: np.random.Generator, inputs: Inputs) -> tuple[State, Arrays]:
    begun = time.time()
    time.sleep(params.nap)
    return (), {"nap": np.array([params.number, os.getpid(), begun, time.time()])}


NAP = Kernel(
    name="nap",
    version=1,
    params=NapParams,
    outputs=lambda params: {"nap": Output(("told",), (4,), "float64")},
    init=lambda params, rng, inputs: (),
    advance=_nap,
    cost=lambda params: max(params.nap, 1e-6),
)


def naps(points: int, seconds: float) -> Grid:
    """Return a grid of points that sleep, each a task."""
    axes = {"number": {"start": 0, "stop": points - 1, "step": 1}}
    stages = {"nap": {"kernel": "scale:NAP", "axes": axes, "params": {"nap": seconds}}}
    return resolve({"name": "naps", "seed": 1, "stages": stages}, "", "scale")


class Clock:
    """Hears of a launch: when its first task was begun to be waited for, when it was done, and how many followed."""

    def __init__(self) -> None:
        self.begun, self.started, self.first, self.tasks = time.perf_counter(), 0.0, 0.0, 0

    def __call__(self, event: Event) -> None:
        """Note when it was."""
        if isinstance(event, Started):
            self.started = time.perf_counter()
        elif isinstance(event, TaskDone):
            self.first, self.tasks = self.first or time.perf_counter(), self.tasks + 1


def many_points(points: int, alone: bool) -> Facts:
    """Return what a launch of an empty kernel takes, each point in a chunk of its own or many in one."""
    grid = grid_of(points)
    wanted = expected(keys_of(grid))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    cut = mock.patch.object(sweep.planning.cells, "CELL_SECONDS", 0.0) if alone else nullcontext()
    with cut, tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "overhead.zarr"
        plan = _seconds(lambda: make_plan(grid).stages["nothing"].blocks)
        clock = Clock()
        summary = launch(grid, str(place), lambda: RayExecutor(2), clock)
        ended = time.perf_counter()
        if not summary.complete:
            raise SystemExit("not all points were done; nothing is worth telling")
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        check_store(place, wanted)
        return {
            "plan, s": plan,
            "Ray's start and the store, s": clock.started - clock.begun,
            "to the first task done, s": clock.first - clock.started,
            "points/s": points / (ended - clock.started),
            "tasks/s": clock.tasks / (ended - clock.started),
            "launcher's peak, MB": peak / 1e3,
            "before, MB": before / 1e3,
            "files": sum(1 for path in place.rglob("*") if path.is_file()),
            "open and load in xarray, s": _seconds(lambda: _load(place)),
            "launch again: all is done, s": _seconds(lambda: launch(grid, str(place))),
        }


def many_workers(workers: int, seconds: float) -> Facts:
    """Return how much of their time so many workers sleep, when each has a minute of tasks of so many seconds."""
    points = workers * round(60 / seconds)
    cut = mock.patch.object(sweep.planning.cells, "CELL_SECONDS", 0.0)
    tile = mock.patch.object(sweep.planning.plan, "TILE_SECONDS", 1e-9)
    with cut, tile, tempfile.TemporaryDirectory() as folder:
        place, clock = f"{folder}/naps.zarr", Clock()
        before = _cpu()
        launch(naps(points, seconds), place, lambda: RayExecutor(workers), clock)
        cpu = _cpu() - before
        with xr.open_datatree(place, engine="zarr") as tree:
            numbers, by, begun, ended = tree["nap"]["nap"].transpose("told", "number").values
    if not np.array_equal(numbers, np.arange(points)):
        raise SystemExit("not all points were done; nothing is worth telling")
    first = [begun[by == worker].min() for worker in np.unique(by)]
    if len(first) != workers:
        raise SystemExit(f"{len(first)} workers had tasks, of {workers}; nothing is worth telling")
    all_at_work, end = max(first), ended.max()
    slept = (ended - np.maximum(begun, all_at_work)).clip(0).sum()
    return {
        "all at work after the first, s": all_at_work - min(first),
        "efficiency from then on": slept / (workers * (end - all_at_work)),
        "for, s": end - all_at_work,
        "tasks": clock.tasks,
        "launcher's CPU per task, ms": 1e3 * cpu / points,
    }


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _seconds(act: Callable[[], object]) -> float:
    begun = time.perf_counter()
    act()
    return time.perf_counter() - begun


def _load(place: Path) -> None:
    with xr.open_datatree(place, engine="zarr") as tree:
        tree["nothing"].to_dataset().load()


def main() -> None:
    """Run the parts, each in its own process, and print what was measured as JSON, a line for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gathered", type=int, default=1_000_000, help="points, many in a chunk")
    parser.add_argument("--alone", type=int, default=100_000, help="points, each in a chunk of its own")
    parser.add_argument("--workers", type=int, nargs="*", default=[2, 8, 32, 64])
    parser.add_argument("--seconds", type=float, nargs="*", default=[1.0, 0.3], help="of a task of the last part")
    parser.add_argument("--part", nargs=3, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.part:
        what, number, more = asked.part
        facts = many_workers(int(number), float(more)) if what == "workers" else many_points(int(number), more == "yes")
        print(json.dumps({what: int(number), "of": more, **{name: round(value, 4) for name, value in facts.items()}}))
        return
    parts = [("points", asked.gathered, "no"), ("points", asked.alone, "yes")]
    parts += [("workers", workers, str(seconds)) for seconds in asked.seconds for workers in asked.workers]
    for part in parts:
        subprocess.run([sys.executable, __file__, "--part", *map(str, part)], check=True)


if __name__ == "__main__":
    main()
