"""Ensembles of independent chains."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from kernels.contract import Array
from kernels.ising import multispin
from kernels.ising.cluster import swendsen_wang, wolff
from kernels.ising.measure import plain_totals
from kernels.ising.packed import pack, totals, unpack
from kernels.ising.params import IsingParams
from kernels.ising.schedule import Schedule, schedule
from kernels.ising.words import boltzmann_threshold, seeds

Sample = tuple[Array, Array, Array]
"""int8[chain, size, size], the spins; int64[chain], their energies in J; int64[chain], their magnetizations."""


def chains(params: IsingParams) -> int:
    """Return how many chains run together as one block."""
    return multispin.REPLICAS if schedule(params).algorithm == "metropolis" else 64


def samples(params: IsingParams, rng: np.random.Generator) -> Iterator[Sample]:
    """Yield what one block of independent chains records, sample by sample."""
    plan = schedule(params)
    if params.temperature == 0:
        return _ground_states(params, rng)
    return (_packed_samples if plan.algorithm == "metropolis" else _cluster_samples)(params, plan, rng)


def _ground_states(params: IsingParams, rng: np.random.Generator) -> Iterator[Sample]:
    for _ in range(params.samples):
        spins = start(params, chains(params), rng)
        yield spins, *plain_totals(spins)


def _packed_samples(params: IsingParams, plan: Schedule, rng: np.random.Generator) -> Iterator[Sample]:
    words = pack(start(params, multispin.REPLICAS, rng))
    state, near = multispin.seed(rng), multispin.neighbours(params.size)
    bits = multispin.acceptance_bits(params.temperature)
    for number in range(params.samples):
        multispin.metropolis(words, state, near, bits, plan.interval if number else plan.equilibration)
        yield unpack(words, params.size), *totals(words, near)


def _cluster_samples(params: IsingParams, plan: Schedule, rng: np.random.Generator) -> Iterator[Sample]:
    spins = start(params, chains(params), rng)
    states = seeds(rng, len(spins))
    for number in range(params.samples):
        _cluster_update(params, plan, spins, states, plan.interval if number else plan.equilibration)
        yield spins, *plain_totals(spins)


def start(params: IsingParams, count: int, rng: np.random.Generator) -> Array:
    """Return int8[count, size, size]: ground states of either sign, or random spins."""
    shape = (count, 1, 1) if schedule(params).cold else (count, params.size, params.size)
    signs = 1 - 2 * rng.integers(2, size=shape, dtype=np.int8)
    return np.array(np.broadcast_to(signs, (count, params.size, params.size)), order="C")


def updated(params: IsingParams, spins: Array, rng: np.random.Generator, sweeps: int) -> Array:
    """Return int8[chain, size, size], chains after some more sweeps."""
    plan = schedule(params)
    if plan.algorithm != "metropolis":
        moved = spins.copy()
        _cluster_update(params, plan, moved, seeds(rng, len(spins)), sweeps)
        return moved
    near, bits = multispin.neighbours(params.size), multispin.acceptance_bits(params.temperature)
    groups = -(-len(spins) // multispin.REPLICAS)
    moved = np.resize(spins, (groups, multispin.REPLICAS, params.size, params.size))
    for group in moved:
        words = pack(group)
        multispin.metropolis(words, multispin.seed(rng), near, bits, sweeps)
        group[...] = unpack(words, params.size)
    return moved.reshape(-1, params.size, params.size)[: len(spins)]


def _cluster_update(params: IsingParams, plan: Schedule, spins: Array, states: Array, sweeps: int) -> None:
    open_bond = boltzmann_threshold(2, params.temperature)
    if plan.algorithm == "wolff":
        wolff(spins, states, open_bond, sweeps * plan.flips)
    else:
        swendsen_wang(spins, states, open_bond, sweeps)
