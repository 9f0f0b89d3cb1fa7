"""Where the time of a launch goes that is only Ising: flips, measuring, the store, the rest; start-up left out.

The temperatures of the paper and T_c, one process. Nothing is printed before the energies at T_c agree with Kaufman's
exact solution (|z| < 4).
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import xarray as xr

from sweep.grid.grid import Grid
from sweep.grid.resolve import resolve
from sweep.kernels.ising import ISING, chains, multispin
from sweep.run.driver import launch
from sweep.store.store import Store

CRITICAL = 2.269185314213022
CASES = {10: (20_000, -1.47624290836), 32: (4096, -1.43366846615), 64: (1024, -1.42393838983)}
"""Configurations at each temperature, and Kaufman's energy per site at T_c, by size."""
PARTS = ("flips", "kernel", "store", "launch")

seconds = dict.fromkeys(PARTS, 0.0)


def clocked(part: str, work: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that adds the time it takes to a part."""

    def run(*args: Any, **kwargs: Any) -> Any:
        begun = time.perf_counter()
        try:
            return work(*args, **kwargs)
        finally:
            seconds[part] += time.perf_counter() - begun

    return run


@contextmanager
def clocks() -> Iterator[None]:
    """Time flips and commits too."""
    with ExitStack() as stack:
        for owner, name, part in (
            (multispin, "metropolis", "flips"),
            (chains, "swendsen_wang", "flips"),
            (chains, "wolff", "flips"),
            (Store, "commit", "store"),
        ):
            stack.enter_context(mock.patch.object(owner, name, clocked(part, getattr(owner, name))))
        yield


def grid_of(size: int, configurations: int) -> Grid:
    """Return a grid of the paper's temperatures and T_c."""
    temperatures = [*np.arange(60) / 10, CRITICAL]
    stage = {
        "kernel": "ising",
        "axes": {"size": [size], "temperature": sorted(map(float, temperatures))},
        "params": {"configurations": configurations},
    }
    grid = resolve({"name": "whole", "seed": time.time_ns() % 2**32, "stages": {"ising": stage}}, "", "whole")
    clocked_kernel = replace(ISING, advance=clocked("kernel", ISING.advance))
    return replace(grid, stages={"ising": replace(grid.stages["ising"], kernel=clocked_kernel)})


def check(place: Path, size: int, exact: float) -> float:
    """Return the z-score of the energy at T_c; stop if it is 4 or more."""
    with xr.open_datatree(place, engine="zarr") as tree:
        energy = tree["ising"]["energy"].sel(size=size, temperature=CRITICAL, method="nearest").to_numpy()
    score = float((energy.mean() - exact) / (energy.std(ddof=1) / np.sqrt(len(energy))))
    if not abs(score) < 4:
        raise SystemExit(f"L = {size}: energy at T_c is {score:.1f} standard errors off; no time is worth telling")
    return score


def run(size: int, configurations: int, exact: float) -> float:
    """Launch a grid into a fresh store, and time it; return the z-score of the energy at T_c."""
    seconds.update(dict.fromkeys(PARTS, 0.0))
    with tempfile.TemporaryDirectory() as folder, clocks():
        place = Path(folder) / "whole.zarr"
        clocked("launch", launch)(grid_of(size, configurations), str(place))
        return check(place, size, exact)


def main() -> None:
    """Run every size twice, the first time to compile; print shares of the second."""
    print(f"{'L':>4}{'seconds':>9}{'flips':>9}{'measuring':>11}{'in kernel':>11}{'store':>9}{'rest':>9}{'z':>7}")
    for size, (configurations, exact) in CASES.items():
        run(size, 512, exact)
        score = run(size, configurations, exact)
        flips, kernel, store, whole = (seconds[part] for part in PARTS)
        shares = (flips, kernel - flips, kernel, store, whole - kernel - store)
        texts = [f"{share / whole:{width}.1%}" for share, width in zip(shares, (9, 11, 11, 9, 9), strict=True)]
        print(f"{size:4d}{whole:9.2f}{''.join(texts)}{score:+7.2f}", flush=True)


if __name__ == "__main__":
    main()
