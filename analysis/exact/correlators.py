"""Exact two-point functions of the L x L torus at any temperature: what an estimator gives on perfect data."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from sweep.analysis.exact.free_fermions import Bond, FreeFermions, free_fermions

Floats = npt.NDArray[np.float64]
SIZES = range(3, 129)  # at 128 a temperature takes some seconds


@lru_cache(maxsize=64)
def spin_correlation(size: int, temperature: float) -> Floats:
    """Return <s_0 s_r> of the `size` x `size` torus for every displacement.

    Parameters
    ----------
    size : int
        From 3 to 128.
    temperature : float
        In J/k_B, above 0.

    Returns
    -------
    float64[dy, dx]
        Read-only.

    Raises
    ------
    ValueError
        For a size or a temperature that it does not hold for.
    """
    torus = _torus(size, temperature)
    return _read_only(spin_products(torus) / torus.products([])[0])


@lru_cache(maxsize=64)
def bond_correlation(size: int, temperature: float) -> Floats:
    """Return <b b'> - <b><b'> of the `size` x `size` torus for two bonds at every displacement.

    Parameters
    ----------
    size, temperature
        As for `spin_correlation`.

    Returns
    -------
    float64[2, 2, dy, dx]
        By direction of the first bond, at the origin, and of the second, at r: 0 is s(y, x) s(y, x + 1), 1 is
        s(y, x) s(y + 1, x). Read-only.

    Raises
    ------
    ValueError
        As `spin_correlation`.
    """
    torus = _torus(size, temperature)
    partition, bond = torus.products([(0, 0, 0)])
    return _read_only(bond_products(torus) / partition - (bond / partition) ** 2)


def one_bond_correlation(size: int, temperature: float) -> Floats:
    """Return the connected correlator of the horizontal bonds alone, as the Ising stage has it, float64[dy, dx].

    Parameters
    ----------
    size, temperature
        As for `spin_correlation`.
    """
    return np.asarray(bond_correlation(size, temperature)[0, 0])


def four_neighbour_correlation(size: int, temperature: float) -> Floats:
    """Return the connected correlator of s times the sum of its four neighbours, float64[dy, dx].

    Parameters
    ----------
    size, temperature
        As for `spin_correlation`.
    """
    return four_neighbours(bond_correlation(size, temperature))


def four_neighbours(bonds: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return the correlator of the sum of a site's four bonds from that of single bonds, [2, 2, dy, dx] -> [dy, dx]."""
    total = np.zeros(bonds.shape[2:], bonds.dtype)
    for first, second in np.ndindex(2, 2):  # of each direction, one bond begins at a site and one ends there
        here = bonds[first, second] + np.roll(bonds[first, second], -1, 1 - first)
        total += here + np.roll(here, 1, 1 - second)
    return total


def spin_products(torus: FreeFermions) -> npt.NDArray[Any]:
    """Return Z <s_0 s_r>, up to the scale of the torus, for every displacement, [dy, dx].

    The product of the bonds of a path from 0 to r is s_0 s_r. Paths go right, then up; those of the octant
    0 <= dy <= dx <= L/2 are enough.
    """
    size = torus.size
    octant = np.zeros((size // 2 + 1, size // 2 + 1), torus.weights.dtype)
    for dx in range(size // 2 + 1):
        path: list[Bond] = [*((0, x, 0) for x in range(dx)), *((y, dx, 1) for y in range(dx))]
        octant[: dx + 1, dx] = octant[dx, : dx + 1] = torus.products(path)[dx:]
    nearest = np.minimum(np.arange(size), size - np.arange(size))
    return np.asarray(octant[nearest[:, None], nearest])


def bond_products(torus: FreeFermions) -> npt.NDArray[Any]:
    """Return Z <b b'>, up to the scale of the torus, of two bonds by direction and displacement, [2, 2, dy, dx]."""
    along, across = torus.pairs(0, 0), torus.pairs(0, 1)
    back = -np.arange(torus.size)
    found = np.array([[along, across], [across[back][:, back], along.T]])
    found[:, :, 0, 0] = np.where(np.eye(2), torus.products([])[0], found[:, :, 0, 0])  # b^2 = 1
    return found


def _torus(size: int, temperature: float) -> FreeFermions:
    if size not in SIZES or not temperature > 0:
        raise ValueError(f"found size {size}, temperature {temperature}; wanted size 3 to 128, temperature > 0")
    return free_fermions(size, 1.0 / temperature)


def _read_only(values: Floats) -> Floats:
    values.flags.writeable = False
    return values
