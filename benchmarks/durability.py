"""What waiting for the disk costs: a commit, the fence before each file, and whole small launches, with it and without.

Both ways must give the same store, byte for byte in every chunk, before a number is printed.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from overhead import a_task_per_point, grid_of

from sweep.grid.grid import Grid
from sweep.grid.resolve import resolve
from sweep.run.driver import launch
from sweep.store.lease import Lease, fence_of
from sweep.store.storage import Location

FILES, FILE_BYTES = 8, 100_000
DOCUMENTS = ("zarr.json", ".sweep/")  # these tell of times and hosts


def chunks_of(place: Path) -> dict[str, str]:
    """Return a checksum of every chunk of a store."""
    keys = [key for key in Location(str(place)).list("") if not any(word in key for word in DOCUMENTS)]
    return {key: hashlib.sha256((place / key).read_bytes()).hexdigest() for key in keys}


def launched(grid: Grid, place: Path, durable: bool) -> float:
    """Return the seconds of a whole launch in this process."""
    begun = time.perf_counter()
    if not launch(grid, str(place), durable=durable).complete:
        raise SystemExit("not all tasks were done; no speed is worth telling")
    return time.perf_counter() - begun


def committed(place: Path, durable: bool, rounds: int = 20) -> float:
    """Return the seconds of a commit: some files in a folder that is there, then the flush."""
    location, value = Location(str(place), durable=durable), os.urandom(FILE_BYTES)
    took = []
    for number in range(rounds):
        begun = time.perf_counter()
        for file in range(FILES):
            location.put(f"own/noise/c/{number % 4}/{file}", value, at_once=False)
        location.flush()
        took.append(time.perf_counter() - begun)
    return statistics.median(took)


def fenced(place: Path, asked: int = 1000) -> float:
    """Return the seconds of one look at the fence."""
    location = Location(str(place))
    with Lease(location, {"workers": 2, "started": time.time(), "done": {"ising": 0}}) as lease:
        fence = fence_of(location, lease.token)
        begun = time.perf_counter()
        for _ in range(asked):
            fence()
        return (time.perf_counter() - begun) / asked


def small_ising() -> Grid:
    """Return a grid of a few seconds of real work."""
    axes = {"size": [9, 10], "temperature": {"linspace": [1.0, 5.0, 9]}}
    stages = {"ising": {"kernel": "ising", "axes": axes, "params": {"configurations": 4096}}}
    return resolve({"name": "durability", "seed": 11, "stages": stages}, "", "durability")


def both(name: str, measure: Callable[[Path, bool], float], rounds: int) -> None:
    """Measure with and without waiting for the disk, in turn; compare what is there and print."""
    took: dict[bool, list[float]] = {True: [], False: []}
    for _ in range(rounds):
        found = []
        for durable in (True, False):
            with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_FOLDER")) as folder:
                took[durable].append(measure(Path(folder) / "own.zarr", durable))
                found.append(chunks_of(Path(folder) / "own.zarr") if name.startswith("launch") else {})
        if found[0] != found[1]:
            raise SystemExit(f"{name}: the two stores differ; no speed is worth telling")
    on, off = (statistics.median(took[durable]) for durable in (True, False))
    spread = f"({min(took[True]) / off:.2f} - {max(took[True]) / off:.2f})"
    print(f"{name:44} {on * 1e3:9.1f} ms  {off * 1e3:9.1f} ms  {on / off:6.2f} {spread}")


def main() -> None:
    """Print all rows: with waiting, without, the ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    print(f"{'':44} {'fsync':>12} {'no fsync':>13}  ratio (lowest - highest of {rounds})")
    both(f"commit of {FILES} files of {FILE_BYTES // 1000} kB", committed, rounds)
    ising, empty, few = small_ising(), grid_of(1000), grid_of(100)
    launched(ising, Path(tempfile.mkdtemp()) / "warm.zarr", durable=False)  # compiles
    both("launch, Ising, 18 points", lambda place, durable: launched(ising, place, durable), rounds)
    both("launch, empty kernel, 1 000 points", lambda place, durable: launched(empty, place, durable), rounds)
    with a_task_per_point():
        both(
            "launch, empty kernel, 100 points, tiling off", lambda place, durable: launched(few, place, durable), rounds
        )
    with tempfile.TemporaryDirectory() as folder:
        print(f"{'the fence, before each file':44} {fenced(Path(folder) / 'own.zarr') * 1e3:9.3f} ms")


if __name__ == "__main__":
    main()
