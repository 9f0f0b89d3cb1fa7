"""What is measured on a configuration: moments, energy and power spectra, all linear to average over groups.

A translation-averaged correlator is the cosine transform of a power spectrum, so a group of configurations needs the
sum of spectra only, and spectra are one matrix product. The transform is Hartley's, with cas = cos + sin: real, and
|F(k)|^2 = (H(k)^2 + H(-k)^2) / 2, where the mirror image drops out of any cosine sum.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numba
import numpy as np

from sweep.kernels.contract import Array

MOMENTS = ("abs_magnetization", "m2", "m4", "energy", "energy2")
CORRELATORS = ("spin_correlation", "energy_correlation", "energy_correlation_four", "energy_correlation_one_mean")


class Waves(NamedTuple):
    """Transforms of the size x size torus; sites and wave vectors are flat, row by row.

    Parameters
    ----------
    hartley : float32[site, wave]
        cas(k x).
    cosines : float64[wave, displacement]
        cos(k d) / N^2: takes a power spectrum to a correlator.
    """

    hartley: Array
    cosines: Array


@cache
def waves(size: int) -> Waves:
    """Return the transforms of the torus, made once per process."""
    place = np.arange(size)
    row, column = np.repeat(place, size), np.tile(place, size)
    phase = 2 * np.pi / size * ((np.outer(row, row) + np.outer(column, column)) % size)
    hartley = (np.cos(phase) + np.sin(phase)).astype(np.float32)
    transforms = Waves(hartley, np.cos(phase) / size**4)
    for transform in transforms:
        transform.flags.writeable = False
    return transforms


def columns(size: int) -> int:
    """Return how many numbers `add_by_group` sums up per configuration."""
    return len(MOMENTS) + 5 * size * size


def transforms(fields: Array) -> Array:
    """Return the transforms of the spins and of both readings of their energy density (eq 40).

    Parameters
    ----------
    fields : float32[n, size, size]
        Spins in units of +-1, or real means.

    Returns
    -------
    float32[3, n, wave]
        Of s(y,x), of the horizontal bond s(y,x) s(y,x+1), and of s times the sum of its four neighbours.
    """
    count, size, _ = fields.shape
    local = np.empty((3, count, size * size), np.float32)
    _local_fields(fields, local.reshape(3, count, size, size))
    return local @ waves(size).hartley


@numba.njit(cache=True)
def _local_fields(fields: Array, local: Array) -> None:
    size = fields.shape[1]
    for n in range(fields.shape[0]):
        for y in range(size):
            above, below = fields[n, y - 1], fields[n, (y + 1) % size]
            row = fields[n, y]
            for x in range(size):
                right = row[(x + 1) % size]
                local[0, n, y, x] = row[x]
                local[1, n, y, x] = row[x] * right
                local[2, n, y, x] = row[x] * (right + row[x - 1] + above[x] + below[x])


def energies_from_transforms(waves_of: Array) -> Array:
    """Return float32[n], energies per site (J): every bond is in the sum over sites of the last field twice."""
    return np.asarray(waves_of[2, :, 0] / np.float32(-2 * waves_of.shape[2]))


@numba.njit(cache=True)
def add_by_group(sums: Array, counts: Array, waves_of: Array, group: Array) -> None:
    """Add what every configuration shows to the sums of its group, and one to the group's count, in place.

    The columns are |m|, m^2, m^4, energy per site (J) and its square; then the power spectrum of the spins; then
    transform and power spectrum of the one energy density, and of the other.

    Parameters
    ----------
    sums : float64[groups, columns]
    counts : int64[groups]
    waves_of : float32[3, n, wave]
        From `transforms`.
    group : int64[n]
    """
    sites = waves_of.shape[2]
    for n in range(waves_of.shape[1]):
        counts[group[n]] += 1
        target = sums[group[n]]
        m = waves_of[0, n, 0] / sites
        energy = -waves_of[2, n, 0] / (2 * sites)
        target[0] += abs(m)
        target[1] += m**2
        target[2] += m**4
        target[3] += energy
        target[4] += energy**2
        spins, bond, around = waves_of[0, n], waves_of[1, n], waves_of[2, n]
        for k in range(sites):
            target[5 + k] += spins[k] * spins[k]
            target[5 + sites + k] += bond[k]
            target[5 + 2 * sites + k] += bond[k] * bond[k]
            target[5 + 3 * sites + k] += around[k]
            target[5 + 4 * sites + k] += around[k] * around[k]


def group_averages(sums: Array, counts: Array, size: int) -> dict[str, Array]:
    """Return moments and correlators of groups from the sums of `add_by_group`; NaN for a group that is too small.

    The connected energy correlators subtract products of different configurations only, site by site, so they are
    unbiased in groups of any number of independent configurations from two on:
    C(d) = mean_x [ <e_x e_x+d> - (n^2 <e_x><e_x+d> - n <e_x e_x+d>) / (n (n-1)) ].
    With one mean over all sites subtracted, as in the paper, only the wave k = 0 is subtracted: the two agree where
    no site differs from another in <e_x>.

    Parameters
    ----------
    sums : float64[..., columns]
    counts : int64[...]

    Returns
    -------
    dict
        `MOMENTS` as float64[...], `CORRELATORS` as float32[..., size, size] with axes dy, dx.
    """
    sites = size * size
    n = counts[..., None].astype(np.float64)
    n[n == 0] = np.nan
    pairs = np.where(n > 1, n - 1, np.nan)
    means = sums / n
    spins, *bonds = np.moveaxis(means[..., len(MOMENTS) :].reshape(*counts.shape, 5, sites), -2, 0)
    powers = [spins]
    for mean, power in (bonds[:2], bonds[2:]):
        powers.append(power - (n * mean**2 - power) / pairs)
    one_mean = bonds[1].copy()
    one_mean[..., 0] = powers[1][..., 0]
    powers.append(one_mean)
    moments = {name: means[..., place] for place, name in enumerate(MOMENTS)}
    shape = (*counts.shape, size, size)
    cosines = waves(size).cosines
    correlators = {
        name: (power @ cosines).reshape(shape).astype(np.float32)
        for name, power in zip(CORRELATORS, powers, strict=True)
    }
    return {**moments, **correlators}
