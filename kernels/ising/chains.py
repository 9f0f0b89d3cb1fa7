"""Ensembles of independent chains."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from kernels.contract import Array
from kernels.ising import measure, multispin, packed
from kernels.ising.cluster import swendsen_wang, wolff
from kernels.ising.packed import pack, unpack
from kernels.ising.params import IsingParams
from kernels.ising.schedule import Schedule, chains, schedule
from kernels.ising.words import boltzmann_threshold, seeds


class Sample(NamedTuple):
    """One configuration of every chain, and what is measured on it.

    Parameters
    ----------
    spins : int8[chain, size, size], +-1
    energy, magnetization : int64[chain]
        Totals, energy in J.
    pairs : int64[2, bin, dy, dx]
        Sums over sites and a bin's chains of products of two spins, and of two horizontal bonds.
    bonds : int64[chain]
        Sums of horizontal bonds over sites.
    """

    spins: Array
    energy: Array
    magnetization: Array
    pairs: Array
    bonds: Array


def samples(params: IsingParams, rng: np.random.Generator) -> Iterator[Sample]:
    """Yield what one block of independent chains records, sample by sample."""
    plan = schedule(params)
    if params.temperature == 0:
        return _ground_states(params, rng)
    return (_packed_samples if plan.algorithm == "metropolis" else _cluster_samples)(params, plan, rng)


def _ground_states(params: IsingParams, rng: np.random.Generator) -> Iterator[Sample]:
    for _ in range(params.samples):
        spins = start(params, chains(params), rng)
        yield _measured(params, spins)


def _packed_samples(params: IsingParams, plan: Schedule, rng: np.random.Generator) -> Iterator[Sample]:
    words = pack(start(params, multispin.REPLICAS, rng))
    state, near = multispin.seed(rng), multispin.neighbours(params.size)
    accepted = multispin.acceptance(params.temperature)
    for number in range(params.samples):
        multispin.metropolis(words, state, accepted, plan.interval if number else plan.equilibration)
        yield _measured_packed(params, words, near)


def _cluster_samples(params: IsingParams, plan: Schedule, rng: np.random.Generator) -> Iterator[Sample]:
    spins = start(params, chains(params), rng)
    states = seeds(rng, len(spins))
    for number in range(params.samples):
        _cluster_update(params, plan, spins, states, plan.interval if number else plan.equilibration)
        yield _measured(params, spins)


def _measured(params: IsingParams, spins: Array) -> Sample:
    bonds = spins * np.roll(spins, -1, axis=2)
    pairs = np.stack([measure.pair_sums(field, params.replicas_per_bin) for field in (spins, bonds)])
    return Sample(spins, *measure.plain_totals(spins), pairs, measure.bond_sums(bonds))


def _measured_packed(params: IsingParams, words: Array, near: Array) -> Sample:
    bonds = packed.horizontal_bonds(words, near)
    pairs = np.stack([packed.pair_sums(field, params.size, params.replicas_per_bin) for field in (words, bonds)])
    spins = packed.unpack(words, params.size)
    return Sample(spins, *packed.totals(words, near), pairs, packed.totals(bonds, near)[1])


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
    accepted = multispin.acceptance(params.temperature)
    groups = -(-len(spins) // multispin.REPLICAS)
    moved = np.resize(spins, (groups, multispin.REPLICAS, params.size, params.size))
    for group in moved:
        words = pack(group)
        multispin.metropolis(words, multispin.seed(rng), accepted, sweeps)
        group[...] = unpack(words, params.size)
    return moved.reshape(-1, params.size, params.size)[: len(spins)]


def _cluster_update(params: IsingParams, plan: Schedule, spins: Array, states: Array, sweeps: int) -> None:
    open_bond = boltzmann_threshold(2, params.temperature)
    if plan.algorithm == "wolff":
        wolff(spins, states, open_bond, sweeps * plan.flips)
    else:
        swendsen_wang(spins, states, open_bond, sweeps)
