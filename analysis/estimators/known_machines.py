"""Machines whose ln Z or averages are known exactly, beside what annealing and tempering say of them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from sweep.analysis.estimators.crossed import REALISATION
from sweep.analysis.estimators.stages import mapping, settings, stages_of
from sweep.analysis.exact.ising import CRITICAL_TEMPERATURE, torus_log_partition

_SHOWN = ("size", "temperature")


@dataclass(frozen=True)
class Ising:
    """Which Ising model a machine is."""

    size: int
    temperature: float

    @property
    def log_partition(self) -> float:
        """Return ln Z of the machine: 2 cosh(w (s + s')) = 2 exp(K) exp(K s s') for each of the 2 L^2 bonds."""
        bonds = 2 * self.size**2
        return torus_log_partition(self.size, self.temperature) + bonds * (math.log(2) + 1 / self.temperature)


@dataclass(frozen=True)
class MachineReading:
    """What a store has computed of machines at one place in the axes of a stage.

    Parameters
    ----------
    stage : str
        That gives the machines.
    at : mapping of str to label
    ising : Ising, optional
        None for machines that were trained.
    data : Dataset
        Completed realisations only, if it has any.
    """

    stage: str
    at: Mapping[str, Any]
    ising: Ising | None
    data: xr.Dataset

    @property
    def label(self) -> str:
        """Return the machines in words."""
        if self.ising:
            temperature = self.ising.temperature
            words = "T_c" if abs(temperature - CRITICAL_TEMPERATURE) < 1e-6 else f"T = {temperature:.4g}"
            return f"Ising machine {self.ising.size}×{self.ising.size}, {words}"
        return ", ".join([self.stage, *(f"{axis} {label}" for axis, label in self.at.items() if axis not in _SHOWN)])

    @property
    def partition(self) -> xr.Dataset:
        """Return ln Z of each realisation: `value`, `error`, `degrees` and `exact`, which is NaN where not known."""
        data = self.data if REALISATION in self.data["log_partition"].dims else self.data.expand_dims(REALISATION)
        value = data["log_partition"]
        if self.ising:
            exact = xr.full_like(value, self.ising.log_partition)
        else:
            exact = data.get("exact_log_partition", xr.full_like(value, np.nan))
        copies = data["effective_chains"] if "effective_chains" in data else data["ladder"].max("configuration") + 1
        return xr.Dataset({"value": value, "error": data["log_partition_error"], "degrees": copies - 1, "exact": exact})

    @property
    def correlation(self) -> xr.DataArray:
        """Return <s_0 s_r> of every ladder, DataArray[ladder, dy, dx], of the first realisation."""
        data = self.data.isel({REALISATION: 0}) if REALISATION in self.data.dims else self.data
        ladder, spins = data["ladder"].values, data["spins"].values
        found = [spin_products(spins[ladder == one]) for one in np.unique(ladder)]
        return xr.DataArray(np.array(found), dims=("ladder", "dy", "dx"))


def errors_off(readings: Sequence[MachineReading]) -> np.ndarray[Any, Any]:
    """Return float64[2, n]: exact ln Z, and how many errors ours is from it, of all machines where it is known."""
    tables = [one.partition for one in readings]
    pairs = [((one["value"] - one["exact"]) / one["error"], one["exact"]) for one in tables]
    found = np.concatenate([np.empty((2, 0)), *(np.stack([exact, off]).reshape(2, -1) for off, exact in pairs)], axis=1)
    return np.asarray(found[:, np.isfinite(found).all(axis=0)])


def spin_products(spins: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return the mean of s_x s_(x+r) over sites and configurations, float64[dy, dx], of int8[configuration, y, x]."""
    power = (np.abs(np.fft.rfft2(spins.astype(np.float64))) ** 2).mean(axis=0)
    return np.asarray(np.fft.irfft2(power, s=spins.shape[1:]) / (spins.shape[1] * spins.shape[2]))


def machine_readings(tree: xr.DataTree, kernel: str) -> Iterator[MachineReading]:
    """Yield what the stages of a kernel that reads machines, ``rbm_partition`` or ``rbm_samples``, have completed."""
    for stage in stages_of(tree, kernel).values():
        name = mapping(stage.attrs, "inputs")["machine"]
        source = tree.children[name]
        for at, data in settings(stage):
            known = {**mapping(source.attrs, "params"), **_single_labels(source), **at}
            exact = source.attrs["kernel"] == "ising_machine"
            ising = Ising(int(known["size"]), float(known["temperature"])) if exact else None
            yield MachineReading(name, at, ising, data)


def _single_labels(stage: xr.DataTree) -> dict[str, Any]:
    return {str(axis): stage[str(axis)].item() for axis, length in stage.sizes.items() if length == 1}
