"""Receptive fields in numbers: how many bright patches a hidden unit has, how large they are, how they lie and overlap.

All of it is of panels with what goes through the magnetisation taken out, <v_i h_a> - <v_i m><m h_a>/<m^2>: a unit that
knows the sign of m is correlated with every spin, and looks bright everywhere.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import scipy.ndimage
import scipy.special
import xarray as xr

from sweep.analysis.estimators.crossed import REALISATION, crossed_mean
from sweep.analysis.estimators.gauge import SITE, UNIT, square_side

FALSE_ALARM = 0.01  # panels of pure noise that show a patch
Floats = npt.NDArray[np.float64]


def patches(panels: xr.DataArray, errors: xr.DataArray | None = None) -> xr.Dataset:
    """Return the bright patches of every unit.

    A patch is a connected region (up, down, left, right, round the torus) of one sign where |x| is at least half of the
    panel's largest |x|, and whose own largest |x| is above the noise: above the level that `FALSE_ALARM` of panels of
    pure noise reach anywhere. The noise of a panel is the root mean square of its errors, since those of single sites,
    from a few bins, are themselves uncertain.

    Parameters
    ----------
    panels : DataArray[..., hidden_unit, y, x]
    errors : DataArray[..., hidden_unit, y, x], optional
        Standard errors; none for exact panels.

    Returns
    -------
    Dataset[..., hidden_unit]
        `count`; `one`, 1 where there is exactly one patch, else 0; `area`, visible sites in all patches, NaN where
        there is none. All are NaN for a panel with a NaN.
    """
    sites = panels.sizes["y"] * panels.sizes["x"]
    level = -float(scipy.special.ndtri(FALSE_ALARM / (2 * sites)))
    squares = xr.zeros_like(panels) if errors is None else errors**2
    noise = squares.mean(["y", "x"]) ** 0.5
    count, area = xr.apply_ufunc(
        _patches, panels, level * noise, input_core_dims=[["y", "x"], []], output_core_dims=[[], []], vectorize=True
    )
    one = (count == 1).astype(float).where(count.notnull())
    return xr.Dataset({"count": count, "one": one, "area": area.where(count > 0)})


def _patches(panel: Floats, level: float) -> tuple[float, float]:
    """Return the number of patches of a panel, float[y, x], and how many sites they have together."""
    size, highest = np.abs(panel), np.max(np.abs(panel))
    if not np.isfinite(highest):
        return np.nan, np.nan
    found = [_periodic_regions((sign * panel > 0) & (size >= highest / 2)) for sign in (1, -1)]
    kept = [np.bincount(at[at > 0])[1:][_highest(size, at) > level] for at in found if at.any()]
    return float(sum(len(areas) for areas in kept)), float(sum(areas.sum() for areas in kept))


def _highest(size: Floats, regions: npt.NDArray[np.int64]) -> Floats:
    return np.asarray(scipy.ndimage.maximum(size, regions, np.arange(1, regions.max() + 1)), np.float64)


def _periodic_regions(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """Return the number of the connected region on the torus that each site is in, from 1; 0 outside the mask."""
    regions, count = scipy.ndimage.label(mask)
    number = np.arange(count + 1)
    for one, other in ((regions[0], regions[-1]), (regions[:, 0], regions[:, -1])):
        meet = (one > 0) & (other > 0)
        for a, b in set(zip(one[meet].tolist(), other[meet].tolist(), strict=True)):
            number[number == number[a]] = number[b]
    _, joined = np.unique(number, return_inverse=True)
    return np.asarray(joined[regions], np.int64)


def overlap(panels: xr.DataArray) -> xr.DataArray:
    """Return the mean cosine between the panels of neighbours on the square of units, right and below, periodic.

    Parameters
    ----------
    panels : DataArray[..., site, y, x]
        In place (see `gauge`), signs fixed.

    Returns
    -------
    DataArray[..., site]
        NaN where there are fewer than 3 x 3 units: then neighbours meet twice.
    """
    side = square_side(panels.sizes[SITE]) or 0
    sites = np.arange(side * side).reshape(side, side)
    if side < 3:
        return xr.full_like(panels.isel(y=0, x=0, drop=True), np.nan, dtype=float)
    neighbours = [xr.DataArray(np.roll(sites, -1, axis).ravel(), dims=SITE) for axis in (0, 1)]
    return (cosine(panels, panels.isel({SITE: neighbours[0]})) + cosine(panels, panels.isel({SITE: neighbours[1]}))) / 2


def cosine(a: xr.DataArray, b: xr.DataArray) -> xr.DataArray:
    """Return sum_i a_i b_i / (|a| |b|) of two sets of panels over the sites (y, x); NaN where one is 0."""
    dot = (a * b).sum(["y", "x"], skipna=False)
    norm = ((a**2).sum(["y", "x"], skipna=False) * (b**2).sum(["y", "x"], skipna=False)) ** 0.5
    return dot / norm.where(norm > 0)


def by_training(values: xr.DataArray, dim: str = UNIT) -> xr.Dataset:
    """Return the mean over units of each training, and the mean over trainings with its error.

    Parameters
    ----------
    values : DataArray[realisation, dim]
        Of single units; NaN are left out. There may be no `realisation`.

    Returns
    -------
    Dataset
        `by_realisation[realisation]`; `value`, `error`, `degrees` from the scatter of trainings where there are two or
        more, else from that of the units of the one training; `realisations`, how many went in.
    """
    each = values.mean(dim)
    each = each if REALISATION in each.dims else each.expand_dims(REALISATION)
    if each.sizes[REALISATION] > 1:
        return crossed_mean(each).assign(by_realisation=each)
    count = values.notnull().sum(dim).astype(float)
    error = (values.std(dim, ddof=1) / np.sqrt(count.where(count > 1))).squeeze()
    whole = xr.Dataset({"value": each.squeeze(), "error": error, "degrees": count.squeeze() - 1})
    return whole.assign(by_realisation=each, realisations=1)
