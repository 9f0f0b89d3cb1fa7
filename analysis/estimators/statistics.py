"""Means and error bars over independent copies, by label."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import xarray as xr

from sweep.analysis.estimators.stages import own_labels


def mean_and_error(values: xr.DataArray, dim: str) -> xr.Dataset:
    """Return the mean over independent copies and its standard error.

    Parameters
    ----------
    values : DataArray[..., dim]
        Copies that are NaN are left out.

    Returns
    -------
    Dataset
        `value`, `error` = s / sqrt(n), with s the sample standard deviation, and its `degrees` of freedom, n - 1; error
        and degrees are NaN for fewer than two copies.
    """
    count = values.notnull().sum(dim).drop_attrs(deep=False)  # a number of copies has no units
    mean, degrees = values.mean(dim), (count - 1).where(count > 1)
    error = np.sqrt(((values - mean) ** 2).sum(dim) / degrees / count)
    return xr.Dataset({"value": mean, "error": error, "degrees": degrees})


def jackknife(
    means: xr.Dataset, function: Callable[[xr.Dataset], xr.DataArray], dim: str, groups: int = 40
) -> xr.Dataset:
    """Return a function of means, its standard error, and with the leading bias taken off.

    The copies are dealt into groups of equal size (as far as they go round), and each group is left out in turn
    (B. Efron, The Jackknife, the Bootstrap and Other Resampling Plans, 1982).

    Parameters
    ----------
    means : Dataset[..., dim]
        Per copy, the quantities whose means the function takes.
    function : Dataset -> DataArray
        Of the means over all copies, such as ``lambda m: 1 - m.m4 / (3 * m.m2**2)``.
    dim : str
        The dimension of independent copies.
    groups : int
        At most this many groups; at least two copies are needed.

    Returns
    -------
    Dataset
        `value`, `error` and its `degrees` of freedom, groups - 1.
    """
    means, copies = own_labels(means), means.sizes[dim]
    count = min(groups, copies)
    if count < 2:
        whole = function(means.mean(dim))
        unknown = xr.full_like(whole, np.nan)
        return xr.Dataset({"value": whole, "error": unknown, "degrees": unknown})
    sums = xr.apply_ufunc(
        lambda values: np.stack([values[..., first::count].sum(axis=-1) for first in range(count)], axis=-1),
        means,
        input_core_dims=[[dim]],
        output_core_dims=[["group"]],
    )
    sizes = xr.DataArray(np.bincount(np.arange(copies) % count), dims="group")
    without = function((sums.sum("group", skipna=False) - sums) / (copies - sizes))
    whole = function(means.mean(dim, skipna=False))
    centre = without.mean("group", skipna=False)
    error = np.sqrt((count - 1) / count * ((without - centre) ** 2).sum("group", skipna=False))
    value = count * whole - (count - 1) * centre
    return xr.Dataset({"value": value, "error": error, "degrees": xr.full_like(value, count - 1)})


def binder_cumulant(means: xr.Dataset) -> xr.DataArray:
    """Return U4 = 1 - <m^4> / (3 <m^2>^2) of the means `m2` and `m4` (K. Binder, Z. Phys. B 43, 119 (1981))."""
    return 1.0 - means["m4"] / (3.0 * means["m2"] ** 2)
