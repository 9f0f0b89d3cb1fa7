"""Scaling dimensions along an RBM flow: Delta_m from |m|, Delta_sigma and Delta_epsilon from correlators."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
import xarray as xr

from sweep.analysis.estimators.crossed import (
    BIN,
    REALISATION,
    by_realisation,
    crossed_mean,
    jackknife_estimates,
    mean_with_error,
)
from sweep.analysis.estimators.flow_cases import SAME, FlowCase
from sweep.analysis.estimators.power_law import fit_power_law
from sweep.analysis.estimators.two_point import fit_dimension, open_distance_means, torus_reduced
from sweep.analysis.exact.ising import CRITICAL_TEMPERATURE
from sweep.analysis.exact.moments import moments

FIT_POINTS = 3  # temperatures below T_c that Delta_m is fitted to, unless named
Fit = Callable[..., xr.Dataset]


class Reading(NamedTuple):
    """How a scaling dimension is read off a correlator.

    Parameters
    ----------
    quantity : str
        The variable of the flow.
    reduce : DataArray[..., dy, dx] -> DataArray[..., distance]
        Linear, so that it can be done before averages over bins.
    """

    quantity: str
    reduce: Callable[[xr.DataArray], xr.DataArray]


# The sum of four neighbours shares bonds with itself at short distance, so only the paper's fit is offered for it.
READINGS: Mapping[tuple[str, str], Reading] = {
    ("sigma", "paper"): Reading("spin_correlation", open_distance_means),
    ("sigma", "torus"): Reading("spin_correlation", partial(torus_reduced, field="sigma")),
    ("epsilon", "paper"): Reading("energy_correlation", open_distance_means),
    ("epsilon", "torus"): Reading("energy_correlation", partial(torus_reduced, field="epsilon")),
    ("epsilon of four neighbours", "paper"): Reading("energy_correlation_four", open_distance_means),
}


def fit_temperatures(labels: Sequence[float], points: int = FIT_POINTS) -> tuple[float, ...]:
    """Return the temperatures below and nearest to T_c: what Delta_m is fitted to when nobody says otherwise.

    T_c itself, rounded or not, is none of them: at no distance the power law says nothing.
    """
    below = sorted(label for label in labels if 0 < label < CRITICAL_TEMPERATURE - SAME)
    return tuple(below[-points:])


def fit_magnetization(abs_magnetization: xr.DataArray, errors: xr.DataArray | None = None) -> xr.Dataset:
    """Return A and Delta_m of |m| = A (|T - T_c| / T_c)^Delta_m, T_c fixed (eqs 44-45), fitted without weights.

    Parameters
    ----------
    abs_magnetization : DataArray[..., temperature]
        Per site; labels in J/k_B.
    errors : DataArray[..., temperature], optional
        Standard errors, for chi^2 only.

    Returns
    -------
    Dataset
        That of `fit_power_law`, and `dimension`, `dimension_error`, `dimension_interval` for Delta_m.
    """
    labels = np.asarray(abs_magnetization["temperature"], np.float64)
    reduced = xr.DataArray(
        np.abs(labels / CRITICAL_TEMPERATURE - 1), dims="temperature", coords={"temperature": labels}
    )
    fit = fit_power_law(reduced, abs_magnetization, errors)
    return fit.assign({f"dimension{end}": fit[f"exponent{end}"] for end in ("", "_error", "_interval")})


def exact_magnetization_exponent(size: int, temperatures: Sequence[float]) -> float:
    """Return Delta_m fitted in the same way to the exact <|m|> of the torus; NaN where that is not known to us."""
    values = [moments(size, temperature).abs_m for temperature in temperatures]
    exact = xr.DataArray(values, dims="temperature", coords={"temperature": list(temperatures)})
    return float(fit_magnetization(exact)["dimension"])


def magnetization_curve(case: FlowCase, grouping: str, temperatures: tuple[float, ...] | None = None) -> xr.Dataset:
    """Return Delta_m and A per flow step (see `exponent_curve`).

    Parameters
    ----------
    case : FlowCase
    grouping : str
        One of `GROUPINGS`.
    temperatures : tuple of float, optional
        Labels to fit; the three nearest below T_c when left out.
    """
    chosen = fit_temperatures(case.temperatures(grouping).tolist()) if temperatures is None else temperatures
    values, count = case.select("abs_magnetization", grouping, chosen)
    return exponent_curve(fit_magnetization, values, count).assign_attrs(temperatures=list(chosen))


def dimension_curve(
    case: FlowCase, field: str, estimator: str, grouping: str, temperatures: tuple[float, ...]
) -> xr.Dataset:
    """Return Delta_sigma or Delta_epsilon per temperature and flow step (see `exponent_curve`).

    Parameters
    ----------
    case : FlowCase
    field, estimator : str
        A key of `READINGS`.
    grouping : str
        One of `GROUPINGS`.
    temperatures : tuple of float
        Labels of the groups.
    """
    quantity, reduce = READINGS[field, estimator]
    values, count = case.select(quantity, grouping, temperatures)
    return exponent_curve(fit_dimension, reduce(values), count)


def exponent_curve(fit: Fit, values: xr.DataArray, count: xr.DataArray) -> xr.Dataset:
    """Return a fitted exponent with all its errors, from binned data of several realisations.

    Parameters
    ----------
    fit : (DataArray, errors) -> Dataset
        Gives `dimension`, `dimension_error`, `dimension_interval`, `amplitude`, `chi2_dof`, `points` and `reason`.
    values : DataArray[..., realisation, bin, ...]
    count : DataArray[..., realisation, bin, ...]
        Configurations behind each value.

    Returns
    -------
    Dataset
        `value` with `error`, `interval`, `spread` and `realisations` from bins and realisations (see `crossed_mean`),
        `amplitude` and `amplitude_error` likewise; `by_realisation` and its error; `fit_value` with `fit_error`,
        `fit_interval` (half width, 90 % Student t), `chi2_dof` and `points` of one fit to the average over everything;
        `reason`, why there is no value, or which realisations were left out, or empty.
    """
    table = jackknife_estimates(lambda mean: fit(mean)[["dimension", "amplitude"]], values, count)
    curve, amplitude = crossed_mean(table["dimension"]), crossed_mean(table["amplitude"])
    average = mean_with_error(values, count)
    whole = fit(average["value"], average["error"])
    available = int(values.sizes.get(REALISATION, 1))
    apart = [dim for dim in count.dims if dim not in curve["value"].dims]
    empty = (count.sum(BIN) == 0).any([dim for dim in apart if dim != BIN])
    why = whole["reason"].where(~empty, "a group is empty")
    fitted = curve.assign(
        amplitude=amplitude["value"],
        amplitude_error=amplitude["error"],
        fit_value=whole["dimension"],
        fit_error=whole["dimension_error"],
        fit_interval=whole["dimension_interval"],
        chi2_dof=whole["chi2_dof"],
        points=whole["points"],
        reason=xr.apply_ufunc(_reason, curve["realisations"], why, available, vectorize=True),
    )
    return fitted.merge(by_realisation(table["dimension"]))


def _reason(used: int, reason: str, available: int) -> str:
    if used == available:
        return ""
    why = reason or "no fit without one of the bins"
    return why if used == 0 else f"{available - used} of {available} realisations left out: {why}"
