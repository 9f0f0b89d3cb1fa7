"""Metropolis updates of 512 replicas at once, one bit each (multi-spin coding).

Bit b of word w of a site is the spin of replica 64 w + b, set for +1. All replicas visit the sites in the same order
and share the temperature; every one of them has random numbers of its own. A number that the replicas of a word share
would correlate them until most are copies of each other.

A decision "a uniform number is below p" needs about two random bits, not 64: bits of both are compared from the top
until they differ. All 512 lanes compare at once, and half of the open ones close in every round. So `ROUNDS` rounds
are done without asking, and then more until no lane is open, 12.3 in all on average. After 64 equal bits, which happens
with probability 2^-64, the number counts as not below p.

Flips that cost nothing are always accepted. So there are configurations that sweeps in a fixed order only turn into
each other, at L = 3 and 4 often enough to be seen in chains that start from random spins. After every sweep one more
site is visited, drawn at random for all replicas together, from which every configuration can be reached. Which site
it is says nothing of a spin, and each visit leaves the Boltzmann distribution as it is: the replicas stay independent.

The random words are those of eight generators SFC64 side by side, with random seeds; they take two thirds of the time
(benchmarks/ising.md has what else was tried).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from kernels.contract import Array
from kernels.ising.lanes import WORDS, load, nonzero, splat, store
from kernels.ising.words import boltzmann_threshold, seeds, sfc64

REPLICAS = 64 * WORDS
ROUNDS = 12


def seed(rng: np.random.Generator) -> Array:
    """Return uint64[4, 8], the state of eight generators."""
    return seeds(rng, WORDS)


@njit(cache=True)
def draw(state: Array, count: int) -> Array:
    """Return uint64[count, 8], the next words of eight generators; changes `state`, uint64[4, 8]."""
    words = np.empty((count, WORDS), np.uint64)
    a, b, c, counter = load(state, 0), load(state, 1), load(state, 2), state[3, 0]
    for row in range(count):
        word, a, b, c = sfc64(a, b, c, splat(counter))
        counter += np.uint64(1)
        store(words, row, word)
    store(state, 0, a)
    store(state, 1, b)
    store(state, 2, c)
    state[3, :] = counter
    return words


def neighbours(size: int) -> Array:
    """Return int64[sites, 4], the sites left, right, above and below of every site of the periodic lattice."""
    sites = np.arange(size * size).reshape(size, size)
    return np.stack([np.roll(sites, step, axis).ravel() for axis in (1, 0) for step in (1, -1)], axis=1)


def acceptance_bits(temperature: float) -> Array:
    """Return int64[64], bit j (from the top) of exp(-4J/T) + 2 * bit j of exp(-8J/T), each rounded down to 2^-64."""
    shifts = np.arange(63, -1, -1, dtype=np.uint64)
    four, eight = ((boltzmann_threshold(cost, temperature) >> shifts) & np.uint64(1) for cost in (4, 8))
    return (four + 2 * eight).astype(np.int64)


@njit(cache=True)
def metropolis(spins: Array, state: Array, near: Array, bits: Array, sweeps: int) -> None:
    """Do `sweeps` Metropolis sweeps on 512 replicas, in place, each with one more visit of a random site.

    Parameters
    ----------
    spins : uint64[sites, 8]
    state : uint64[4, 8]
        See `seed`.
    near : int64[sites, 4]
        See `neighbours`.
    bits : int64[64]
        See `acceptance_bits`.
    sweeps : int
    """
    sites = spins.shape[0]
    more = draw(state, sweeps)[:, 0] >> np.uint64(32)
    a, b, c, counter = load(state, 0), load(state, 1), load(state, 2), state[3, 0]
    for part in range(2 * sweeps):
        first, last = 0, sites
        if part % 2:
            first = int((more[part // 2] * np.uint64(sites)) >> np.uint64(32))
            last = first + 1
        for site in range(first, last):
            spin = load(spins, site)
            left, right = spin ^ load(spins, near[site, 0]), spin ^ load(spins, near[site, 1])
            above, below = spin ^ load(spins, near[site, 2]), spin ^ load(spins, near[site, 3])
            across, along = left | right, above | below
            flip = (left & right) | (above & below) | (across & along)  # two or more differ: costs nothing
            undecided, four = ~flip, across | along  # of the undecided, those that cost 4 J; the others cost 8 J
            for j in range(ROUNDS):
                word, a, b, c = sfc64(a, b, c, splat(counter))
                counter += np.uint64(1)
                flip, undecided = _compare(bits[j], word, four, flip, undecided)
            j = ROUNDS
            while j < 64 and nonzero(undecided):
                word, a, b, c = sfc64(a, b, c, splat(counter))
                counter += np.uint64(1)
                flip, undecided = _compare(bits[j], word, four, flip, undecided)
                j += 1
            store(spins, site, spin ^ flip)
    store(state, 0, a)
    store(state, 1, b)
    store(state, 2, c)
    state[3, :] = counter


@njit(cache=True, inline="always")
def _compare(wanted: int, word: Any, four: Any, flip: Any, undecided: Any) -> Any:
    """Return which lanes flip and which stay undecided after one more bit of every lane's random number.

    Parameters
    ----------
    wanted : int
        This bit of the probability: + 1 if it is set for lanes that cost 4 J, + 2 for those that cost 8 J.
    word, four, flip, undecided : Lanes
        Random bits; lanes that cost 4 J among the undecided; lanes that flip; lanes whose number has equalled the
        probability so far. A number with 0 where the probability has 1 is below it.
    """
    if wanted == 0:
        return flip, undecided & ~word
    if wanted == 1:
        return flip | (undecided & four & ~word), undecided & ~(word ^ four)
    if wanted == 2:
        return flip | (undecided & ~(four | word)), undecided & (word ^ four)
    return flip | (undecided & ~word), undecided & word
