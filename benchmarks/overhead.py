"""What the framework itself costs: an empty kernel at 10 000 points, store included, against peers in the same run.

The peers do less: they call the same function once per point on two processes and keep the results in memory. Nothing
is printed before every value of every result is what it must be.
"""

from __future__ import annotations

import argparse
import logging
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import ray
import xarray as xr

import sweep.planning.cells
import sweep.planning.plan
from sweep.grid.grid import Grid
from sweep.grid.identity import stream
from sweep.grid.resolve import resolve
from sweep.kernels.contract import Array, Arrays, Inputs, Kernel, Output, State, parameter
from sweep.run.driver import MakeExecutor, inline, launch
from sweep.run.events import Event, Started
from sweep.run.executors.ray import RayExecutor

WORKERS = 2
SEED = 11


@dataclass(frozen=True)
class NothingParams:
    """A number that comes back."""

    number: int = parameter("comes back", ge=0)


def _outputs(params: NothingParams) -> dict[str, Output]:
    return {"echo": Output((), (), "int64"), "draw": Output((), (), "float64")}


def _advance(params: NothingParams, state: State, rng: np.random.Generator, inputs: Inputs) -> tuple[State, Arrays]:
    return (), {"echo": np.asarray(params.number), "draw": np.asarray(rng.random())}


NOTHING = Kernel(
    name="nothing",
    version=1,
    params=NothingParams,
    outputs=_outputs,
    init=lambda params, rng, inputs: (),
    advance=_advance,
    cost=lambda params: 1e-6,
)


def grid_of(points: int) -> Grid:
    """Return a grid of so many points of the empty kernel."""
    axes = {"number": {"start": 0, "stop": points - 1, "step": 1}}
    stages = {"nothing": {"kernel": "overhead:NOTHING", "axes": axes}}
    return resolve({"name": "overhead", "seed": SEED, "stages": stages}, "", "overhead")


def keys_of(grid: Grid) -> list[str]:
    """Return what names each point of a grid."""
    stage = grid.stages["nothing"]
    return [stage.key_at(point) for point in stage.points()]


def expected(keys: list[str]) -> Array:
    """Return float64[point], what every point must draw: from its own key, without plan, task or store."""
    return np.array([stream(SEED, key, 0).random() for key in keys])


def check_store(place: Path, wanted: Array) -> None:
    """Exit unless every point of a store is done and right."""
    with xr.open_datatree(place, engine="zarr") as tree:
        stage = tree["nothing"].to_dataset().load()
    numbers = np.arange(len(wanted))
    found = stage.sel(number=numbers)
    right = (
        bool(found["done"].all()) and np.array_equal(found["echo"], numbers) and np.array_equal(found["draw"], wanted)
    )
    if not right:
        raise SystemExit(f"{place.name}: the store holds wrong values; no speed is worth telling")


def through_sweep(grid: Grid, wanted: Array, make: MakeExecutor) -> float:
    """Return the seconds from the first task to the closed store; Ray's own start is not in them."""
    begun: list[float] = []

    def listener(event: Event) -> None:
        if isinstance(event, Started):
            begun.append(time.perf_counter())

    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "overhead.zarr"
        summary = launch(grid, str(place), make, listener)
        seconds = time.perf_counter() - begun[0]
        if not summary.complete:
            raise SystemExit("not all tasks were done; no speed is worth telling")
        check_store(place, wanted)
    return seconds


@contextmanager
def a_task_per_point() -> Iterator[None]:
    """Turn tiling off: every point is a chunk and a task of its own."""
    with (
        mock.patch.object(sweep.planning.cells, "CELL_SECONDS", 0.0),
        mock.patch.object(sweep.planning.plan, "TILE_SECONDS", 1e-9),
    ):
        yield


def one_point(key: str, number: int) -> tuple[int, float]:
    """Return what a peer computes at a point: the same generator and kernel. Its key is given to it."""
    _, results = NOTHING.advance(NothingParams(number), (), stream(SEED, key, 0), {})
    return int(results["echo"]), float(results["draw"])


def _check_peer(results: list[tuple[int, float]], wanted: Array) -> None:
    if results != list(enumerate(wanted.tolist())):
        raise SystemExit("a peer holds wrong values; no speed is worth telling")


def through_ray_tasks(keys: list[str], wanted: Array) -> float:
    """Return the seconds of one plain Ray task per point, results in memory."""
    ray.init("local", num_cpus=WORKERS, include_dashboard=False, logging_level=logging.ERROR, log_to_driver=False)
    try:
        remote: Any = ray.remote(one_point)
        ray.get([remote.remote(keys[0], 0) for _ in range(100)])
        begun = time.perf_counter()
        results = ray.get([remote.remote(key, number) for number, key in enumerate(keys)])
        seconds = time.perf_counter() - begun
    finally:
        ray.shutdown()
    _check_peer(results, wanted)
    return seconds


def through_process_pool(keys: list[str], wanted: Array) -> float:
    """Return the seconds of concurrent.futures with one call per point, results in memory."""
    with ProcessPoolExecutor(WORKERS, get_context("spawn")) as pool:
        list(pool.map(one_point, keys[:100], range(100)))
        begun = time.perf_counter()
        results = list(pool.map(one_point, keys, range(len(keys)), chunksize=1))
        seconds = time.perf_counter() - begun
    _check_peer(results, wanted)
    return seconds


def _on_ray() -> RayExecutor:
    return RayExecutor(WORKERS)


def measure(points: int, untiled: int) -> Iterator[tuple[str, int, float]]:
    """Yield what ran, at how many points, and its seconds: every contender once, each behind its check."""
    grid, few = grid_of(points), grid_of(untiled)
    keys = keys_of(grid)
    wanted, wanted_few = expected(keys), expected(keys_of(few))
    yield "sweep, Ray, store", points, through_sweep(grid, wanted, _on_ray)
    yield "plain Ray tasks, in memory", points, through_ray_tasks(keys, wanted)
    yield "sweep, inline, store", points, through_sweep(grid, wanted, inline)
    yield "concurrent.futures, in memory", points, through_process_pool(keys, wanted)
    with a_task_per_point():
        yield "sweep, Ray, store, tiling off", untiled, through_sweep(few, wanted_few, _on_ray)


def main() -> None:
    """Run all contenders in turn, several times; print median rates and their ratios to plain Ray tasks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=10_000)
    parser.add_argument("--untiled", type=int, default=1_000, help="points where every point is a task")
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    rates: dict[tuple[str, int], list[float]] = {}
    for _ in range(asked.rounds):
        for name, points, seconds in measure(asked.points, asked.untiled):
            rates.setdefault((name, points), []).append(points / seconds)
    peer = statistics.median(rates["plain Ray tasks, in memory", asked.points])
    print(
        f"{WORKERS} workers on {os.cpu_count()} cores; points per second, median (lowest - highest) of {asked.rounds}"
    )
    for (name, points), found in rates.items():
        middle = statistics.median(found)
        spread = f"({min(found):.0f} - {max(found):.0f})"
        print(f"{name:32} {points:6} points {middle:8.0f} /s {spread:18} {middle / peer:6.2f} x plain Ray")


if __name__ == "__main__":
    main()
