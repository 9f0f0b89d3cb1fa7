"""Metropolis updates of single spins, site after site."""

from __future__ import annotations

import numpy as np
from numba import njit

from kernels.contract import Array
from kernels.ising.words import boltzmann_threshold, next_word


def thresholds(temperature: float) -> Array:
    """Return uint64[5], the threshold of accepting a flip that costs 2 h J, at index 2 + h/2, for h = -4, -2 .. 4."""
    costs = [max(0, 2 * field) for field in (-4, -2, 0, 2, 4)]
    return np.array([boltzmann_threshold(cost, temperature) for cost in costs], np.uint64)


@njit(cache=True)
def metropolis(spins: Array, states: Array, accept: Array, sweeps: int) -> None:
    """Do `sweeps` Metropolis sweeps on every chain, in place.

    Parameters
    ----------
    spins : int8[chain, size, size], +-1
    states : uint64[chain, 4]
        Random states, one per chain.
    accept : uint64[5]
        See `thresholds`.
    sweeps : int
    """
    size = spins.shape[1]
    for chain in range(spins.shape[0]):
        lattice, state = spins[chain], states[chain]
        for _ in range(sweeps):
            for y in range(size):
                above, below = lattice[y - 1], lattice[y + 1 - size]
                for x in range(size):
                    field = lattice[y, x] * (above[x] + below[x] + lattice[y, x - 1] + lattice[y, x + 1 - size])
                    if field <= 0 or next_word(state) < accept[2 + field // 2]:
                        lattice[y, x] = -lattice[y, x]
