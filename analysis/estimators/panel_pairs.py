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
    values = np.asarray(panels, np.float64)
    side = values.shape[-1]
    power = np.mean(np.abs(np.fft.rfft2(values, s=(2 * side, 2 * side))) ** 2, axis=0)
    sums = np.fft.irfft2(power, s=(2 * side, 2 * side))
    steps = np.arange(side)
    pairs = np.multiply.outer(side - steps, side - steps)
    # A pair (dy, dx) and its mirror image (dy, -dx) are as far apart: both sums, each over as many pairs.
    both = (sums[:side, :side] + sums[:side, -steps % (2 * side)]) / 2
    squared = np.add.outer(steps**2, steps**2)
    near = (squared > 0) & (4 * squared < side**2)
    kinds, kind = np.unique(squared[near], return_inverse=True)
    means = np.bincount(kind, both[near] * _images(steps)[near]) / np.bincount(kind, (pairs * _images(steps))[near])
    return xr.DataArray(means, dims=DISTANCE, coords={DISTANCE: np.sqrt(kinds)})


def _images(steps: npt.NDArray[np.int64]) -> Floats:
    """Return how many of the displacements (+-dy, +-dx) are different."""
    one = np.where(steps == 0, 1.0, 2.0)
    return np.multiply.outer(one, one)
