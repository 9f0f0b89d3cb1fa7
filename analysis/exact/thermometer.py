"""What a perfect thermometer reads from perfect data: exact energies, their distribution, and Bayes with equal priors.

The energy is all that a configuration says about its temperature, so nothing reads better than p(T|E), proportional to
exp(-E/T) / Z(T). Z at complex couplings gives the distribution of E: with E = -2N + 4j, Z(K + i phi) / Z(K) is the
Fourier transform of p(j) at temperature 1 / K (the number of broken bonds is even in every row and column).
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sweep.analysis.exact.free_fermions import log_partition
from sweep.analysis.exact.ising import log_partition_jet, torus_energy
from sweep.analysis.exact.moments import moments

Floats = npt.NDArray[np.float64]
HOTTEST, COLDEST = 1e-6, 10.0  # couplings: at the second, the energy is -2 to the last bit
STEPS, CLOSE = 60, 1e-13  # of a search for a coupling: at most, and near enough


class Mixture(NamedTuple):
    """Means over ensembles at several temperatures in equal shares; |m| is NaN where it is not known."""

    energy: float
    abs_m: float
    reading: float


def energy_levels(size: int) -> Floats:
    """Return all energies of the `size` x `size` torus, in J, from -2 N in steps of 4, float64[N + 1].

    Where L is odd, those at the end are not reached by any configuration.
    """
    return np.arange(-2.0 * size**2, 2 * size**2 + 1, 4)


def phases(size: int) -> Floats:
    """Return the imaginary parts of K at which a function must be known to be `inverted`."""
    levels = size**2 + 1
    return np.pi / 2 * np.arange(levels // 2 + 1) / levels


def inverted(transform: npt.NDArray[np.complex128], size: int) -> Floats:
    """Return f(E) from the sum over E of f(E) exp(-i phi E), at the `phases`.

    Parameters
    ----------
    transform : complex128[phase, ...]

    Returns
    -------
    float64[level, ...]
        To about 1e-15 of the largest, not of each.
    """
    shift = np.exp(-2j * size**2 * phases(size)).reshape(-1, *[1] * (transform.ndim - 1))
    return np.asarray(np.fft.irfft(transform * shift, size**2 + 1, axis=0))


@lru_cache(maxsize=256)
def energy_distribution(size: int, temperature: float) -> Floats:
    """Return the probability of each of the `energy_levels` at a temperature in J/k_B, 0 or more; read-only."""
    probability = np.zeros(size**2 + 1)
    if temperature == 0:
        probability[0] = 1
    else:
        coupling = 1 / temperature
        logs = np.array([log_partition(size, coupling + 1j * phase) for phase in phases(size)])
        np.maximum(inverted(np.exp(logs - logs[0]), size), 0, out=probability)
    probability.flags.writeable = False
    return probability


def log_likelihood(size: int, temperatures: tuple[float, ...]) -> Floats:
    """Return ln p of a configuration at each of the `energy_levels`, by temperature, float64[level, temperature]."""
    excess = energy_levels(size) + 2 * size**2
    columns = []
    for temperature in temperatures:
        if temperature == 0:
            columns.append(np.where(excess == 0, -np.log(2), -np.inf))
        else:
            offset = log_partition(size, 1 / temperature) - 2 * size**2 / temperature
            columns.append(-excess / temperature - offset)
    return np.stack(columns, axis=1)


def posterior_reading(size: int, temperature: float, classes: tuple[float, ...]) -> float:
    """Return the mean over an ensemble of the posterior mean temperature that its configurations have.

    Parameters
    ----------
    size : int
    temperature : float
        Of the ensemble, in J/k_B.
    classes : tuple of float
        Temperatures that the thermometer knows, with equal priors. The reading depends on them, and is biased.
    """
    likelihood = log_likelihood(size, classes)
    posterior = np.exp(likelihood - np.logaddexp.reduce(likelihood, axis=1, keepdims=True))
    return float(energy_distribution(size, temperature) @ posterior @ np.array(classes))


@lru_cache(maxsize=16)
def mixture(size: int, temperatures: tuple[float, ...]) -> Mixture:
    """Return what training data of several temperatures are on average, and what they read as on average.

    A machine that has learnt them perfectly ends there, whatever it starts from.

    Parameters
    ----------
    size : int
    temperatures : tuple of float
        In J/k_B, 0 or more: those of the data and of the thermometer.
    """
    rows = [
        (
            torus_energy(size, temperature),
            moments(size, temperature).abs_m,
            posterior_reading(size, temperature, temperatures),
        )
        for temperature in temperatures
    ]
    return Mixture(*(float(column) for column in np.mean(rows, axis=0)))


def temperature_of_energy(size: int, energy: float) -> float:
    """Return the temperature at which the torus has an energy per site, as `temperatures_of_energies` does."""
    return float(temperatures_of_energies(size, np.array([energy]))[0])


def temperatures_of_energies(size: int, energies: Floats) -> Floats:
    """Return the temperatures at which the `size` x `size` torus has energies per site, in J/k_B.

    Newton's method from a table, all energies at once; where a step leads out of what is known to hold the coupling,
    that is halved instead.

    Parameters
    ----------
    size : int
    energies : float[...]
        In J.

    Returns
    -------
    float[...]
        0 at -2 and NaN below it; infinite at 0 and above it, and where it would be more than 10^6.
    """
    couplings, known = _energies(size)
    place = np.searchsorted(-known, -energies)  # energies fall as the coupling grows
    searched = (energies > -2) & (place > 0)
    wanted, place = energies[searched], place[searched]
    low, high = couplings[place - 1], couplings[place]
    share = (known[place - 1] - wanted) / (known[place - 1] - known[place])
    found = low + share * (high - low)
    for _ in range(STEPS):
        _, first, second = log_partition_jet(size, found)
        off = -first / size**2 - wanted
        low, high = np.where(off > 0, found, low), np.where(off > 0, high, found)
        step = off * size**2 / second
        inside = (low <= found + step) & (found + step <= high)
        following = np.where(inside, found + step, (low + high) / 2)
        near, found = np.abs(following - found) < CLOSE, following
        if near.all():
            break
    temperatures = np.where(energies > -2, np.inf, np.where(energies == -2, 0.0, np.nan))
    temperatures[searched] = 1 / found
    return temperatures


@lru_cache(maxsize=16)
def _energies(size: int) -> tuple[Floats, Floats]:
    """Return couplings and the energies per site there, close enough together for a root to be found in a few steps."""
    couplings = np.concatenate([[HOTTEST], np.linspace(0, 2, 401)[1:], [COLDEST]])
    return couplings, -log_partition_jet(size, couplings)[1] / size**2
