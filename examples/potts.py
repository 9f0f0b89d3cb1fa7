"""The q-state Potts model: a kernel of one's own, in one file. Copy it and change the physics.

H = -J sum over neighbours of delta(s_i, s_j), spins s = 0 .. q-1 on a periodic square lattice, J = k_B = 1. In this
convention T_c = 1 / ln(1 + sqrt q), and q = 2 is the Ising model at twice the temperature (Wu, Rev. Mod. Phys. 54,
235, 1982). From this folder, ``sweep check potts:POTTS`` holds it to the laws of the contract and ``sweep launch
potts.yaml`` runs it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit

from sweep.kernels.contract import Array, Arrays, Inputs, Kernel, Output, State, Stationarity, parameter


@dataclass(frozen=True)
class PottsParams:
    """Independent chains of one lattice at one temperature. Each field is a possible axis of a grid."""

    size: int = parameter("spins along each side of the lattice", ge=3)
    temperature: float = parameter("temperature", units="J/k_B", gt=0.0)
    states: int = parameter("values that a spin can take, q", default=3, ge=2, le=127)
    replicas: int = parameter("independent chains; error bars come from their scatter", default=16, ge=2)
    samples: int = parameter("configurations that each chain records", default=10, ge=1, extent=True)
    equilibration: int = parameter("sweeps before the first sample", default=1000, ge=0, units="mcs")
    interval: int = parameter("sweeps from one sample to the next", default=20, ge=1, units="mcs")


@njit(cache=True)
def heat_bath(spins: Array, states: int, temperature: float, sweeps: int, rng: np.random.Generator) -> None:
    """Draw every spin anew from its distribution given its neighbours, site after site, in place.

    Parameters
    ----------
    spins : int8[replica, size, size], 0 .. states-1
    states : int
    temperature : float, J/k_B
    sweeps : int, mcs
    rng : Generator
    """
    size = spins.shape[1]
    weight = np.exp(np.arange(5) / temperature)  # of a state that 0 .. 4 neighbours are in
    equal = np.empty(states, np.int64)
    for lattice in spins:
        for site in range(sweeps * size**2):
            y, x = site // size % size, site % size
            equal[:] = 0
            equal[lattice[y - 1, x]] += 1
            equal[lattice[(y + 1) % size, x]] += 1
            equal[lattice[y, x - 1]] += 1
            equal[lattice[y, (x + 1) % size]] += 1
            total = 0.0
            for state in range(states):
                total += weight[equal[state]]
            left, state = rng.random() * total, 0
            while state < states - 1 and left >= weight[equal[state]]:
                left -= weight[equal[state]]
                state += 1
            lattice[y, x] = state


def energy(spins: Array) -> Array:
    """Return float64[...], the energy per site in J of spins[..., y, x]."""
    bonds = sum((spins == np.roll(spins, 1, axis=axis)).mean(axis=(-2, -1)) for axis in (-2, -1))
    return -np.asarray(bonds)


def order_parameter(spins: Array, states: int) -> Array:
    """Return float64[...], (q n_max - 1) / (q - 1), where n_max is the share of the most frequent state."""
    share = np.stack([(spins == state).mean(axis=(-2, -1)) for state in range(states)])
    return np.asarray((states * share.max(axis=0) - 1) / (states - 1))


def outputs(params: PottsParams) -> dict[str, Output]:
    """Return what a point of the grid gives: one block of work adds one sample of every chain."""
    series, shape = ("sample", "replica"), (params.samples, params.replicas)
    lattice = (params.size, params.size)
    return {
        "energy": Output(series, shape, "float64", "J", "energy per site", block=1),
        "order_parameter": Output(series, shape, "float64", "", "Potts order parameter", block=1),
        "spins": Output((*series, "y", "x"), shape + lattice, "int8", "", "spins, 0 to q-1", block=1),
    }


def init(params: PottsParams, rng: np.random.Generator, inputs: Inputs) -> State:
    """Return (spins,), equilibrated from random ones."""
    spins = rng.integers(params.states, size=(params.replicas, params.size, params.size), dtype=np.int8)
    heat_bath(spins, params.states, params.temperature, params.equilibration, rng)
    return (spins,)


def advance(params: PottsParams, state: State, rng: np.random.Generator, inputs: Inputs) -> tuple[State, Arrays]:
    """Return the state `interval` sweeps later, and one sample of it. The given state stays as it is."""
    spins = state[0].copy()
    heat_bath(spins, params.states, params.temperature, params.interval, rng)
    sample = {"energy": energy(spins), "order_parameter": order_parameter(spins, params.states), "spins": spins}
    return (spins,), {name: values[np.newaxis] for name, values in sample.items()}


def cost(params: PottsParams) -> float:
    """Return the seconds of one block, from the time that one spin takes; the first sweeps are shared out."""
    sweeps = params.interval + params.equilibration / params.samples
    return sweeps * params.replicas * params.size**2 * (20e-9 + 12e-9 * params.states)


# How a test can start chains exactly at equilibrium, on a lattice small enough to enumerate. Optional; worth having.


def level(params: PottsParams, state: State) -> Array:
    """Return int64[lattice], the number of unequal neighbours."""
    return np.asarray(np.rint((energy(state[0]) + 2) * params.size**2).astype(np.int64))


def enumerate_states(params: PottsParams) -> tuple[State, Array]:
    """Return every configuration, and float64[configuration], their Boltzmann probabilities."""
    sites = params.size**2
    digits = np.arange(params.states**sites)[:, np.newaxis] // params.states ** np.arange(sites) % params.states
    state = (digits.astype(np.int8).reshape(-1, params.size, params.size),)
    weights = np.exp(-level(params, state) / params.temperature)
    return state, weights / weights.sum()


def draw(params: PottsParams, rng: np.random.Generator, count: int) -> State:
    """Return `count` lattices that are exactly at equilibrium."""
    (spins,), probability = enumerate_states(params)
    return (spins[rng.choice(len(spins), count, p=probability)],)


def update(params: PottsParams, state: State, rng: np.random.Generator) -> State:
    """Return the lattices two sweeps later: they must still be at equilibrium."""
    spins = state[0].copy()
    heat_bath(spins, params.states, params.temperature, 2, rng)
    return (spins,)


def level_probabilities(params: PottsParams) -> Array:
    """Return float64[level], the exact distribution of `level`."""
    state, probability = enumerate_states(params)
    return np.asarray(np.bincount(level(params, state), probability))


POTTS = Kernel(
    name="potts",
    version=1,
    params=PottsParams,
    outputs=outputs,
    init=init,
    advance=advance,
    cost=cost,
    work=lambda params: params.interval * params.replicas * params.size**2,
    work_unit="spin updates",
    blocks=lambda params: params.samples,
    example=PottsParams(size=4, temperature=1.0, samples=3, equilibration=10, interval=2),
    stationarity=Stationarity(PottsParams(size=3, temperature=1.0), draw, update, level, level_probabilities),
    description="q-state Potts model on the periodic square lattice, heat bath",
)
