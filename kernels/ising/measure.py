"""Observables of recorded configurations.

Sums are of integers wherever they can be, and of floats in a fixed order elsewhere, so that the bits do not depend on
the machine.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from sweep.kernels.contract import Array, Arrays


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


def bond_sums(bonds: Array) -> Array:
    """Return int64[chain], the sum of a field int8[chain, size, size] over sites."""
    return np.asarray(bonds.sum(axis=(1, 2), dtype=np.int64))


def pair_sums(field: Array, per_bin: int) -> Array:
    """Return int64[bin, dy, dx], sums of field(r) field(r + d) over r and the chains of a bin.

    By the convolution theorem; the sums are integers far below 2^53, so rounding removes the transform's last digits.

    Parameters
    ----------
    field : int8[chain, size, size], +-1
    per_bin : int
        Chains that make a bin; divides the number of chains.
    """
    size = field.shape[-1]
    bins = field.reshape(-1, per_bin, size, size)
    sums = np.empty((len(bins), size, size), np.int64)
    for number, members in enumerate(bins):
        waves = np.fft.rfft2(members)
        power = (waves.real**2 + waves.imag**2).sum(axis=0)
        sums[number] = np.rint(np.fft.irfft2(power, (size, size)))
    return sums


def energy_correlation(pairs: Array, sums: Array, sites: int) -> Array:
    """Return float64[bin, dy, dx], the connected correlator of one horizontal bond in each bin.

    What is subtracted, the square of the bond's mean, is estimated from products of different chains: with b_i the
    bond sum of chain i, S their sum and n chains, (S^2 - sum b_i^2)/(n (n - 1)). So every bin is unbiased.

    Parameters
    ----------
    pairs : int64[bin, dy, dx]
        Sums of products of two bonds over sites, samples and chains.
    sums : int64[chain]
        Sums of bonds over sites and samples.
    sites : int
        Sites times samples: the terms of one chain.
    """
    chains = sums.reshape(len(pairs), -1)
    n = chains.shape[1]
    products = chains.sum(axis=1) ** 2 - (chains**2).sum(axis=1)
    return np.asarray(pairs / (n * sites) - (products / (n * (n - 1) * sites**2))[:, None, None])
