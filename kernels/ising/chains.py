"""Ensembles of independent chains."""

from __future__ import annotations

import numpy as np

from kernels.contract import Array
from kernels.ising.cluster import swendsen_wang, wolff
from kernels.ising.metropolis import metropolis, thresholds
from kernels.ising.params import IsingParams
from kernels.ising.schedule import Schedule, schedule
from kernels.ising.words import boltzmann_threshold, seeds


def sample(params: IsingParams, chains: int, rng: np.random.Generator) -> Array:
    """Return int8[chain, sample, size, size], the configurations that independent chains record."""
    plan = schedule(params)
    spins = start(params, chains, rng)
    states = seeds(rng, chains)
    recorded = np.empty((chains, params.samples, params.size, params.size), np.int8)
    for number in range(params.samples):
        if params.temperature > 0:
            update(params, plan, spins, states, plan.interval if number else plan.equilibration)
        else:
            spins = start(params, chains, rng)
        recorded[:, number] = spins
    return recorded


def start(params: IsingParams, chains: int, rng: np.random.Generator) -> Array:
    """Return int8[chain, size, size]: ground states of either sign, or random spins."""
    shape = (chains, 1, 1) if schedule(params).cold else (chains, params.size, params.size)
    signs = 1 - 2 * rng.integers(2, size=shape, dtype=np.int8)
    return np.array(np.broadcast_to(signs, (chains, params.size, params.size)), order="C")


def update(params: IsingParams, plan: Schedule, spins: Array, states: Array, sweeps: int) -> None:
    """Do sweeps on int8[chain, size, size] in place, with random states uint64[chain, 4]."""
    cut = boltzmann_threshold(2, params.temperature)
    if plan.algorithm == "metropolis":
        metropolis(spins, states, thresholds(params.temperature), sweeps)
    elif plan.algorithm == "wolff":
        wolff(spins, states, cut, sweeps * plan.flips)
    else:
        swendsen_wang(spins, states, cut, sweeps)
