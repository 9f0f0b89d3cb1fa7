"""Samples per second of trainings, beside scikit-learn's BernoulliRBM and, where it can be imported, PyTorch.

    python benchmarks/rbm_speed.py [--quick]

One thread each; all take turns, and a number is the median over turns of processor time. Ours are whole blocks of the
kernel: optimiser, batches from int8 data and, spread over the 1000 steps of a block, tracks. A share is that of the
rate of a large product of matrices in single precision, measured in the same turns. No speed is printed before every
trainer has brought a 3x3 Ising model at T_c near its exact distribution with a fresh seed.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from statistics import median
from typing import Any

os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}

import numpy as np
from sklearn.neural_network import BernoulliRBM

from sweep.kernels.contract import Array, Inputs, State
from sweep.kernels.rbm import RBM, RBMParams
from sweep.kernels.rbm.ising import ising_machine
from sweep.kernels.rbm.machine import Machine, all_spins, exact_divergence, exact_log_probabilities

CRITICAL = 2.269185314213022
CASES = ((10, 81, 100), (32, 256, 100), (32, 256, 500), (64, 1024, 100), (64, 1024, 500))
"""Side of the lattice, hidden units, batch."""
WORK = 8e9  # operations that a turn of a trainer is long, about
BLOCK = 1000  # steps of the kernel between two points of its tracks, as by default
RECIPES: dict[str, Callable[[int], dict[str, object]]] = {
    "code": lambda batch: {"preset": "code"},  # PCD, one chain
    "text": lambda batch: {"preset": "text"},  # CD of tanh means
    "CD": lambda batch: {"method": "cd"},  # drawn, as the peers' CD
    "PCD": lambda batch: {"chains": batch},  # as many chains as configurations, as the peers' PCD
}
BOUNDS = {"code": 0.3, "text": 0.7, "CD": 0.7, "PCD": 0.1, "sklearn PCD": 0.5, "torch CD": 0.7, "torch PCD": 0.1}
"""Nats of KL(exact||machine) that a training must reach; an untrained machine is at 2.5 or more."""


class Ours:
    """The kernel ``rbm`` as a launch runs it."""

    def __init__(self, recipe: str, hidden: int, batch: int, data: Array, **more: object) -> None:
        side = data.shape[-1]
        options = RECIPES[recipe](batch) | more
        self.params = RBMParams(size=side, hidden=hidden, batch=batch, steps=1, block=1, **options)  # type: ignore[arg-type]
        self.inputs: Inputs = {"data": {"spins": data}}
        self.rng = np.random.default_rng()
        self.state: State = RBM.init(self.params, self.rng, self.inputs)
        self.train(1)

    def train(self, steps: int) -> None:
        """Do one block of so many steps."""
        params = replace(self.params, steps=steps, block=steps)
        self.state, self.results = RBM.advance(params, self.state, self.rng, self.inputs)

    def seconds(self, steps: int) -> float:
        """Return the processor time of a step, and of its part in the tracks of a block."""
        tracks, whole = timed(lambda: self.train(1)), timed(lambda: self.train(steps + 1))
        return (whole - tracks) / steps + tracks / BLOCK

    def machine(self) -> Machine:
        """Return the machine as it is."""
        return Machine(*(self.results[name] for name in Machine._fields))

    def operations(self) -> int:
        """Return the additions and multiplications of the products of a step."""
        params, recipe = self.params, self.params.recipe
        model = recipe.chains if params.persistent else params.batch
        products = 2 * params.batch + (2 * recipe.k + 1 + params.persistent) * model
        return 2 * params.visible * params.hidden * products


class Learn:
    """scikit-learn's machine of units 0 and 1: PCD with a chain for each configuration, plain descent."""

    def __init__(self, hidden: int, batch: int, data: Array) -> None:
        self.data, self.batch, self.rng = data.reshape(-1, data.shape[-1] ** 2), batch, np.random.default_rng()
        seed = int(self.rng.integers(2**31))
        self.model = BernoulliRBM(n_components=hidden, learning_rate=0.05, batch_size=batch, random_state=seed)
        self.train(1)

    def train(self, steps: int) -> None:
        """Do so many steps."""
        for _ in range(steps):
            v = self.data[self.rng.integers(len(self.data), size=self.batch)]
            self.model.partial_fit((v > 0).astype(np.float32))

    def seconds(self, steps: int) -> float:
        """Return the processor time of a step."""
        return timed(lambda: self.train(steps)) / steps

    def machine(self) -> Machine:
        """Return the machine of units in +-1 with the same distribution: a unit of 0 and 1 is (1 + s) / 2."""
        weights = self.model.components_.T.astype(np.float64)
        visible, hidden = self.model.intercept_visible_, self.model.intercept_hidden_
        return Machine(weights / 4, visible / 2 + weights.sum(1) / 4, hidden / 2 + weights.sum(0) / 4)


