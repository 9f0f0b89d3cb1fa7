"""Trainings of small machines as the framework runs them, on configurations of a model that is known exactly."""

from __future__ import annotations

from typing import Any

import numpy as np

from sweep.kernels.contract import Array, Inputs
from sweep.kernels.rbm import RBM, RBMParams
from sweep.kernels.rbm.ising import ising_machine
from sweep.kernels.rbm.machine import all_spins, exact_log_probabilities

T_C = 2.269185314213022


def exact_ising() -> Array:
    """Return float64[configuration], p(v) of the 3x3 Ising model at T_c."""
    return np.asarray(np.exp(exact_log_probabilities(ising_machine(3, T_C))))


def drawn_from(exact: Array) -> Inputs:
    """Return 20 000 configurations of 3x3 spins, which cannot be written, as inputs arrive."""
    rows = np.random.default_rng(40).choice(512, 20_000, p=exact / exact.sum())
    spins = all_spins(9)[rows].astype(np.int8).reshape(-1, 3, 3)
    spins.flags.writeable = False
    return {"data": {"spins": spins}}


def trained(
    params: RBMParams, inputs: Inputs, blocks: int | None = None, seed: int = 1, restarts: tuple[int, ...] = ()
) -> list[dict[str, Any]]:
    """Run blocks as the framework does: a generator per block; at a restart only plain copies of the arrays survive."""
    state = RBM.init(params, np.random.default_rng([seed, 0]), inputs)
    results = []
    for block in range(blocks or RBM.blocks(params)):
        if block in restarts:
            state = tuple(array.copy() for array in state)
        state, result = RBM.advance(params, state, np.random.default_rng([seed, 1, block]), inputs)
        results.append(dict(result))
    return results
