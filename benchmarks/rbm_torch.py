"""Samples per second of trainings with `backend: torch`, on a GPU or on a CPU.

    python benchmarks/rbm_torch.py [--device cpu] [--precision bfloat16] [--turns 3]

Wall time, medians of turns. The first number is that of the steps alone: optimiser and batches are in. The second is
that of whole blocks of 1000 steps, with the data brought to the device and the tracks, which are read on the CPU.
As in `rbm_speed.py`, no speed is printed before every trainer has come near an exact 3x3 Ising distribution.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from functools import partial
from statistics import median

from rbm_speed import BLOCK, CASES, RECIPES, Ours, check, spins


def timed(work: Callable[[], object]) -> float:
    """Return the seconds of a call, which ends when its results are numpy arrays."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def rates(trainer: Ours, steps: int, turns: int) -> tuple[float, float]:
    """Return samples per second of the steps alone, and of whole blocks."""
    batch = trainer.params.batch
    ends = median(timed(lambda: trainer.train(1)) for _ in range(turns))
    step = (median(timed(lambda: trainer.train(steps + 1)) for _ in range(turns)) - ends) / steps
    return batch / step, batch / (step + ends / BLOCK)


def main() -> None:
    """Check, then measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--precision", default="float32")
    parser.add_argument("--steps", type=int, default=300, help="steps of a turn")
    parser.add_argument("--turns", type=int, default=3)
    asked = parser.parse_args()
    made = {
        recipe: partial(Ours, recipe, backend="torch", device=asked.device, precision=asked.precision)
        for recipe in RECIPES
    }
    print(f"Correctness on {asked.device} in {asked.precision}, fresh seeds:")
    for name, make in made.items():
        check(name, make)
    for side, hidden, batch in CASES:
        print(f"{side * side} x {hidden}, batch {batch}: samples/s of steps, of blocks", flush=True)
        for name, make in made.items():
            steps, blocks = rates(make(hidden, batch, spins(side)), asked.steps, asked.turns)
            print(f"  {name:6s} {steps:.3g}  {blocks:.3g}", flush=True)


if __name__ == "__main__":
    main()
