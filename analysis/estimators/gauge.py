"""Signs and places of hidden units: what a machine's training leaves open, read off how its units follow the data.

A machine whose hidden units are renamed, or reversed together with their weights, is the same machine. So hidden units
have no places on a lattice and no common sign, unless correlations with the visible lattice give them some.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import scipy.optimize
import xarray as xr

UNIT, SITE = "hidden_unit", "site"
Floats = npt.NDArray[np.float64]


def square_side(units: int) -> int | None:
    """Return the side of the square that so many units make; None where they make none."""
    side = math.isqrt(units)
    return side if side**2 == units else None


def signs(correlation: xr.DataArray) -> xr.DataArray:
    """Return s_a = sign sum_i <v_i h_a>, the sign that turns a unit to follow the magnetisation; +1 where that is 0.

    Parameters
    ----------
    correlation : DataArray[..., hidden_unit, y, x]
        Raw <v_i h_a> (eq 60).

    Returns
    -------
    DataArray[..., hidden_unit]
        +1 or -1; NaN where the correlations are.
    """
    total = correlation.sum(["y", "x"], skipna=False)
    return xr.ones_like(total).where(total >= 0, -1.0).where(total.notnull())


def centres(panels: xr.DataArray) -> xr.Dataset:
    """Return the centre of every unit's receptive field, and how well it has one.

    The periodic centre of mass of the squared panel: with weights w_i = x_i^2 the row is L / (2 pi) times the argument
    of sum_i w_i exp(2 pi i y_i / L), and likewise the column. Noise of the same strength everywhere does not move it.

    Parameters
    ----------
    panels : DataArray[..., hidden_unit, y, x]
        Without what goes through the magnetisation: <v_i h_a> - <v_i m><m h_a>/<m^2>.

    Returns
    -------
    Dataset[..., hidden_unit]
        `row` and `column`, in sites, from 0 to L; `concentration`, the smaller of the two resultants
        |sum w exp| / sum w: 1 for a single site, 0 for a panel without a centre. NaN for a panel that is 0 or NaN.
    """
    weights = panels.drop_vars(["y", "x"], errors="ignore") ** 2
    total = weights.sum(["y", "x"], skipna=False)
    found, resultants = {}, []
    for name, dim in (("row", "y"), ("column", "x")):
        length = panels.sizes[dim]
        phases = xr.DataArray(np.exp(2j * np.pi * np.arange(length) / length), dims=dim)
        mean = (weights * phases).sum(["y", "x"], skipna=False) / total.where(total > 0)
        found[name] = np.arctan2(mean.imag, mean.real) / (2 * np.pi) % 1.0 * length
        resultants.append(np.abs(mean))
    return xr.Dataset({**found, "concentration": np.minimum(*resultants)})


def places(panels: xr.DataArray) -> xr.DataArray:
    """Return which unit belongs at each site of the square that the units make.

    Units are assigned to sites, one each, such that the sum of squared periodic distances between a unit's centre (see
    `centres`) and the middle of its site's block of visible sites is smallest. A unit without a centre takes a place
    that is left.

    Parameters
    ----------
    panels : DataArray[..., hidden_unit, y, x]
        As for `centres`.

    Returns
    -------
    DataArray[..., site]
        Numbers of units, sites row by row.

    Raises
    ------
    ValueError
        When the number of units is no square: then there are no places.
    """
    side = square_side(panels.sizes[UNIT])
    if side is None:
        raise ValueError(f"found {panels.sizes[UNIT]} hidden units; wanted a square number: only that has places")
    lattice = panels.sizes["y"], panels.sizes["x"]
    where = centres(panels)
    assigned: xr.DataArray = xr.apply_ufunc(
        lambda row, column: _assigned(row, column, side, lattice),
        where["row"],
        where["column"],
        input_core_dims=[[UNIT], [UNIT]],
        output_core_dims=[[SITE]],
        vectorize=True,
    )
    return assigned


def _assigned(row: Floats, column: Floats, side: int, lattice: tuple[int, int]) -> npt.NDArray[np.int64]:
    """Return int64[site], the unit at each site, for centres float[unit]."""
    middles = np.divmod(np.arange(side * side), side)
    cost = np.zeros((side * side, side * side))
    for middle, centre, length in zip(middles, (row, column), lattice, strict=True):
        apart = ((middle[:, None] + 0.5) * length / side - 0.5 - centre + length / 2) % length - length / 2
        cost += apart**2
    _, units = scipy.optimize.linear_sum_assignment(np.nan_to_num(cost))
    return np.asarray(units, np.int64)


def in_place(values: xr.DataArray, units: xr.DataArray, dim: str = UNIT) -> xr.DataArray:
    """Return what units have, such as signs or panels, in the order of the sites that `places` gives them.

    Parameters
    ----------
    values : DataArray[..., dim, ...]
    units : DataArray[..., site]
    dim : str
        The dimension of units.

    Returns
    -------
    DataArray[..., site, ...]
    """
    return values.drop_vars(dim, errors="ignore").isel({dim: units})