class Torch:
    """The same algorithm as ours in PyTorch: products and fused Adam of the library, units in +-1."""

    def __init__(self, persistent: bool, hidden: int, batch: int, data: Array) -> None:
        import torch  # noqa: PLC0415 - only where it is there

        torch.set_num_threads(1)
        self.torch, self.persistent, self.batch = torch, persistent, batch
        self.data = torch.from_numpy(np.ascontiguousarray(data.reshape(-1, data.shape[-1] ** 2)))
        visible = self.data.shape[1]
        self.parts = [0.05 * torch.randn(visible, hidden), torch.zeros(visible), torch.zeros(hidden)]
        self.rule = torch.optim.Adam(self.parts, lr=1e-3, eps=1e-2, fused=True)
        self.chains = self._batch()
        self.train(1)

    def _batch(self) -> Any:
        return self.data[self.torch.randint(len(self.data), (self.batch,))].float()

    def _draw(self, fields: Any) -> Any:
        return self.torch.bernoulli(self.torch.sigmoid_(fields.mul_(2))).mul_(2).sub_(1)

    def train(self, steps: int) -> None:
        """Do so many steps."""
        torch, (weights, c, b) = self.torch, self.parts
        for _ in range(steps):
            v = self._batch()
            h = self._draw(torch.addmm(b, v, weights))
            start = self._draw(torch.addmm(b, self.chains, weights)) if self.persistent else h
            model_v = self._draw(torch.addmm(c, start, weights.T))
            model_h = self._draw(torch.addmm(b, model_v, weights))
            self.chains = model_v
            share = 1 / len(v)
            slope = torch.mm(v.T, h)
            weights.grad = slope.addmm_(model_v.T, model_h, beta=-share, alpha=share)
            c.grad, b.grad = model_v.mean(0) - v.mean(0), model_h.mean(0) - h.mean(0)
            self.rule.step()

    def seconds(self, steps: int) -> float:
        """Return the processor time of a step."""
        return timed(lambda: self.train(steps)) / steps

    def machine(self) -> Machine:
        """Return the machine as it is."""
        return Machine(*(part.detach().numpy().copy() for part in self.parts))


Trainer = Ours | Learn | Torch


def trainers() -> dict[str, Callable[[int, int, Array], Trainer]]:
    """Return how to make each trainer, from hidden units, batch and data, int8[ensemble, configuration, y, x]."""
    made: dict[str, Callable[[int, int, Array], Trainer]] = {name: partial(Ours, name) for name in RECIPES}
    made["sklearn PCD"] = Learn
    if find_spec("torch"):
        made |= {"torch CD": partial(Torch, False), "torch PCD": partial(Torch, True)}
    return made


def timed(work: Callable[[], object]) -> float:
    """Return the processor time of a call."""
    begin = time.process_time()
    work()
    return time.process_time() - begin


