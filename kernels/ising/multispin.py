"""Metropolis updates of 512 replicas at once, one bit each (multi-spin coding).

Bit b of word w of a site is the spin of replica 64 w + b, set for +1. All replicas visit the sites in the same order
and share the temperature; every one of them has random numbers of its own. A number that the replicas of a word share
would correlate them until most are copies of each other.

Whether a flip that costs 4 J or 8 J is accepted is a bit of that probability: `bernoulli` makes them in blocks, ahead
of the visits that use them. What is left of a block when the sweeps are done is not used.

Flips that cost nothing are always accepted. So there are configurations that sweeps in a fixed order only turn into
each other, at L = 3 and 4 often enough to be seen in chains that start from random spins. After every sweep one more
site is visited, drawn at random for all replicas together, from which every configuration can be reached. Which site
it is says nothing of a spin, and each visit leaves the Boltzmann distribution as it is: the replicas stay independent.

The random words are those of eight generators SFC64 side by side, with random seeds; they take two thirds of the time
(benchmarks/ising.md has what else was tried).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numba import njit

from sweep.kernels.contract import Array
from sweep.kernels.ising.bernoulli import VECTORS, Recipe, fill, recipe, room
from sweep.kernels.ising.lanes import WORDS, load, store
from sweep.kernels.ising.words import boltzmann, fill_words, seeds

REPLICAS = 64 * WORDS


def seed(rng: np.random.Generator) -> Array:
    """Return uint64[4, 8], the state of eight generators."""
    return seeds(rng, WORDS)


@njit(cache=True)
def draw(state: Array, count: int) -> Array:
    """Return uint64[count, 8], the next words of eight generators; changes `state`, uint64[4, 8]."""
    words = np.empty((count, WORDS), np.uint64)
    fill_words(state, words)
    return words


@lru_cache(maxsize=64)
def neighbours(size: int) -> Array:
    """Return int64[sites, 4], the sites left, right, above and below of every site of the periodic lattice."""
    sites = np.arange(size * size).reshape(size, size)
    return np.stack([np.roll(sites, step, axis).ravel() for axis in (1, 0) for step in (1, -1)], axis=1)


@lru_cache(maxsize=1024)
def acceptance(temperature: float) -> Recipe:
    """Return how to draw the bits that accept flips which cost 4 J and 8 J, the second by the square of the first."""
    return recipe(boltzmann(4, temperature), boltzmann(8, temperature))


@njit(cache=True)
def metropolis(spins: Array, state: Array, accepted: Recipe, sweeps: int) -> None:
    """Do `sweeps` Metropolis sweeps on 512 replicas, in place, each with one more visit of a random site.

    Parameters
    ----------
    spins : uint64[sites, 8]
        Of square lattices, row by row.
    state : uint64[4, 8]
        See `seed`.
    accepted : Recipe
        See `acceptance`.
    sweeps : int
    """
    sites = spins.shape[0]
    size = round(np.sqrt(sites))
    more = draw(state, sweeps)[:, 0] >> np.uint64(32)
    bits, words = room(accepted)
    four, eight = bits[0], bits[1]
    used = VECTORS
    for sweep in range(sweeps):
        for y in range(size):
            here, above, below = _rows(y, size)
            left, spin = load(spins, here + size - 1), load(spins, here)
            for x in range(size):
                if used == VECTORS:
                    fill(state, accepted, bits, words)
                    used = 0
                right = load(spins, here + (x + 1 if x + 1 < size else 0))
                up, down = load(spins, above + x), load(spins, below + x)
                left = _visit(spin, left, right, up, down, load(four, used), load(eight, used))
                store(spins, here + x, left)
                spin = right
                used += 1
        if used == VECTORS:
            fill(state, accepted, bits, words)
            used = 0
        y, x = divmod(int((more[sweep] * np.uint64(sites)) >> np.uint64(32)), size)
        here, above, below = _rows(y, size)
        left, right = load(spins, here + (x - 1) % size), load(spins, here + (x + 1) % size)
        up, down = load(spins, above + x), load(spins, below + x)
        spin = _visit(load(spins, here + x), left, right, up, down, load(four, used), load(eight, used))
        store(spins, here + x, spin)
        used += 1


@njit(cache=True, inline="always")
def _rows(y: Any, size: Any) -> Any:
    """Return where row y begins, and the rows above and below it."""
    return y * size, (y - 1) % size * size, (y + 1) % size * size


@njit(cache=True, inline="always")
def _visit(spin: Any, left: Any, right: Any, above: Any, below: Any, four: Any, eight: Any) -> Any:
    """Return spins after an update: flipped if two neighbours or more differ, else where the bits accept the cost.

    The left neighbour has just been updated: it comes in last, so that a row need not wait for it.
    """
    right, above, below = spin ^ right, spin ^ above, spin ^ below
    some = right | above
    two = (right & above) | (some & below)
    some = some | below
    alike = two | (eight ^ (some & (four ^ eight)))  # flips if the left one is alike
    unlike = some | four  # flips if it differs
    return spin ^ alike ^ ((spin ^ left) & (alike ^ unlike))
