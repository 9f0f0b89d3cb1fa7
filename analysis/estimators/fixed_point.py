"""Where an RBM flow ends: its temperature by both thermometers and its magnetisation, and how soon it gets there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from sweep.analysis.estimators.convergence import convergence_length, tail_length
from sweep.analysis.estimators.crossed import by_realisation, jackknife_estimates, mean_with_error
from sweep.analysis.estimators.flow_cases import FlowCase

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


@dataclass(frozen=True)
class TrainingLengths:
    """The convergence lengths of several trainings.

    Parameters
    ----------
    lengths : tuple of float
        Flow steps, of the trainings that have one.
    plateau : float
        Mean over all trainings.
    reasons : tuple of str
        Why the others have none.
    """

    lengths: tuple[float, ...]
    plateau: float
    reasons: tuple[str, ...]

    @property
    def mean(self) -> float:
        """Return the mean length; NaN when no training has one."""
        return float(np.mean(self.lengths)) if self.lengths else np.nan

    @property
    def error(self) -> float:
        """Return the standard error of the mean; NaN for fewer than two trainings."""
        count = len(self.lengths)
        return float(np.std(self.lengths, ddof=1) / np.sqrt(count)) if count > 1 else np.nan

    def remark(self) -> str:
        """Return the range, and what is missing, in words."""
        parts = [f"trainings: {min(self.lengths):.0f} to {max(self.lengths):.0f}"] if len(self.lengths) > 1 else []
        if self.reasons:
            total = len(self.lengths) + len(self.reasons)
            parts.append(f"{len(self.reasons)} of {total} trainings have none, such as: {self.reasons[0]}")
        return "; ".join(parts)


def convergence_of(curve: xr.Dataset) -> TrainingLengths:
    """Return the convergence length of a curve, of every training by itself.

    Trainings differ by more than the steps of one flow do, so the errors that count here are those of the bins.

    Parameters
    ----------
    curve : Dataset[flow_step]
        With `by_realisation` and `by_realisation_error`.
    """
    steps = curve.sizes["flow_step"]
    rows, errors = (
        curve[name].transpose(..., "flow_step").values.reshape(-1, steps)
        for name in ("by_realisation", "by_realisation_error")
    )
    found = [
        convergence_length(row, error if np.isfinite(error).any() else None)
        for row, error in zip(rows, errors, strict=True)
    ]
    return TrainingLengths(
        tuple(one.length for one in found if not one.reason),
        float(np.mean([one.plateau for one in found])),
        tuple(one.reason for one in found if one.reason),
    )


def reading_convergence(case: FlowCase, quantity: str) -> tuple[TrainingLengths, TrainingLengths]:
    """Return the convergence lengths of a quantity from the coldest and from the hottest start."""
    values, count = (part.sortby("temperature").isel(temperature=[0, -1]) for part in track(case, quantity))
    table = jackknife_estimates(lambda mean: mean.to_dataset(name="mean"), values, count)["mean"]
    curve = by_realisation(table)
    return convergence_of(curve.isel(temperature=0)), convergence_of(curve.isel(temperature=1))
