"""What panels say of distance, G(d) (eq 61): its slope, its level, and its rise at the largest distances.

G is a square of means. From N_s configurations it comes out too large by about 1/N_s, and all distances move together
by the error of <m^2>, which hides a fall of a few thousandths. Jackknife pseudo-values over bins of configurations take
the first off, exactly for a square of means, and give slopes the error of slopes.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import xarray as xr

from sweep.analysis.estimators.crossed import BIN, crossed_mean

DISTANCE = "distance"
FAR = 0.9  # of the largest distance, from where on we look for a rise
Floats = npt.NDArray[np.float64]


def pseudo_values(data: xr.Dataset) -> xr.DataArray:
    """Return jackknife pseudo-values n G - (n - 1) G_(k) of G(d), G_(k) without bin k.

    With bins of equal size their mean is the average over products of two different bins, free of bias.

    Parameters
    ----------
    data : Dataset
        ``panel_correlation[..., distance]`` and ``panel_correlation_without[..., bin, distance]``.

    Returns
    -------
    DataArray[..., bin, distance]
    """
    bins = data.sizes[BIN]
    return bins * data["panel_correlation"] - (bins - 1) * data["panel_correlation_without"]


def line(correlation: xr.DataArray) -> xr.Dataset:
    """Return what a line through all distinct distances says of G(d), unweighted.

    Parameters
    ----------
    correlation : DataArray[..., distance]

    Returns
    -------
    Dataset[...]
        `slope`; `level`, the mean over the distances; `rise`, the slope of a line through those from `FAR` of the
        largest on. All are linear in G; NaN where there are fewer than two distances, or three for the rise.
    """
    distance = np.asarray(correlation[DISTANCE], np.float64)
    far = distance >= FAR * distance[-1] if distance.size else distance > 0
    weights = {"slope": _slope_weights(distance, distance > 0, 2), "rise": _slope_weights(distance, far, 3)}
    found = {
        name: (correlation * xr.DataArray(w, dims=DISTANCE)).sum(DISTANCE, skipna=False) for name, w in weights.items()
    }
    return xr.Dataset({**found, "level": correlation.mean(DISTANCE, skipna=False)})


def _slope_weights(distance: Floats, used: npt.NDArray[np.bool_], least: int) -> Floats:
    """Return float[distance], w with sum_d w_d G(d) the slope of a line through the distances that are used."""
    if used.sum() < least:
        return np.full(distance.shape, np.nan)
    off = np.where(used, distance - distance[used].mean(), 0.0)
    return np.asarray(off / np.sum(off**2), np.float64)


def measured(pseudo: xr.DataArray) -> xr.Dataset:
    """Return what `line` does, and the curve, of the mean over bins and trainings, with errors.

    Parameters
    ----------
    pseudo : DataArray[realisation, bin, distance]
        From `pseudo_values`; there may be no `realisation`.

    Returns
    -------
    Dataset
        With ``value``, ``error`` and ``degrees`` (see `crossed_mean`) along `quantity`, each of `slope`, `level`,
        `rise`; `curve`, `curve_error` and, without the level of the mean over distances, `shape`, `shape_error`, each
        [distance]; `by_realisation[quantity, realisation]`, where there are several.
    """
    quantities = line(pseudo)
    shape = pseudo - quantities["level"]
    numbers = crossed_mean(quantities.to_dataarray("quantity"))
    curve, fall = crossed_mean(pseudo), crossed_mean(shape)
    return numbers[["value", "error", "degrees", "realisations"]].assign(
        curve=curve["value"],
        curve_error=curve["error"],
        shape=fall["value"],
        shape_error=fall["error"],
        by_realisation=quantities.to_dataarray("quantity").mean(BIN, skipna=False),
    )


def pair_correlation(panels: xr.DataArray) -> xr.DataArray:
    """Return G(d) of panels: the mean over units and over pairs of sites at equal open distance 0 < d < L/2.

    Parameters
    ----------
    panels : DataArray[hidden_unit, y, x]
        Of a square lattice.

    Returns
    -------
    DataArray[distance]
    """
    side = panels.sizes["x"]
    period = (2 * side, 2 * side)
    power = sum(np.abs(np.fft.rfft2(panel, s=period)) ** 2 for panel in np.asarray(panels, np.float64))
    sums = np.fft.irfft2(power / panels.shape[0], s=period)
    # A pair (dy, dx) and its mirror image (dy, -dx) are as far apart: the mean of both sums, each over as many pairs.
    both = (sums[:side, :side] + sums[:side, -np.arange(side) % (2 * side)]) / 2
    near, kind, distance, pairs = _open_pairs(side)
    means = np.bincount(kind, (both * _images(side))[near]) / pairs
    return xr.DataArray(means, dims=DISTANCE, coords={DISTANCE: distance})


def slope_error_of_noise(side: int) -> float:
    """Return the standard deviation of the slope of G(d) of one panel of independent numbers of variance 1.

    Products of different pairs of sites are uncorrelated: the variance of G(d) is 1 over the number of unordered pairs.
    """
    _, _, distance, pairs = _open_pairs(side)
    weights = _slope_weights(distance, distance > 0, 2)
    return float(np.sqrt(np.sum(weights**2 / (pairs / 2))))


def _open_pairs(side: int) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.intp], Floats, Floats]:
    """Return which displacements bool[dy, dx] >= 0 count, which distance each has, the distances, and ordered pairs."""
    steps = np.arange(side)
    squared = np.add.outer(steps**2, steps**2)
    near = (squared > 0) & (4 * squared < side**2)
    kinds, kind = np.unique(squared[near], return_inverse=True)
    fits = np.multiply.outer(side - steps, side - steps) * _images(side)
    return near, kind, np.asarray(np.sqrt(kinds), np.float64), np.bincount(kind, fits[near]).astype(np.float64)


def _images(side: int) -> Floats:
    """Return how many of the displacements (+-dy, +-dx) are different, float[dy, dx]."""
    one = np.where(np.arange(side) == 0, 1.0, 2.0)
    return np.multiply.outer(one, one)
