"""Scaling dimensions along an RBM flow: Delta_m from |m|, Delta_sigma and Delta_epsilon from correlators."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Literal, NamedTuple

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

FIT_POINTS = 3  # temperatures below T_c that Delta_m is fitted to, unless named
Fit = Callable[[xr.DataArray], xr.Dataset]
Parameter = Literal["dimension", "amplitude"]


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
    ("epsilon with one mean", "paper"): Reading("energy_correlation_one_mean", open_distance_means),
    ("epsilon of four neighbours", "paper"): Reading("energy_correlation_four", open_distance_means),
}


def fit_temperatures(labels: Sequence[float], points: int = FIT_POINTS) -> tuple[float, ...]:
    """Return the temperatures below and nearest to T_c: what Delta_m is fitted to when nobody says otherwise.

    T_c itself, rounded or not, is none of them: at no distance the power law says nothing.
    """
    below = sorted(label for label in labels if 0 < label < CRITICAL_TEMPERATURE - SAME)
    return tuple(below[-points:])


def fit_magnetization(abs_magnetization: xr.DataArray) -> xr.Dataset:
    """Return A and Delta_m of |m| = A (|T - T_c| / T_c)^Delta_m, T_c fixed (eqs 44-45), fitted without weights.

    Parameters
    ----------
    abs_magnetization : DataArray[..., temperature]
        Per site; labels in J/k_B.

    Returns
    -------
    Dataset
        That of `fit_power_law`, and `dimension`, `dimension_error`, `dimension_interval` for Delta_m.
    """
    labels = np.asarray(abs_magnetization["temperature"], np.float64)
    reduced = xr.DataArray(
        np.abs(labels / CRITICAL_TEMPERATURE - 1), dims="temperature", coords={"temperature": labels}
    )
    fit = fit_power_law(reduced, abs_magnetization)
    return fit.assign({f"dimension{end}": fit[f"exponent{end}"] for end in ("", "_error", "_interval")})


def magnetization_curve(
    case: FlowCase,
    grouping: str,
    temperatures: tuple[float, ...] | None = None,
    parameter: Parameter = "dimension",
) -> xr.Dataset:
    """Return Delta_m, or A, per flow step (see `exponent_curve`).

    Parameters
    ----------
    case : FlowCase
    grouping : str
        One of `GROUPINGS`.
    temperatures : tuple of float, optional
        Labels to fit; the three nearest below T_c when left out.
    parameter : "dimension" or "amplitude"
    """
    chosen = fit_temperatures(case.temperatures(grouping).tolist()) if temperatures is None else temperatures
    values, count = case.select("abs_magnetization", grouping, chosen)
    return exponent_curve(fit_magnetization, values, count, parameter).assign_attrs(temperatures=list(chosen))


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


def exponent_curve(
    fit: Fit, values: xr.DataArray, count: xr.DataArray, parameter: Parameter = "dimension"
) -> xr.Dataset:
    """Return a fitted exponent, or amplitude, along the flow with all its errors, from binned data of realisations.

    Parameters
    ----------
    fit : DataArray -> Dataset
        Gives `dimension`, `dimension_error`, `dimension_interval`, `amplitude`, `points` and `reason`.
    values : DataArray[..., realisation, bin, flow_step, ...]
    count : DataArray[..., realisation, bin, flow_step, ...]
        Configurations behind each value.
    parameter : "dimension" or "amplitude"

    Returns
    -------
    Dataset
        `value` with `error`, `degrees`, `interval`, `spread` and `realisations` from bins and realisations (see
        `crossed_mean`); `change` with `change_error` and `change_degrees`, its difference from step 0, bin by bin and
        realisation by realisation; `by_realisation` and its error; `fit_value` with `fit_interval` (half width, 90 %
        Student t) and `points`, the exponent by one fit to the average over everything; `failed`, how many realisations
        have no value, and `reason`, why. Where some have none there is no mean either: a mean over survivors is biased
        by what makes them survive.
    """
    table = jackknife_estimates(lambda mean: fit(mean)[[parameter]], values, count)[parameter]
    curve, change = crossed_mean(table), crossed_mean(table - table.isel(flow_step=0, drop=True))
    whole = fit(mean_with_error(values, count)["value"])
    failed = int(values.sizes.get(REALISATION, 1)) - curve["realisations"]
    apart = [dim for dim in count.dims if dim not in curve["value"].dims]
    empty = (count.sum(BIN) == 0).any([dim for dim in apart if dim != BIN])
    why = whole["reason"].where(~empty, "a group is empty").astype(object)
    why = why.where(why != "", "no fit without one of the bins")
    numbers = curve.drop_vars("realisations").assign(
        change=change["value"],
        change_error=change["error"],
        change_degrees=change["degrees"],
        fit_value=whole["dimension"],
        fit_interval=whole["dimension_interval"],
    )
    return (
        numbers.where(failed == 0)
        .assign(
            realisations=curve["realisations"], failed=failed, points=whole["points"], reason=why.where(failed > 0, "")
        )
        .merge(by_realisation(table))
    )
