"""Where an RBM flow ends: its temperature by both thermometers and its magnetisation, and how soon it gets there."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from analysis.convergence import Convergence, convergence_length, tail_length
from analysis.crossed import REALISATION, mean_with_error
from analysis.flow_cases import FlowCase

QUANTITIES = ("network temperature", "energy temperature", "abs_magnetization")


def track(case: FlowCase, quantity: str) -> tuple[xr.DataArray, xr.DataArray]:
    """Return a quantity along the flow by where it started, and the numbers of configurations.

    Parameters
    ----------
    case : FlowCase
    quantity : str
        A temperature of `QUANTITIES`, which is the mean sum_T T p(T) that the thermometer reads (J/k_B), or a moment.

    Returns
    -------
    tuple of DataArray[..., bin, temperature, flow_step]
        `temperature` labels the start.
    """
    if not quantity.endswith(" temperature"):
        return case.select(quantity, "start")
    distribution, count = case.select(quantity.replace(" temperature", "_distribution"), "start")
    return (distribution * distribution["temperature_class"]).sum("temperature_class", skipna=False), count


def end_of_flow(case: FlowCase, quantity: str) -> xr.Dataset:
    """Return the mean over the last third of the flow, by where it started and over all starts.

    Returns
    -------
    Dataset
        Over `temperature`, the start: `value`, `error`, `interval`, `spread`, `realisations` of `crossed_mean`; the
        same with the prefix ``all_`` for the mean over the starts, and with ``memory_`` for the hottest start minus the
        coldest: zero within errors when the flow has forgotten where it began.
    """
    values, count = track(case, quantity)
    steps = values.sizes["flow_step"]
    tail = slice(steps - tail_length(steps), None)
    values, count = values.isel(flow_step=tail).mean("flow_step", skipna=False), count.isel(flow_step=-1, drop=True)
    values, count = values.sortby("temperature"), count.sortby("temperature")
    total = count.sum("temperature")
    parts = [mean_with_error(values, count)]
    memory = values.isel(temperature=-1, drop=True) - values.isel(temperature=0, drop=True)
    for prefix, table in (("all", values.mean("temperature")), ("memory", memory)):
        part = mean_with_error(table, total)
        parts.append(part.rename({name: f"{prefix}_{name}" for name in part.data_vars}))
    return xr.merge(parts)


def convergence_of(curve: xr.Dataset) -> tuple[Convergence, tuple[float, float]]:
    """Return the convergence length of a curve, and the range of the lengths of single realisations.

    Parameters
    ----------
    curve : Dataset[flow_step]
        `value`, `error` and `by_realisation` of `exponent_curve`.
    """
    whole = convergence_length(curve["value"], curve["error"])
    rows = curve["by_realisation"]
    if rows.sizes.get(REALISATION, 1) < 2:
        return whole, (np.nan, np.nan)
    # The error of the mean over R realisations stands for sqrt(R) times as much in each.
    errors = curve["error"] * np.sqrt(rows.sizes[REALISATION])
    lengths = [convergence_length(rows.isel({REALISATION: r}), errors).length for r in range(rows.sizes[REALISATION])]
    return whole, _range(lengths)


def _range(values: Sequence[float]) -> tuple[float, float]:
    finite = [value for value in values if np.isfinite(value)]
    return (min(finite), max(finite)) if finite else (np.nan, np.nan)
