"""Means over bins of configurations and realisations of a training at once, with the error that both together make.

The bins of every realisation hold the same start configurations, so neither the scatter over bins nor that over
realisations alone is the error. With x_rb = mu + a_r + b_b + e_rb (a crossed random-effects model) the variance of the
grand mean is var(a)/R + var(b)/B + var(e)/(R B), and the mean squares of rows, columns and rest estimate it without
bias: var(rows)/R + var(columns)/B - MS(rest)/(R B).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import scipy.special
import xarray as xr

Floats = npt.NDArray[np.float64]
REALISATION, BIN = "realisation", "bin"
CONFIDENCE = 0.9  # of the intervals, as in the paper


def count_weighted(values: xr.DataArray, count: xr.DataArray) -> xr.DataArray:
    """Return the mean over bins, each with the weight of its number of configurations; NaN where there are none.

    Parameters
    ----------
    values : DataArray[..., bin, ...]
        Means of bins; NaN where a bin has too few configurations to give one.
    count : DataArray[..., bin]
        Number of configurations behind each.
    """
    return _with_all_and_without_each(values, count)[0]


def _with_all_and_without_each(values: xr.DataArray, count: xr.DataArray) -> tuple[xr.DataArray, xr.DataArray]:
    """Return [...] of `count_weighted`, and [..., bin] of the same with each bin left out in turn."""
    found: tuple[xr.DataArray, xr.DataArray] = xr.apply_ufunc(
        _weighted_means, values, count, input_core_dims=[[BIN]] * 2, output_core_dims=[[], [BIN]]
    )
    return found


def _weighted_means(values: Floats, count: npt.NDArray[np.int64]) -> tuple[Floats, Floats]:
    there = ~np.isnan(values)
    weights = np.where(there, count, 0).astype(np.float64)
    sums = np.where(there, values, 0).astype(np.float64) * weights
    total, weight = sums.sum(axis=-1), weights.sum(axis=-1)
    return total / _known(weight), (total[..., None] - sums) / _known(weight[..., None] - weights)


def jackknife_estimates(
    estimate: Callable[[xr.DataArray], xr.Dataset], values: xr.DataArray, count: xr.DataArray
) -> xr.Dataset:
    """Return jackknife pseudo-values, [..., bin], of any functions of the binned means.

    Their scatter over bins is the error of the estimate. They are shifted to have the estimate itself as their mean:
    with few bins the usual correction of the bias would add more noise than it takes bias away.
    """
    bins = values.sizes[BIN]
    mean, without_each = _with_all_and_without_each(values, count)
    whole = estimate(mean)
    if bins == 1:
        return whole.expand_dims(BIN)
    without = estimate(without_each)
    with np.errstate(invalid="ignore"):  # estimates may be infinite: then there is no error
        return whole - (bins - 1) * (without - without.mean(BIN, skipna=False))


def mean_with_error(values: xr.DataArray, count: xr.DataArray) -> xr.Dataset:
    """Return the count-weighted mean over bins and the mean over realisations, as `crossed_mean` does."""
    table = jackknife_estimates(lambda mean: mean.to_dataset(name="mean"), values, count)
    return crossed_mean(table["mean"])


def by_realisation(table: xr.DataArray) -> xr.Dataset:
    """Return the mean over bins of every realisation by itself, with the error that bins alone make.

    Returns
    -------
    Dataset
        `by_realisation` and `by_realisation_error`; the error is NaN for fewer than two bins.
    """
    bins = table.sizes[BIN]
    scatter = table.std(BIN, ddof=1, skipna=False) if bins > 1 else xr.full_like(table.isel({BIN: 0}), np.nan)
    mean = table.mean(BIN, skipna=False)
    return xr.Dataset({"by_realisation": mean, "by_realisation_error": scatter / np.sqrt(bins)})


def crossed_mean(table: xr.DataArray) -> xr.Dataset:
    """Return the grand mean of a table over bins and realisations, with its error.

    Parameters
    ----------
    table : DataArray[..., realisation, bin]
        Either dimension may be missing. A realisation with a missing bin is left out.

    Returns
    -------
    Dataset
        `value`; `error`, its standard error from bins and realisations together, NaN when both have length 1;
        `degrees`, of freedom, by Satterthwaite; `interval`, the half width of the 90 % Student-t interval; `spread`,
        the standard deviation over realisations; `realisations`, how many went in.
    """
    missing = [dim for dim in (REALISATION, BIN) if dim not in table.dims]
    names = ("value", "error", "degrees", "interval", "spread", "realisations")
    results = xr.apply_ufunc(
        _crossed,
        table.expand_dims(missing) if missing else table,
        input_core_dims=[[REALISATION, BIN]],
        output_core_dims=[[]] * len(names),
    )
    found = dict(zip(names, results, strict=True))
    counts = {name: found[name].drop_attrs(deep=False) for name in ("degrees", "realisations")}  # without units
    return xr.Dataset(found | counts)


def _crossed(table: Floats) -> tuple[npt.NDArray[np.generic], ...]:
    """Return what `crossed_mean` does, in its order, of float[..., realisation, bin], each [...]."""
    table, bins = np.ascontiguousarray(table), table.shape[-1]  # sums in one order, wherever the numbers come from
    full: npt.NDArray[np.bool_] = np.asarray(~np.isnan(table).any(axis=-1))
    used = full.sum(axis=-1)
    free_rows, free_columns = _known(used - 1), _known(np.asarray(bins - 1))
    value = np.where(full, table.mean(axis=-1), 0.0).sum(axis=-1) / _known(used)
    off = np.where(full[..., None], table - value[..., None, None], 0.0)
    rows, columns = off.mean(axis=-1), off.sum(axis=-2) / _known(used)[..., None]
    rest = np.where(full[..., None], off - rows[..., None] - columns[..., None, :], 0.0)
    between = np.square(rows).sum(axis=-1) / free_rows
    of_rows, of_columns = between / used.clip(1), np.square(columns).sum(axis=-1) / free_columns / bins
    of_rest = np.square(rest).sum(axis=(-1, -2)) / (free_rows * free_columns) / (used.clip(1) * bins)
    # Noise could make the difference negative: it is not allowed below the larger of its two parts.
    larger = np.fmax(of_rows, of_columns)
    variance = np.fmax(np.nan_to_num(of_rows) + np.nan_to_num(of_columns) - np.nan_to_num(of_rest), larger)
    variance = np.where(np.isnan(larger), np.nan, variance)
    noise = np.nan_to_num(of_rows**2 / free_rows) + np.nan_to_num(of_columns**2 / free_columns)
    degrees = np.square(variance) / np.where(noise > 0, noise, np.nan)
    interval = np.sqrt(variance) * scipy.special.stdtrit(degrees, (1 + CONFIDENCE) / 2)
    return value, np.sqrt(variance), degrees, interval, np.sqrt(between), used


def _known(count: npt.NDArray[np.int64] | Floats) -> Floats:
    """Return a count to divide by: NaN where there is nothing."""
    return np.where(count > 0, count, np.nan)