def check(name: str, make: Callable[[int, int, Array], Trainer]) -> None:
    """Train on the 3x3 Ising model at T_c; stop the benchmark if the exact divergence stays above the bound."""
    exact = np.exp(exact_log_probabilities(ising_machine(3, CRITICAL)))
    rows = np.random.default_rng().choice(len(exact), 20_000, p=exact / exact.sum())
    trainer = make(18, 100, all_spins(9)[rows].astype(np.int8).reshape(1, -1, 3, 3))
    found = []
    for _ in range(15):
        trainer.train(1000)
        found.append(exact_divergence(trainer.machine(), exact))
    print(f"  {name:12s} KL {min(found):.3f} at best, {found[-1]:.3f} at the end, in nats", flush=True)
    if not min(found) < BOUNDS[name]:
        raise SystemExit(f"{name} does not learn the Ising model: no speed is printed")


def spins(side: int) -> Array:
    """Return data to be timed on: what they are does not matter to the speed."""
    return np.random.default_rng().choice(np.array([-1, 1], np.int8), (20, 100, side, side))


def row(side: int, hidden: int, batch: int, turns: int) -> dict[str, float]:
    """Return samples per second by trainer, and under ``share NAME`` ours as shares of the rate of a large product."""
    made = {name: make(hidden, batch, spins(side)) for name, make in trainers().items()}
    steps = max(8, int(WORK / (10 * side**2 * hidden * batch)))
    a = np.random.default_rng().normal(size=(1024, 1024)).astype(np.float32)
    out = np.empty_like(a)
    taken: dict[str, list[float]] = {name: [] for name in (*made, "product")}
    for _ in range(turns):
        taken["product"].append(timed(lambda: np.matmul(a, a, out=out)))
        for name, trainer in made.items():
            taken[name].append(trainer.seconds(steps))
    rate = 2 * 1024**3 / median(taken["product"])
    found = {name: batch / median(taken[name]) for name in made}
    for name, trainer in made.items():
        if isinstance(trainer, Ours):
            found[f"share {name}"] = trainer.operations() / median(taken[name]) / rate
    return found | {"product": rate}


def report(turns: int) -> Iterator[str]:
    """Yield the lines of the tables."""
    names = list(trainers())
    for side, hidden, batch in CASES:
        found = row(side, hidden, batch, turns)
        yield f"{side * side} x {hidden}, batch {batch}; a large product {found['product'] / 1e9:.0f} Gflop/s"
        yield "  samples/s  " + "".join(f"{name} {found[name]:.3g}  " for name in names)
        yield "  of product " + "".join(f"{name} {found[f'share {name}']:.0%}  " for name in RECIPES)
        ratios = {f"PCD / {name}": found["PCD"] / found[name] for name in names if name.endswith(" PCD")}
        ratios |= {f"CD / {name}": found["CD"] / found[name] for name in names if name.endswith(" CD")}
        ratios["code / sklearn PCD"] = found["code"] / found["sklearn PCD"]
        yield "  ratios     " + "".join(f"{name} {ratio:.1f}  " for name, ratio in ratios.items())


def _train_for(seconds: float) -> float:
    """Return samples per second of one process, wall time, 1024 x 256 units."""
    trainer, done = Ours("text", 256, 100, spins(32)), 0
    begin = time.monotonic()
    while time.monotonic() - begin < seconds:
        trainer.train(20)
        done += 20
    return 100 * done / (time.monotonic() - begin)


def scaling(seconds: float) -> float:
    """Return the rate of two processes at once over that of one."""
    with ProcessPoolExecutor(2) as pool:
        list(pool.map(_train_for, [0.1, 0.1]))
        alone = pool.submit(_train_for, seconds).result()
        return sum(pool.map(_train_for, [seconds, seconds])) / alone


def main() -> None:
    """Check, then measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="three turns instead of seven")
    quick = parser.parse_args().quick
    print("Correctness, fresh seeds:")
    for name, make in trainers().items():
        check(name, make)
    for line in report(3 if quick else 7):
        print(line, flush=True)
    print(f"two processes: {scaling(2.0 if quick else 6.0):.2f} times one")


if __name__ == "__main__":
    main()
