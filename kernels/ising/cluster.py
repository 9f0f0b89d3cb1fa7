"""Cluster updates: Swendsen and Wang (1987), Wolff (1989)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from sweep.kernels.contract import Array
from sweep.kernels.ising.words import sfc64


@njit(cache=True)
def swendsen_wang(spins: Array, states: Array, cut: np.uint64, sweeps: int) -> None:
    """Do `sweeps` Swendsen-Wang updates on every chain, in place.

    Parameters
    ----------
    spins : int8[chain, size, size], +-1
    states : uint64[4, chain]
        Random states, one per chain; see `seeds`.
    cut : uint64
        Threshold of exp(-2J/T), the probability that a bond between equal spins stays open; used to 2^-32.
    sweeps : int
    """
    size = spins.shape[1]
    parent = np.empty(size * size, np.int32)
    signs = np.empty(size * size // 64 + 1, np.uint64)
    for chain in range(spins.shape[0]):
        for _ in range(sweeps):
            _bind(spins[chain], states[:, chain], cut >> np.uint64(32), parent, signs)
            lattice = spins[chain].reshape(size * size)
            for site in range(size * size):  # parents come first, and theirs are roots by now
                root = parent[parent[site]]
                parent[site] = root
                turn = (signs[root >> 6] >> np.uint64(root & 63)) & np.uint64(1)
                lattice[site] *= np.int8(1) - np.int8(2) * np.int8(turn)


@njit(cache=True)
def _bind(lattice: Array, state: Array, cut: np.uint64, parent: Array, signs: Array) -> None:
    """Fill `parent` with a forest whose trees are the clusters, every parent before its child, and draw `signs`.

    A word decides two bonds, left by its lower half and up by its upper half. Bonds around the torus come last, since
    they join sites that both have labels.
    """
    size = lattice.shape[0]
    a, b, c, counter = state[0], state[1], state[2], state[3]
    half = np.uint64(0xFFFFFFFF)
    for y in range(size):
        run = np.int32(0)
        for x in range(size):
            site = np.int32(y * size + x)
            word, a, b, c = sfc64(a, b, c, counter)
            counter += np.uint64(1)
            spin = lattice[y, x]
            left = (x > 0) & (spin == lattice[y, x - 1]) & ((word & half) >= cut)
            run = run if left else site
            parent[site] = run
            if (y > 0) & (spin == lattice[y - 1, x]) & ((word >> np.uint64(32)) >= cut):
                _join(parent, run, site - size)
    for i in range(size):
        word, a, b, c = sfc64(a, b, c, counter)
        counter += np.uint64(1)
        if lattice[i, 0] == lattice[i, size - 1] and (word & half) >= cut:
            _join(parent, i * size, i * size + size - 1)
        if lattice[0, i] == lattice[size - 1, i] and (word >> np.uint64(32)) >= cut:
            _join(parent, i, (size - 1) * size + i)
    for i in range(signs.shape[0]):
        signs[i], a, b, c = sfc64(a, b, c, counter)
        counter += np.uint64(1)
    state[0], state[1], state[2], state[3] = a, b, c, counter


@njit(cache=True, inline="always")
def _join(parent: Array, a: Any, b: Any) -> None:
    """Make one tree of the trees of two sites, halving the paths to their roots."""
    while parent[a] != a:
        parent[a] = parent[parent[a]]
        a = parent[a]
    while parent[b] != b:
        parent[b] = parent[parent[b]]
        b = parent[b]
    parent[max(a, b)] = min(a, b)


@njit(cache=True)
def wolff(spins: Array, states: Array, cut: np.uint64, flips: int) -> None:
    """Flip `flips` clusters in every chain, in place. Parameters as in `swendsen_wang`.

    Every neighbour of a spin is written back and put on the stack, changed and kept there only if it joins: without
    a branch that the processor could guess wrong, and with a word for two bonds whether they are needed or not.
    """
    size = spins.shape[1]
    stack = np.empty(size * size + 1, np.uint32)  # 2^16 y + x
    side, last, low = np.uint64(size), np.uint64(size - 1), np.uint64(0xFFFFFFFF)
    zero, one, half = np.uint64(0), np.uint64(1), np.uint64(32)
    closed = cut >> half
    for chain in range(spins.shape[0]):
        lattice = spins[chain].reshape(size * size)
        a, b, c, counter = states[0, chain], states[1, chain], states[2, chain], states[3, chain]
        for _ in range(flips):
            word, a, b, c = sfc64(a, b, c, counter)
            counter += one
            y, x = ((word >> half) * side) >> half, ((word & low) * side) >> half
            old = lattice[y * side + x]
            lattice[y * side + x] = -old
            stack[0] = (y << np.uint64(16)) | x
            waiting = 1
            while waiting:
                waiting -= 1
                y, x = np.uint64(stack[waiting]) >> np.uint64(16), np.uint64(stack[waiting]) & np.uint64(0xFFFF)
                up, down = (y - one if y != zero else last), (y + one if y != last else zero)
                left, right = (x - one if x != zero else last), (x + one if x != last else zero)
                rows, a, b, c = sfc64(a, b, c, counter)
                columns, a, b, c = sfc64(a, b, c, counter + one)
                counter += np.uint64(2)
                for ny, nx, drawn in (
                    (up, x, rows >> half),
                    (down, x, rows & low),
                    (y, left, columns >> half),
                    (y, right, columns & low),
                ):
                    place = ny * side + nx
                    spin = lattice[place]
                    joins = (spin == old) & (drawn >= closed)
                    lattice[place] = -spin if joins else spin
                    stack[waiting] = np.uint32((ny << np.uint64(16)) | nx)
                    waiting += joins
        states[0, chain], states[1, chain], states[2, chain], states[3, chain] = a, b, c, counter
