"""A machine that is exactly an Ising model: what training aims at, and a fixed point of its own flow."""

from __future__ import annotations

import numpy as np

from sweep.kernels.contract import Array, State, Stationarity
from sweep.kernels.rbm.machine import Machine, all_spins, exact_log_probabilities, sample_h_from_v, sample_v_from_h
from sweep.kernels.rbm.params import RBMParams

TEMPERATURE = 2.269185314213022  # T_c of the infinite lattice


def bonds(size: int) -> Array:
    """Return int64[2 size^2, 2], the two sites of every bond of the periodic square lattice, size 3 or more."""
    sites = np.arange(size * size).reshape(size, size)
    right, below = np.roll(sites, -1, axis=1), np.roll(sites, -1, axis=0)
    return np.concatenate([np.stack([sites, other], axis=-1).reshape(-1, 2) for other in (right, below)])


def ising_machine(size: int, temperature: float) -> Machine:
    """Return the float64 machine with one hidden unit per bond whose p(v) is the Ising model's (eqs 4 and 31).

    A hidden unit coupled by w to both ends of a bond contributes 2 cosh(w (s + s')), which is 2 cosh 2w for equal
    spins and 2 otherwise: the weight of a bond of coupling K when cosh 2w = exp(2K).
    """
    ends = bonds(size)
    weights = np.zeros((size * size, len(ends)))
    weights[ends, np.arange(len(ends))[:, None]] = np.arccosh(np.exp(2 / temperature)) / 2
    return Machine(weights, np.zeros(size * size), np.zeros(len(ends)))


def _broken_bonds(size: int, v: Array) -> Array:
    """Return int64[n], how many bonds join opposite spins."""
    first, second = bonds(size).T
    return np.asarray((v[:, first] != v[:, second]).sum(axis=1))


def _level(params: RBMParams, state: State) -> Array:
    possible = np.unique(_broken_bonds(params.size, all_spins(params.visible)))
    return np.searchsorted(possible, _broken_bonds(params.size, state[0]))


def _draw(params: RBMParams, rng: np.random.Generator, count: int) -> State:
    p = np.exp(exact_log_probabilities(ising_machine(params.size, TEMPERATURE)))
    return (all_spins(params.visible)[rng.choice(len(p), count, p=p / p.sum())],)


def _gibbs(params: RBMParams, state: State, rng: np.random.Generator) -> State:
    machine = ising_machine(params.size, TEMPERATURE)
    return (sample_v_from_h(machine, sample_h_from_v(machine, state[0], rng), rng),)


def _level_probabilities(params: RBMParams) -> Array:
    """Return the probability of every energy of the Ising model, from the ground state up (eq 31)."""
    possible, states = np.unique(_broken_bonds(params.size, all_spins(params.visible)), return_counts=True)
    weights = states * np.exp(-2 * possible / TEMPERATURE)
    return np.asarray(weights / weights.sum())


STATIONARITY = Stationarity(
    params=RBMParams(size=3, hidden=18),
    draw=_draw,
    update=_gibbs,
    level=_level,
    probabilities=_level_probabilities,
)
