"""Ensembles of independent chains."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from sweep.kernels.contract import Array
from sweep.kernels.ising import measure, multispin, packed
from sweep.kernels.ising.cluster import swendsen_wang, wolff
from sweep.kernels.ising.lanes import WORDS
from sweep.kernels.ising.params import IsingParams
from sweep.kernels.ising.schedule import chains, schedule
from sweep.kernels.ising.words import boltzmann_threshold, seeds

SMALLEST_FOURIER = 64
"""Lattices from which pair sums are faster by Fourier transforms than from packed words (benchmarks/ising.md)."""


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
    kind = _kind_of(params)
    for number in range(params.samples):
        if number == 0 or params.temperature == 0:  # where nothing moves, a sample is a start
            members = kind.started(params, plan.cold, rng)
        if params.temperature > 0:
            members.update(plan.interval if number else plan.equilibration)
        yield members.measured()


def updated(params: IsingParams, spins: Array, rng: np.random.Generator, sweeps: int) -> Array:
    """Return int8[chain, size, size], chains after some more sweeps."""
    kind = _kind_of(params)
    at_once = multispin.REPLICAS if kind is _Packed else len(spins)
    moved = np.resize(spins, (-(-len(spins) // at_once), at_once, params.size, params.size))
    for group in moved:
        members = kind.of(params, group, rng)
        members.update(sweeps)
        group[...] = members.spins()
    return moved.reshape(-1, params.size, params.size)[: len(spins)]


def start(params: IsingParams, count: int, rng: np.random.Generator, cold: bool = False) -> Array:
    """Return int8[count, size, size]: ground states of either sign, or random spins."""
    shape = (count, 1, 1) if cold else (count, params.size, params.size)
    signs = 1 - 2 * rng.integers(2, size=shape, dtype=np.int8)
    return np.array(np.broadcast_to(signs, (count, params.size, params.size)), order="C")


class _Packed:
    """512 chains in packed words, moved by multi-spin Metropolis."""

    def __init__(self, params: IsingParams, words: Array, rng: np.random.Generator) -> None:
        self.params, self.words, self.state = params, words, multispin.seed(rng)

    @classmethod
    def started(cls, params: IsingParams, cold: bool, rng: np.random.Generator) -> _Packed:
        words = rng.integers(2**64, size=(1 if cold else params.sites, WORDS), dtype=np.uint64)
        return cls(params, np.array(np.broadcast_to(words, (params.sites, WORDS)), order="C"), rng)

    @classmethod
    def of(cls, params: IsingParams, spins: Array, rng: np.random.Generator) -> _Packed:
        return cls(params, packed.pack(spins), rng)

    def update(self, sweeps: int) -> None:
        multispin.metropolis(self.words, self.state, multispin.acceptance(self.params.temperature), sweeps)

    def spins(self) -> Array:
        return packed.unpack(self.words, self.params.size)

    def measured(self) -> Sample:
        near = multispin.neighbours(self.params.size)
        bonds = packed.horizontal_bonds(self.words, near)
        pairs = np.stack([self._pair_sums(field) for field in (self.words, bonds)])
        totals = packed.totals(self.words, near)
        return Sample(self.spins(), *totals, pairs, packed.totals(bonds, near)[1])

    def _pair_sums(self, field: Array) -> Array:
        size, per_bin = self.params.size, self.params.replicas_per_bin
        if size < SMALLEST_FOURIER:
            return packed.pair_sums(field, size, per_bin)
        return measure.pair_sums(packed.unpack(field, size), per_bin)


class _Plain:
    """Chains of single spins, moved by cluster updates."""

    def __init__(self, params: IsingParams, spins: Array, rng: np.random.Generator) -> None:
        self.params, self.lattices, self.states = params, spins, seeds(rng, len(spins))

    @classmethod
    def started(cls, params: IsingParams, cold: bool, rng: np.random.Generator) -> _Plain:
        return cls(params, start(params, chains(params), rng, cold), rng)

    @classmethod
    def of(cls, params: IsingParams, spins: Array, rng: np.random.Generator) -> _Plain:
        return cls(params, spins.copy(), rng)

    def update(self, sweeps: int) -> None:
        plan, open_bond = schedule(self.params), boltzmann_threshold(2, self.params.temperature)
        if plan.algorithm == "wolff":
            wolff(self.lattices, self.states, open_bond, sweeps * plan.flips)
        else:
            swendsen_wang(self.lattices, self.states, open_bond, sweeps)

    def spins(self) -> Array:
        return self.lattices

    def measured(self) -> Sample:
        bonds = self.lattices * np.roll(self.lattices, -1, axis=2)
        pairs = np.stack([measure.pair_sums(field, self.params.replicas_per_bin) for field in (self.lattices, bonds)])
        return Sample(self.lattices, *measure.plain_totals(self.lattices), pairs, measure.bond_sums(bonds))


def _kind_of(params: IsingParams) -> type[_Packed] | type[_Plain]:
    return _Packed if schedule(params).algorithm == "metropolis" else _Plain
