"""Where an RBM flow ends: energy, magnetisation and temperature by three readings, and how soon it gets there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import xarray as xr

from sweep.analysis.estimators.convergence import convergence_length, tail_length
from sweep.analysis.estimators.crossed import BIN, by_realisation, crossed_mean, jackknife_estimates
from sweep.analysis.estimators.flow_cases import FlowCase
from sweep.analysis.exact.thermometer import temperatures_of_energies


class Quantity(NamedTuple):
    """What is read of a flow: a number, from the mean of a variable over configurations.

    Parameters
    ----------
    variable : str
        Without prefix; of a distribution over classes, the mean sum_T T p(T) is taken.
    read : (DataArray, size) -> DataArray
        Of that mean.
    units : str
        Of what is read.
    """

    variable: str
    read: Callable[[xr.DataArray, int], xr.DataArray]
    units: str = ""


def energy_temperature(energy: xr.DataArray, size: int) -> xr.DataArray:
    """Return the temperature (J/k_B) at which the torus has an energy per site (J), by Kaufman: no prior, no classes.

    Infinite for an energy that is not below 0, where no temperature has it.
    """
    return energy.copy(data=temperatures_of_energies(size, energy.values)).drop_attrs(deep=False)


def _itself(mean: xr.DataArray, size: int) -> xr.DataArray:
    return mean


QUANTITIES: Mapping[str, Quantity] = {
    "temperature of the energy": Quantity("energy", energy_temperature, "J/k_B"),
    "energy temperature": Quantity("energy_distribution", _itself, "J/k_B"),
    "network temperature": Quantity("network_distribution", _itself, "J/k_B"),
    "abs_magnetization": Quantity("abs_magnetization", _itself),
    "energy": Quantity("energy", _itself, "J"),
}


def track(case: FlowCase, quantity: str) -> tuple[xr.DataArray, xr.DataArray]:
    """Return the means that a quantity is read of, along the flow by where it started, and numbers of configurations.

    Parameters
    ----------
    case : FlowCase
    quantity : str
        A key of `QUANTITIES`.

    Returns
    -------
    tuple of DataArray[..., bin, temperature, flow_step]
        `temperature` labels the start.
    """
    values, count = case.select(QUANTITIES[quantity].variable, "start")
    if "temperature_class" in values.dims:
        values = (values * values["temperature_class"]).sum("temperature_class", skipna=False)
    return values, count


def end_of_flow(case: FlowCase) -> xr.Dataset:
    """Return what is read of the last third of the flow, by where it started and of all starts together.

    Returns
    -------
    Dataset
        Over `quantity`, the keys of `QUANTITIES`, and `temperature`, the start: `value`, `error`, `degrees`,
        `interval`, `spread`, `realisations` of `crossed_mean`. The same with the prefix ``all_`` of all starts
        together, with ``begin_`` at step 0, and with ``change_`` for the difference of the two, bin by bin; with
        ``memory_`` for the hottest start minus the coldest: zero within errors when the flow has forgotten where it
        began.
        Of every training: `by_realisation` and its error of all starts together, `each_by_realisation` by start.
        Each quantity has `units` of its own.
    """
    tracks = [track(case, quantity) for quantity in QUANTITIES]
    units = [quantity.units for quantity in QUANTITIES.values()]
    labels = xr.Coordinates({"quantity": list(QUANTITIES), "units": ("quantity", units)})
    values = xr.concat([values.drop_attrs() for values, _ in tracks], "quantity").assign_coords(labels)
    count = tracks[0][1].isel(flow_step=-1, drop=True)
    tail = values.isel(flow_step=slice(-tail_length(values.sizes["flow_step"]), None)).mean("flow_step", skipna=False)
    ends = xr.concat([values.isel(flow_step=0, drop=True), tail], "end")

    def read(mean: xr.DataArray) -> xr.Dataset:
        last = _read(mean.isel(end=1), case.size)
        start, end = _read(mean.mean("temperature", skipna=False), case.size).transpose("end", ...)
        memory = last.isel(temperature=-1, drop=True) - last.isel(temperature=0, drop=True)
        return xr.Dataset({"each": last, "all": end, "change": end - start, "memory": memory, "begin": start})

    table = jackknife_estimates(read, ends, count)
    parts = [crossed_mean(table["each"]), by_realisation(table["all"])]
    for name in ("all", "change", "memory", "begin"):
        part = crossed_mean(table[name])
        parts.append(part.rename({key: f"{name}_{key}" for key in part.data_vars}))
    return xr.merge([*parts, table["each"].mean(BIN).rename("each_by_realisation")])


def _read(mean: xr.DataArray, size: int) -> xr.DataArray:
    """Return what is read of means along `quantity`."""
    means = mean.transpose("quantity", ...)
    read = [quantity.read(each, size) for quantity, each in zip(QUANTITIES.values(), means, strict=True)]
    return means.copy(data=np.stack(read))


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
        """Return the mean length; NaN where a training has none: those that have one are a selection."""
        return float(np.mean(self.lengths)) if self.lengths and not self.reasons else np.nan

    @property
    def error(self) -> float:
        """Return the standard error of the mean; NaN for fewer than two trainings."""
        count = len(self.lengths)
        return float(np.std(self.lengths, ddof=1) / np.sqrt(count)) if count > 1 and not self.reasons else np.nan

    def remark(self) -> str:
        """Return the lengths, and what is missing, in words."""
        parts = [f"trainings: {', '.join(f'{length:.0f}' for length in self.lengths)}"] if self.lengths else []
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

    def read(mean: xr.DataArray) -> xr.Dataset:
        return QUANTITIES[quantity].read(mean, case.size).to_dataset(name="value")

    curve = by_realisation(jackknife_estimates(read, values, count)["value"])
    return convergence_of(curve.isel(temperature=0)), convergence_of(curve.isel(temperature=1))
