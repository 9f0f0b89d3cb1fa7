"""Unweighted two-parameter fits y = A x^p, many at once.

This is the paper's fit: every point counts the same, and the error bar is the standard error from the scatter of the
points around the curve. All fits of an array are done together, by Levenberg and Marquardt's iteration.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import scipy.special
import xarray as xr

Floats = npt.NDArray[np.float64]
CONFIDENCE = 0.9  # of the intervals, as in the paper
STEEPEST = 12.0  # exponents beyond are a fit that ran away: it follows one point only
SCAN = np.linspace(-STEEPEST, STEEPEST, 193)
BISECTIONS = 32  # of a bracket of two scan steps: to 1e-10


def fit_power_law(x: xr.DataArray, y: xr.DataArray) -> xr.Dataset:
    """Return the unweighted least-squares fits of y = A x^p along the dimension of `x`.

    Parameters
    ----------
    x : DataArray[point]
        Positive; its only dimension names the points.
    y : DataArray[..., point]
        A point that is NaN or infinite makes the fit fail.

    Returns
    -------
    Dataset
        Over the dimensions of `y` without the points: `exponent` and `amplitude`, their standard errors
        `exponent_error` and `amplitude_error`, `exponent_interval`, the half width of the 90 % Student-t interval with
        points - 2 degrees of freedom, `points`, how many were used, and `reason`: why the fit failed, where the numbers
        are NaN, or else empty. There is no chi^2: the points of a correlator come from the same configurations, and
        without their covariance it says nothing.
    """
    (dim,) = x.dims
    values = y.transpose(..., dim)
    names = ("exponent", "amplitude", "exponent_error", "amplitude_error", "exponent_interval", "reason")
    results = xr.apply_ufunc(
        _fit,
        x.astype(np.float64),
        values.astype(np.float64),
        input_core_dims=[[dim]] * 2,
        output_core_dims=[[]] * len(names),
    )
    fits = xr.Dataset(dict(zip(names, results, strict=True)))
    return fits.assign(points=xr.full_like(fits["exponent"], x.size, dtype=np.int64))


def _fit(x: Floats, y: Floats) -> tuple[npt.NDArray[np.generic], ...]:
    """Return exponent, amplitude, their errors, the interval and the reason of failure, each [...]."""
    shape, points, dof = y.shape[:-1], x.size, x.size - 2
    flat = y.reshape(math.prod(shape), points)
    reason: npt.NDArray[np.object_] = np.full(len(flat), "", object)
    reason[~np.isfinite(flat).all(axis=1)] = "a point is missing"
    if np.unique(x).size < 2:
        reason[:] = f"{points} points; two parameters need at least 2"
    good = np.flatnonzero(reason == "")
    parameters = np.full((2, len(flat)), np.nan)
    if good.size:
        parameters[:, good], reason[good] = _least_squares(np.log(x), flat[good])
    parameters[:, reason != ""] = np.nan
    errors = _errors(np.log(x), flat, *parameters)
    unknown = np.full(len(flat), np.nan)
    interval = errors[1] * scipy.special.stdtrit(dof, (1 + CONFIDENCE) / 2) if dof > 0 else unknown
    parts = (parameters[1], parameters[0], errors[1], errors[0], interval, reason.astype(str))
    return tuple(part.reshape(shape) for part in parts)


def _least_squares(log_x: Floats, y: Floats) -> tuple[Floats, npt.NDArray[np.object_]]:
    """Return (amplitude, exponent) as float[2, fit], and the reasons of failure.

    For shapes s_i = x_i^p the sum of squares is least at A = (y s)/(s s), where it is (y y) - (y s)^2 / (s s).
    """
    shapes = np.exp(np.outer(log_x - log_x.mean(), SCAN))
    gain = np.square(y @ (shapes / np.linalg.norm(shapes, axis=0)))
    best = gain.argmax(axis=1)
    edge = (best == 0) | (best == SCAN.size - 1)
    low, high = SCAN[np.maximum(best - 1, 0)], SCAN[np.minimum(best + 1, SCAN.size - 1)]
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        rising = _gain_slope(log_x - log_x.mean(), y, middle) > 0
        low, high = np.where(rising, middle, low), np.where(rising, high, middle)
    exponent = (low + high) / 2
    shapes = np.exp(exponent[:, None] * log_x)
    amplitude = (y * shapes).sum(axis=1) / np.square(shapes).sum(axis=1)
    reason: npt.NDArray[np.object_] = np.full(len(y), "", object)
    reason[amplitude <= 0] = "the amplitude is not positive"
    reason[edge] = f"the exponent ran away, beyond {STEEPEST:g}"
    return np.stack([amplitude, exponent]), reason


def _gain_slope(log_x: Floats, y: Floats, exponent: Floats) -> Floats:
    """Return float[fit]: the derivative of (y s)^2 / (s s) by the exponent, up to a positive factor."""
    s = np.exp(exponent[:, None] * log_x)
    ys, ys_slope = (y * s).sum(axis=1), (y * s * log_x).sum(axis=1)
    ss, ss_slope = np.square(s).sum(axis=1), (s * s * log_x).sum(axis=1)
    return np.asarray(ys * (ys_slope * ss - ys * ss_slope))


def _errors(log_x: Floats, y: Floats, amplitude: Floats, exponent: Floats) -> Floats:
    """Return float[2, fit]: the standard errors of amplitude and exponent from the scatter of y around A x^p."""
    shapes = np.exp(exponent[:, None] * log_x)
    residual, slope = y - amplitude[:, None] * shapes, amplitude[:, None] * shapes * log_x
    dof = log_x.size - 2
    if dof < 1:
        return np.full((2, len(y)), np.nan)
    variance = np.square(residual).sum(axis=1) / dof
    a, b, c = ((u * v).sum(axis=1) for u, v in ((shapes, shapes), (shapes, slope), (slope, slope)))
    return np.asarray(np.sqrt(np.stack([c, a]) * variance / (a * c - b * b)))
