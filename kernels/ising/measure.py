"""Observables of recorded configurations.

Sums are of integers wherever they can be, and of floats in a fixed order elsewhere, so that the bits do not depend on
the machine.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from kernels.contract import Array, Arrays


def moments(energy: Array, magnetization: Array, sites: int) -> Arrays:
    """Return per-chain means over samples of energy, its square, |m|, m^2 and m^4, all per site: float64[chain].

    Parameters
    ----------
    energy, magnetization : int64[chain, sample]
        Totals of every configuration, energy in J.
    sites : int
    """
    e, m = energy / sites, np.abs(magnetization) / sites
    powers = {"energy": e, "energy2": e * e, "abs_magnetization": m, "m2": m * m, "m4": m * m * (m * m)}
    return {name: _mean_over_samples(values) for name, values in powers.items()}


@njit(cache=True)
def _mean_over_samples(values: Array) -> Array:
    """Return float64[chain]: a sum from the first to the last, since numpy's order of summing is its own."""
    means: Array = np.zeros(values.shape[0])
    for chain in range(values.shape[0]):
        for sample in range(values.shape[1]):
            means[chain] += values[chain, sample]
    means /= values.shape[1]
    return means


@njit(cache=True)
def plain_totals(spins: Array) -> tuple[Array, Array]:
    """Return int64[chain] twice, energy in J and magnetization of int8[chain, size, size]."""
    chains, size, _ = spins.shape
    energy = np.zeros(chains, np.int64)
    magnetization = np.zeros(chains, np.int64)
    for chain in range(chains):
        lattice = spins[chain]
        for y in range(size):
            for x in range(size):
                spin = np.int64(lattice[y, x])
                magnetization[chain] += spin
                energy[chain] -= spin * (lattice[y - 1, x] + lattice[y, x - 1])
    return energy, magnetization


def spin_correlation(spins: Array, per_bin: int) -> Array:
    """Return float64[bin, dy, dx], <s s> averaged over translations, samples and the chains of a bin.

    Parameters
    ----------
    spins : int8[chain, sample, size, size], +-1
    per_bin : int
        Chains that make a bin; divides the number of chains.
    """
    return np.asarray(_pair_sums(spins, per_bin) / _terms(spins, per_bin))


def energy_correlation(spins: Array, per_bin: int) -> Array:
    """Return float64[bin, dy, dx], the connected correlator of one horizontal bond in each bin; parameters as above.

    What is subtracted, the square of the bond's mean, is estimated from products of different chains: with b_i the
    bond sum of chain i, S their sum and n chains, (S^2 - sum b_i^2)/(n (n - 1)). So every bin is unbiased.
    """
    bonds = spins * np.roll(spins, -1, axis=3)
    sums = bonds.sum(axis=(1, 2, 3), dtype=np.int64).reshape(-1, per_bin)
    products = sums.sum(axis=1) ** 2 - (sums**2).sum(axis=1)
    scale = per_bin * (per_bin - 1) * (_terms(spins, 1) ** 2)
    return np.asarray(_pair_sums(bonds, per_bin) / _terms(spins, per_bin) - (products / scale)[:, None, None])


def _terms(spins: Array, per_bin: int) -> int:
    """Return how many products of two spins a separation has in a bin."""
    return int(np.prod(spins.shape[1:])) * per_bin


def _pair_sums(field: Array, per_bin: int) -> Array:
    """Return int64[bin, dy, dx], sums of field(r) field(r + d) over r, samples and the chains of a bin.

    By the convolution theorem; the sums are integers far below 2^53, so rounding removes the transform's last digits.
    """
    size = field.shape[2]
    bins = field.reshape(len(field) // per_bin, -1, size, size)
    sums = np.empty((len(bins), size, size), np.int64)
    for number, members in enumerate(bins):
        waves = np.fft.rfft2(members)
        power = (waves.real**2 + waves.imag**2).sum(axis=0)
        sums[number] = np.rint(np.fft.irfft2(power, (size, size)))
    return sums
