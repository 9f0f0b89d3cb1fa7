"""Seconds that points of the kernels of machines take, over those that their `cost` predicts.

    python benchmarks/rbm_cost.py

One thread, processor time, the least of several turns. `sweep plan` and the cutting into tasks rely on these
predictions; wanted is 0.7 to 1.3. A point is `init` and all blocks, as in a launch. Words as arguments choose the cases
that have them in their names.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}

import numpy as np

from sweep.kernels.contract import Inputs, Kernel
from sweep.kernels.rbm import RBM, RBM_PARTITION, RBM_SAMPLES, RBMParams
from sweep.kernels.rbm.ising import ising_machine
from sweep.kernels.rbm.partition import PartitionParams, example_inputs
from sweep.kernels.rbm.samples import SamplesParams

ROWS = ((3, 18, 100), (10, 81, 100), (32, 256, 100), (32, 256, 500), (64, 1024, 100), (64, 1024, 500))
"""Side of the lattice, hidden units, batch."""
RECIPES: dict[str, dict[str, Any]] = {
    "code": {"preset": "code"},
    "text": {"preset": "text"},
    "equilibrium": {"preset": "equilibrium", "tracks": "short"},
    "drawn CD": {"method": "cd"},
    "PCD, 100 chains": {"chains": 100},
}
TURNS = 7
ENOUGH = 2.0  # seconds of a case, after which no other turn begins


@dataclass(frozen=True)
class Case:
    """A point to be timed."""

    name: str
    kernel: Kernel[Any]
    params: Any
    inputs: Inputs

    def predicted(self) -> float:
        """Return the seconds that the kernel says."""
        return self.kernel.blocks(self.params) * self.kernel.cost(self.params)

    def seconds(self) -> float:
        """Return the processor time of the point."""
        rng = np.random.default_rng()
        begin = time.process_time()
        state = self.kernel.init(self.params, rng, self.inputs)
        for _ in range(self.kernel.blocks(self.params)):
            state, _ = self.kernel.advance(self.params, state, rng, self.inputs)
        return time.process_time() - begin


def trainings() -> Iterator[Case]:
    """Yield trainings of every recipe, in steps of about half a second; and tracks by themselves."""
    data = {side: _spins(side) for side in (3, 10, 32, 64)}
    for side, hidden, batch in ROWS:
        for recipe, options in RECIPES.items():
            params = RBMParams(size=side, hidden=hidden, batch=batch, **options)
            step = (RBM.cost(replace(params, steps=1001, block=1001)) - RBM.cost(replace(params, block=1))) / 1000
            steps = max(4, int(0.5 / step))
            case = replace(params, steps=steps, block=steps)
            yield Case(f"{side**2} x {hidden}, batch {batch}, {recipe}", RBM, case, data[side])
    for side, hidden in ((3, 18), (10, 81), (32, 256), (64, 1024)):
        for tracks in ("short", "full"):
            case = RBMParams(size=side, hidden=hidden, steps=1, block=1, tracks=tracks)
            yield Case(f"{side**2} x {hidden}, {tracks} tracks", RBM, case, data[side])


def looks() -> Iterator[Case]:
    """Yield samples and ln Z, of dense machines and of those that are Ising models."""
    rng = np.random.default_rng()
    for shape, temperatures in (((9, 8), 1000), ((100, 81), 1000), ((1024, 256), 100), ((4096, 1024), 20)):
        annealed = PartitionParams(shape, temperatures=temperatures)
        inputs = example_inputs(annealed, rng)
        yield Case(f"{shape[0]} x {shape[1]}, ln Z", RBM_PARTITION, annealed, inputs)
        drawn = SamplesParams(shape, configurations=400, rungs=10, rounds=4 if shape[0] <= 100 else 0)
        yield Case(f"{shape[0]} x {shape[1]}, samples", RBM_SAMPLES, drawn, inputs)
    for side, rounds in ((8, 4), (16, 2), (32, 0)):
        machine = ising_machine(side, 2.269185314213022)
        inputs = {"machine": {name: part.astype(np.float32) for name, part in machine._asdict().items()}}
        shape = (side**2, 2 * side**2)
        annealed = PartitionParams(shape, temperatures=32000 // side**2)
        yield Case(f"Ising {side}x{side}, ln Z", RBM_PARTITION, annealed, inputs)
        drawn = SamplesParams(shape, configurations=200, rungs=10, rounds=rounds)
        yield Case(f"Ising {side}x{side}, samples", RBM_SAMPLES, drawn, inputs)


def _spins(side: int) -> Inputs:
    """Return data to be timed on: what they are does not matter to the speed."""
    return {"data": {"spins": np.random.default_rng().choice(np.array([-1, 1], np.int8), (20, 200, side, side))}}


def least(case: Case) -> float:
    """Return the least time of a few turns, after one that compiles."""
    if case.predicted() < ENOUGH:
        case.seconds()
    times = [case.seconds()]
    while len(times) < TURNS and sum(times) < ENOUGH:
        times.append(case.seconds())
    return min(times)


def main() -> None:
    """Measure the cases that are wanted."""
    wanted = [case for case in (*trainings(), *looks()) if all(word in case.name for word in sys.argv[1:])]
    print("measured / predicted, and measured seconds")
    for case in wanted:
        seconds = least(case)
        print(f"  {seconds / case.predicted():5.2f}  {seconds:8.3f}  {case.name}", flush=True)


if __name__ == "__main__":
    main()
