"""Cluster updates: Swendsen and Wang (1987), Wolff (1989)."""

from __future__ import annotations

import numpy as np
from numba import njit

from kernels.contract import Array
from kernels.ising.words import next_word


@njit(cache=True, inline="always")
def _root(parent: Array, site: int) -> int:
    """Return the smallest site of the cluster, halving the path to it."""
    while parent[site] != site:
        parent[site] = parent[parent[site]]
        site = parent[site]
    return site


@njit(cache=True, inline="always")
def _join(parent: Array, a: int, b: int) -> None:
    a, b = _root(parent, a), _root(parent, b)
    if a < b:
        parent[b] = a
    else:
        parent[a] = b


@njit(cache=True)
def swendsen_wang(spins: Array, states: Array, cut: np.uint64, sweeps: int) -> None:
    """Do `sweeps` Swendsen-Wang updates on every chain, in place.

    Parameters
    ----------
    spins : int8[chain, size, size], +-1
    states : uint64[chain, 4]
        Random states, one per chain.
    cut : uint64
        Threshold of exp(-2J/T), the probability that a bond between equal spins stays open.
    sweeps : int
    """
    size = spins.shape[1]
    sites = size * size
    parent = np.empty(sites, np.int32)
    flip = np.empty(sites, np.int8)
    for chain in range(spins.shape[0]):
        lattice, state = spins[chain].reshape(sites), states[chain]
        for _ in range(sweeps):
            for site in range(sites):
                parent[site] = site
            for site in range(sites):
                right = site + 1 if (site + 1) % size else site + 1 - size
                below = site + size if site + size < sites else site + size - sites
                if lattice[site] == lattice[right] and next_word(state) >= cut:
                    _join(parent, site, right)
                if lattice[site] == lattice[below] and next_word(state) >= cut:
                    _join(parent, site, below)
            for site in range(sites):  # a root comes before all other sites of its cluster
                root = _root(parent, site)
                if root == site:
                    flip[site] = 1 - 2 * np.int8(next_word(state) >> np.uint64(63))
                lattice[site] *= flip[root]


@njit(cache=True)
def wolff(spins: Array, states: Array, cut: np.uint64, flips: int) -> None:
    """Flip `flips` clusters in every chain, in place. Parameters as in `swendsen_wang`."""
    size = spins.shape[1]
    sites = size * size
    stack = np.empty(sites, np.int64)
    for chain in range(spins.shape[0]):
        lattice, state = spins[chain].reshape(sites), states[chain]
        for _ in range(flips):
            seed = _below(state, sites)
            old = lattice[seed]
            lattice[seed] = -old
            stack[0], waiting = seed, 1
            while waiting:
                waiting -= 1
                y, x = divmod(stack[waiting], size)
                for neighbour in (
                    y * size + (x + 1) % size,
                    y * size + (x + size - 1) % size,
                    (y + 1) % size * size + x,
                    (y + size - 1) % size * size + x,
                ):
                    if lattice[neighbour] == old and next_word(state) >= cut:
                        lattice[neighbour] = -old
                        stack[waiting] = neighbour
                        waiting += 1


@njit(cache=True, inline="always")
def _below(state: Array, sites: int) -> np.int64:
    """Return a uniform site, 0 to sites - 1, up to 2^-32 (sites <= 2^24: relative bias below 2^-8 2^-32 per site)."""
    return np.int64(((next_word(state) >> np.uint64(32)) * np.uint64(sites)) >> np.uint64(32))
