"""Means over bins of configurations and realisations of a training at once, with the error that both together make.

The bins of every realisation hold the same start configurations, so neither the scatter over bins nor that over
realisations alone is the error. With x_rb = mu + a_r + b_b + e_rb (a crossed random-effects model) the variance of the
grand mean is var(a)/R + var(b)/B + var(e)/(R B), and the mean squares of rows, columns and rest estimate it without
bias: var(rows)/R + var(columns)/B - MS(rest)/(R B).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import scipy.stats
import xarray as xr

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
    sums, weights = _weighted_sums(values, count)
    return _ratio(sums.sum(BIN), weights.sum(BIN))


def count_weighted_without(values: xr.DataArray, count: xr.DataArray) -> xr.DataArray:
    """Return DataArray[..., bin, ...]: the count-weighted means with each bin left out in turn (for the jackknife)."""
    sums, weights = _weighted_sums(values, count)
    return _ratio(sums.sum(BIN) - sums, weights.sum(BIN) - weights)


def _weighted_sums(values: xr.DataArray, count: xr.DataArray) -> tuple[xr.DataArray, xr.DataArray]:
    weights = count.where(values.notnull(), 0).astype(np.float64)
    return values.fillna(0).astype(np.float64) * weights, weights


def _ratio(sums: xr.DataArray, weights: xr.DataArray) -> xr.DataArray:
    return sums / weights.where(weights > 0)


def jackknife_estimates(
    estimate: Callable[[xr.DataArray], xr.Dataset], values: xr.DataArray, count: xr.DataArray
) -> xr.Dataset:
    """Return jackknife pseudo-values, [..., bin], of any functions of the binned means.

    Their scatter over bins is the error of the estimate. They are shifted to have the estimate itself as their mean:
    with few bins the usual correction of the bias would add more noise than it takes bias away.
    """
    bins = values.sizes[BIN]
    whole = estimate(count_weighted(values, count))
    if bins == 1:
        return whole.expand_dims(BIN)
    without = estimate(count_weighted_without(values, count))
    return whole - (bins - 1) * (without - without.mean(BIN, skipna=False))


def mean_with_error(values: xr.DataArray, count: xr.DataArray) -> xr.Dataset:
    """Return the count-weighted mean over bins and the mean over realisations, as `crossed_mean` does."""
    table = jackknife_estimates(lambda mean: mean.to_dataset(name="mean"), values, count)
    return crossed_mean(table["mean"])


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
        `interval`, the half width of the 90 % Student-t interval with Satterthwaite's degrees of freedom; `spread`, the
        standard deviation over realisations; `realisations`, how many went in.
    """
    full = _with_dims(table)
    full = full.where(full.notnull().all(BIN))
    rows, columns = full.mean(BIN), full.mean(REALISATION)
    value = rows.mean(REALISATION)
    used = rows.notnull().sum(REALISATION)
    bins = full.sizes[BIN]
    of_rows = _variance(rows, REALISATION, used) / used.where(used > 0)
    of_columns = columns.var(BIN, ddof=1) / bins if bins > 1 else xr.full_like(value, np.nan)
    free = (used - 1) * (bins - 1)
    rest = ((full - rows - columns + value) ** 2).sum((BIN, REALISATION)) / free.where(free > 0) / (used * bins)
    variance, degrees = _combined(of_rows, of_columns, rest, used, bins)
    return xr.Dataset(
        {
            "value": value,
            "error": np.sqrt(variance),
            "interval": np.sqrt(variance) * _student(degrees),
            "spread": np.sqrt(_variance(rows, REALISATION, used)),
            "realisations": used,
        }
    )


def _with_dims(table: xr.DataArray) -> xr.DataArray:
    return table.expand_dims([dim for dim in (REALISATION, BIN) if dim not in table.dims])


def _variance(rows: xr.DataArray, dim: str, used: xr.DataArray) -> xr.DataArray:
    squares = ((rows - rows.mean(dim)) ** 2).sum(dim)
    return squares / (used - 1).where(used > 1)


def _combined(
    rows: xr.DataArray, columns: xr.DataArray, rest: xr.DataArray, used: xr.DataArray, bins: int
) -> tuple[xr.DataArray, xr.DataArray]:
    """Return the variance of the grand mean and its degrees of freedom.

    The difference is not allowed below the larger of its two parts: noise could make it negative otherwise.
    """
    larger = xr.apply_ufunc(np.fmax, rows, columns)
    variance = xr.apply_ufunc(np.fmax, rows.fillna(0) + columns.fillna(0) - rest.fillna(0), larger)
    variance = variance.where(larger.notnull())
    parts = ((rows, used - 1), (columns, xr.full_like(used, bins - 1)))
    noise = xr.zeros_like(variance)
    for part, free in parts:
        noise = noise + (part**2 / free.where(free > 0)).fillna(0)
    return variance, variance**2 / noise.where(noise > 0)


def _student(degrees: xr.DataArray) -> xr.DataArray:
    """Return the quantile; NaN where the degrees of freedom are."""
    return degrees.copy(data=np.asarray(scipy.stats.t.ppf((1 + CONFIDENCE) / 2, degrees.values)))
