"""The 3x3 lattice by enumeration, and chains that start exactly at equilibrium there."""

from __future__ import annotations

import numpy as np

from sweep.kernels.contract import Array, State, Stationarity
from sweep.kernels.ising.chains import updated
from sweep.kernels.ising.params import IsingParams

SWEEPS = 3  # enough for a wrong coupling to show, few enough for a test


def configurations(size: int) -> Array:
    """Return int8[2**(size*size), size, size], every configuration."""
    sites = size * size
    bits = np.arange(2**sites)[:, None] >> np.arange(sites) & 1
    return (1 - 2 * bits).astype(np.int8).reshape(-1, size, size)


def energies(spins: Array) -> Array:
    """Return int64[...], the energy in J of spins[..., size, size]."""
    neighbours = np.roll(spins, 1, axis=-1) + np.roll(spins, 1, axis=-2)
    return np.asarray(-(spins * neighbours).sum(axis=(-2, -1), dtype=np.int64))


def probabilities(params: IsingParams) -> Array:
    """Return float64[2**sites], the Boltzmann probability of every configuration."""
    e = energies(configurations(params.size))
    weights = np.exp((e.min() - e) / params.temperature)
    return np.asarray(weights / weights.sum())


def _draw(params: IsingParams, rng: np.random.Generator, count: int) -> State:
    p = probabilities(params)
    return (configurations(params.size)[rng.choice(len(p), count, p=p)],)


def _update(params: IsingParams, state: State, rng: np.random.Generator) -> State:
    return (updated(params, state[0], rng, SWEEPS),)


def _level(params: IsingParams, state: State) -> Array:
    levels = np.unique(energies(configurations(params.size)))
    return np.searchsorted(levels, energies(state[0]))


def _level_probabilities(params: IsingParams) -> Array:
    _, level = np.unique(energies(configurations(params.size)), return_inverse=True)
    return np.bincount(level, probabilities(params))


STATIONARITY = Stationarity(
    params=IsingParams(size=3, temperature=2.5),
    draw=_draw,
    update=_update,
    level=_level,
    probabilities=_level_probabilities,
)
