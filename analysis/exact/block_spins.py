"""Exact correlations of block spins that are real averages, of any two layers over one torus at any temperature."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from sweep.analysis.exact.correlators import spin_correlation
from sweep.analysis.exact.thermometer import temperature_of_energy

Floats = npt.NDArray[np.float64]


@lru_cache(maxsize=64)
def block_correlation(size: int, lower: int, upper: int, temperature: float) -> Floats:
    """Return <v h> of the sites v of one layer with the site h of another that lies at the origin.

    Sites of both layers are averages over square blocks of the same `size` x `size` torus. With two equal layers it is
    the layer's own correlator <h h'> by displacement.

    Parameters
    ----------
    size : int
        Sites per side of the torus, from 3 to 128.
    lower, upper : int
        Sites per side of the layers: each divides the one before it. `lower` is `size` for the spins themselves.
    temperature : float
        In J/k_B, above 0.

    Returns
    -------
    float64[lower, lower]
        By place of v; the block of h begins at (0, 0). Read-only.

    Raises
    ------
    ValueError
        For layers that are no blocks of each other.
    """
    if min(lower, upper) < 1 or size % lower or lower % upper:
        raise ValueError(f"found layers of side {size}, {lower}, {upper}; wanted each to divide the one before it")
    field = spin_correlation(size, temperature)
    wide, narrow = size // upper, size // lower
    for axis in (0, 1):
        field = np.mean([np.roll(field, step, axis) for step in range(wide)], axis=0)
    means = field.reshape(lower, narrow, lower, narrow).mean(axis=(1, 3))
    means.flags.writeable = False
    return np.asarray(means)


def block_panels(size: int, lower: int, upper: int, temperature: float) -> Floats:
    """Return <v_i h_a> of all sites of the upper layer, row by row, float64[upper * upper, lower, lower].

    Parameters
    ----------
    size, lower, upper, temperature
        As for `block_correlation`.
    """
    first, step = block_correlation(size, lower, upper, temperature), lower // upper
    return np.array([np.roll(first, (step * y, step * x), (0, 1)) for y, x in np.ndindex(upper, upper)])


def layer_temperature(size: int, temperature: float, steps: int, shuffled: bool = False) -> float:
    """Return the temperature at which an Ising torus of the layer's side has the energy -2 <h h'> per site.

    Parameters
    ----------
    size : int
        Sites per side of the torus that the blocks are made of.
    temperature : float
        Of that torus, in J/k_B.
    steps : int
        How often blocks of 2x2 are averaged.
    shuffled : bool
        Whether h and h' are any two sites, as neighbours are when the layer is put down in a random order.
    """
    side = size // 2**steps
    correlation = block_correlation(size, side, side, temperature)
    neighbours = correlation.ravel()[1:].mean() if shuffled else correlation[0, 1]
    return temperature_of_energy(side, -2 * float(neighbours))
