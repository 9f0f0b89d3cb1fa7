"""The exact energy thermometer: p(T|E) from Kaufman's partition function of the periodic square lattice.

For Ising configurations the energy is all that a configuration says about its temperature, so by Bayes with equal
priors p(T|v) = p(T|E) proportional to exp(-E/T) / Z_L(T). No thermometer can have a lower expected cross-entropy.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from sweep.kernels.contract import Array

GROUND_STATES = 2
_COLD = 1e30  # the inverse temperature that stands for T = 0: finite, so that 0 * _COLD is 0


def site_energies(fields: Array) -> Array:
    """Return the energy per site of configurations on the periodic square lattice, J = 1 (paper, eq 30).

    Parameters
    ----------
    fields : number[n, size, size]
        Spins in units of +-1, or real means.

    Returns
    -------
    float32[n]
        In units of J, between -2 and 2.
    """
    spins = fields.astype(np.float32, copy=False)
    neighbours = np.roll(spins, -1, axis=1)
    neighbours += np.roll(spins, -1, axis=2)
    neighbours *= spins
    # The sum of +-1 is a whole number below 2**24: exact in single precision.
    return np.asarray(neighbours.sum(axis=(1, 2)) / np.float32(-spins[0].size))


def excess_log_partition(size: int, temperature: float) -> float:
    """Return ln Z_L(T) + E_0 / T with E_0 = -2 L^2 the ground energy, so ln 2 at T = 0 (Kaufman 1949, eqs 5-9).

    2 Z = (2 sinh 2K)^(N/2) times the sum of four products over the modes gamma_l, l odd or even:
    prod 2 cosh(L gamma/2) and prod 2 sinh(L gamma/2). The one signed factor is gamma_0 = 2K + ln tanh K, which is
    negative above T_c.

    Parameters
    ----------
    size : int
        L, sites per side, at least 3 (at 2 the periodic bonds are double, which the formula counts too).
    temperature : float
        In units of J / k_B, not negative.
    """
    if temperature == 0:
        return float(np.log(GROUND_STATES))
    coupling = 1 / temperature
    modes = _modes(size, coupling)
    odd, even = modes[1::2], modes[0::2]
    logs, signs = zip(*(_log_product(size, gammas, kind) for gammas in (odd, even) for kind in (1, -1)), strict=True)
    top = max(logs)
    total = top + np.log(sum(sign * np.exp(log - top) for log, sign in zip(logs, signs, strict=True)))
    sites = size * size
    log_two_sinh = 2 * coupling + np.log(-np.expm1(-4 * coupling))
    return float(total - np.log(2) + sites / 2 * log_two_sinh - 2 * sites * coupling)


def _modes(size: int, coupling: float) -> Array:
    """Return gamma_l for l = 0 .. 2L-1: cosh gamma_l = cosh 2K coth 2K - cos(pi l / L), gamma_0 with its sign."""
    angles = np.pi * np.arange(2 * size) / size
    # At T_c the first one is zero, and rounding may take it below.
    cosh_minus_one = np.maximum(np.cosh(2 * coupling) / np.tanh(2 * coupling) - np.cos(angles) - 1, 0)
    # acosh(1 + x), written so that small x keeps its digits.
    gammas = np.log1p(cosh_minus_one + np.sqrt(cosh_minus_one * (cosh_minus_one + 2)))
    gammas[0] = 2 * coupling + np.log(np.tanh(coupling))
    return np.asarray(gammas)


def _log_product(size: int, gammas: Array, kind: int) -> tuple[float, float]:
    """Return ln |product| and sign of prod 2 cosh(L gamma/2) (kind +1) or prod 2 sinh(L gamma/2) (kind -1)."""
    half = np.abs(gammas) * size / 2
    with np.errstate(divide="ignore"):  # sinh(0) = 0 exactly at T_c is a product of zero
        log = half.sum() + np.log1p(kind * np.exp(-2 * half)).sum()
    return float(log), 1.0 if kind > 0 else float(np.prod(np.sign(gammas)))


@dataclass(frozen=True)
class EnergyThermometer:
    """What is needed to read a temperature off an energy.

    Parameters
    ----------
    sites : int
        N = L^2.
    inverse : float32[temperature_class]
        1 / T of each class; a very large number for T = 0.
    offsets : float32[temperature_class]
        ln Z(T) + E_0 / T, measured from the ground state so that single precision is enough.
    """

    sites: int
    inverse: Array
    offsets: Array

    def log_probabilities(self, energies: Array) -> Array:
        """Return ln p(T|E) of every class, equal priors.

        Parameters
        ----------
        energies : float32[n]
            Energies per site, as from `site_energies`.

        Returns
        -------
        float32[n, temperature_class]
        """
        excess = np.float32(self.sites) * (energies + np.float32(2))
        logits = -self.inverse * np.maximum(excess, np.float32(0))[:, None]
        logits -= self.offsets
        logits -= logits.max(axis=1, keepdims=True)
        logits -= np.log(np.exp(logits).sum(axis=1, keepdims=True))
        return np.asarray(logits)


@cache
def energy_thermometer(size: int, temperatures: tuple[float, ...]) -> EnergyThermometer:
    """Return the exact energy thermometer of the periodic size x size lattice for these temperature classes.

    Raises
    ------
    ValueError
        When a temperature is negative, or none is given.
    """
    if not temperatures or min(temperatures) < 0:
        raise ValueError(f"temperatures: found {temperatures}; wanted one or more, none negative")
    inverse = [1 / t if t else _COLD for t in temperatures]
    offsets = [excess_log_partition(size, t) for t in temperatures]
    return EnergyThermometer(size * size, np.array(inverse, np.float32), np.array(offsets, np.float32))
