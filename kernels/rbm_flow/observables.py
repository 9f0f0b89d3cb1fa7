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

from kernels.contract import Array

MOMENTS = ("abs_magnetization", "m2", "m4", "energy", "energy2")
CORRELATORS = ("spin_correlation", "energy_correlation", "energy_correlation_four")


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
    """Return how many numbers `features` gives per configuration."""
    return len(MOMENTS) + 5 * size * size


def features(fields: Array) -> Array:
    """Return what is averaged over configurations, each in its row.

    Parameters
    ----------
    fields : float32[n, size, size]
        Spins in units of +-1, or real means.

    Returns
    -------
    float32[n, columns]
        |m|, m^2, m^4, energy per site (J) and its square; then the power spectrum of the spins; then transform and
        power spectrum of both readings of eq 40: the horizontal bond s(y,x) s(y,x+1), and s times its four neighbours.
    """
    count, size, _ = fields.shape
    sites = size * size
    horizontal = fields * np.roll(fields, -1, axis=2)
    vertical = fields * np.roll(fields, -1, axis=1)
    result = np.empty((count, columns(size)), np.float32)
    spectra = result[:, len(MOMENTS) :].reshape(count, 5, sites)
    hartley = waves(size).hartley
    np.square(fields.reshape(count, sites) @ hartley, out=spectra[:, 0])
    both = horizontal + vertical
    around = both + np.roll(horizontal, 1, axis=2) + np.roll(vertical, 1, axis=1)
    for place, field in ((1, horizontal), (3, around)):
        spectra[:, place] = field.reshape(count, sites) @ hartley
        np.square(spectra[:, place], out=spectra[:, place + 1])
    m = fields.mean(axis=(1, 2))
    energy = both.sum(axis=(1, 2)) / np.float32(-sites)
    square = np.square(m)
    result[:, : len(MOMENTS)] = np.stack([np.abs(m), square, np.square(square), energy, np.square(energy)], axis=1)
    return result


@numba.njit(cache=True)
def add_by_group(sums: Array, counts: Array, rows: Array, group: Array) -> None:
    """Add every row to the sums of its group, and one to the group's count, in place.

    Parameters
    ----------
    sums : float64[groups, columns]
    counts : int64[groups]
    rows : float32[n, columns]
    group : int64[n]
    """
    for n in range(rows.shape[0]):
        counts[group[n]] += 1
        target, row = sums[group[n]], rows[n]
        for column in range(row.size):
            target[column] += row[column]


def group_averages(sums: Array, counts: Array, size: int) -> dict[str, Array]:
    """Return moments and correlators of groups from sums of `features`; NaN for a group with too few configurations.

    The connected energy correlators subtract products of different configurations only, site by site, so they are
    unbiased in groups of any number of independent configurations from two on:
    C(d) = mean_x [ <e_x e_x+d> - (n^2 <e_x><e_x+d> - n <e_x e_x+d>) / (n (n-1)) ].

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
    moments = {name: means[..., place] for place, name in enumerate(MOMENTS)}
    shape = (*counts.shape, size, size)
    cosines = waves(size).cosines
    correlators = {
        name: (power @ cosines).reshape(shape).astype(np.float32)
        for name, power in zip(CORRELATORS, powers, strict=True)
    }
    return {**moments, **correlators}
