"""Machines of a store over a lattice, trained or made by hand, and what couplings they have learned."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from sweep.analysis.estimators.crossed import REALISATION
from sweep.analysis.estimators.effective_couplings import by_distance, effective_couplings, learned, within_reach
from sweep.analysis.estimators.gauge import square_side
from sweep.analysis.estimators.layers import CONTROLS
from sweep.analysis.estimators.stages import mapping, settings, stages_of
from sweep.analysis.exact.small_machines import Machine

SNAPSHOT = "snapshot"
SMALLEST = 3  # sites per side: on a smaller torus two bonds join the same sites
DIMS = (REALISATION, SNAPSHOT)


@dataclass(frozen=True)
class CouplingCase:
    """The machines of one setting, all trainings and all steps of them that were kept.

    Parameters
    ----------
    stage : str
    at : mapping of str to label
        The axes of the stage, such as size and hidden, where this case is.
    params : mapping
        Of the stage.
    temperature : float, optional
        Of the Ising model that the data are drawn from, or that the machine is, in J/k_B; None where there is none, or
        more than one.
    control : str
        What makes the training a control, in words; empty for one that is not.
    machines : Dataset
        Completed realisations: `weights(realisation, snapshot, visible, hidden_unit)` and the two biases; the last
        snapshot is the end of the training. Loaded when used.
    """

    stage: str
    at: Mapping[str, Any]
    params: Mapping[str, Any]
    temperature: float | None
    control: str
    machines: xr.Dataset

    @property
    def visible(self) -> int:
        """Return the number of visible units."""
        return int(self.machines.sizes["visible"])

    @property
    def hidden(self) -> int:
        """Return the number of hidden units."""
        return int(self.machines.sizes["hidden_unit"])

    @property
    def trained(self) -> bool:
        """Return whether there was a training at all."""
        return bool(self.machines[SNAPSHOT][-1] > 0)

    @property
    def label(self) -> str:
        """Return in words which machines these are."""
        side = square_side(self.visible)
        others = [f"{axis} {label}" for axis, label in self.at.items() if axis not in ("size", "hidden", "temperature")]
        warm = [f"T = {self.temperature:.4g}"] if self.temperature is not None else []
        control = [self.control] if self.control else []
        units = f"{self.hidden} hidden units"
        return ", ".join([self.stage, f"{side}×{side}", units, *others, *warm, *control])

    @property
    def largest_at_start(self) -> float:
        """Return the largest singular value of the weights before training, scale (√visible + √hidden); NaN without."""
        scale = {**self.params, **self.at}.get("initial_scale", np.nan)
        return float(scale * (np.sqrt(self.visible) + np.sqrt(self.hidden)))

    def numbers(self) -> xr.Dataset:
        """Return what the machines have learned.

        Returns
        -------
        Dataset[realisation, snapshot]
            The numbers of `learned`; `coupling` and `rms_coupling`, with a dimension `distance`, and `singular_value`
            of W with a dimension `rank`, from 1.
        """
        machines = self.machines.load()
        shape = tuple(machines.sizes[dim] for dim in DIMS)
        tables = [_numbers(_machine(machines, place)) for place in np.ndindex(shape)]
        rows = [
            xr.concat(tables[first : first + shape[1]], machines[SNAPSHOT]) for first in range(0, len(tables), shape[1])
        ]
        return xr.concat(rows, machines[REALISATION])


def _machine(machines: xr.Dataset, place: tuple[int, ...]) -> Machine:
    one = machines.isel(dict(zip(DIMS, place, strict=True)))
    return Machine(*(one[part].values.astype(np.float64) for part in Machine._fields))


def _numbers(machine: Machine) -> xr.Dataset:
    """Return what a machine has learned; NaN throughout where its training ran away."""
    if not within_reach(machine):
        return xr.full_like(_numbers(Machine(*(np.zeros_like(part) for part in machine))), np.nan)
    pairs, fields = effective_couplings(machine)
    distances, mean, rms = by_distance(pairs)
    singular = np.linalg.svd(machine.weights, compute_uv=False)
    return xr.Dataset(
        {
            **learned(machine, pairs, fields),
            "coupling": ("distance", mean),
            "rms_coupling": ("distance", rms),
            "singular_value": ("rank", singular),
        },
        {"distance": distances, "rank": np.arange(1, len(singular) + 1)},
    )


def coupling_cases(tree: xr.DataTree) -> list[CouplingCase]:
    """Return the machines of a store whose visible units are sites of a square torus, by stage.

    Not those that train on hidden units: these have no places.
    """
    found: list[CouplingCase] = []
    for kernel in ("rbm", "ising_machine"):
        for name, stage in stages_of(tree, kernel).items():
            source = tree.children.get(mapping(stage.attrs, "inputs").get("data", ""))
            if source is None or source.attrs.get("kernel") != "encode":
                found.extend(_cases(name, stage, source))
    return found


def _cases(name: str, stage: xr.DataTree, source: xr.DataTree | None) -> Iterator[CouplingCase]:
    params = mapping(stage.attrs, "params")
    kernel = source.attrs.get("kernel", "") if source is not None else ""
    for at, data in settings(stage):
        side = square_side(data.sizes["visible"])
        if side is not None and side >= SMALLEST and set(Machine._fields) <= set(data):
            temperature = _temperature({**params, **at}, source)
            yield CouplingCase(name, at, params, temperature, CONTROLS.get(kernel, ""), _kept(data))


def _temperature(known: Mapping[str, Any], source: xr.DataTree | None) -> float | None:
    """Return the temperature of the Ising model behind a machine: its own, or the single one of its data."""
    if source is not None and source.attrs.get("kernel") != "ising":
        return None
    of_data = mapping(source.attrs, "params") if source is not None else {}
    known = {**of_data, **known}
    if "temperature" in known:
        found = [known["temperature"]]
    else:
        found = np.ravel(source["temperature"]).tolist() if source is not None else []
    return float(found[0]) if len(found) == 1 and found[0] > 0 else None


def _kept(data: xr.Dataset) -> xr.Dataset:
    """Return the machines at all steps that were kept, the end of the training last, with both `DIMS`."""
    end = int(data["step"][-1]) if "step" in data.coords else 0
    last = data[list(Machine._fields)].expand_dims({SNAPSHOT: [end]})
    names = {f"snapshot_{part}": part for part in Machine._fields}
    parts = [last]
    if set(names) <= set(data):
        before = data[list(names)].rename(names)
        parts = [before.isel({SNAPSHOT: np.flatnonzero(before[SNAPSHOT].values != end)}), last]
    kept = xr.concat(parts, SNAPSHOT)
    return kept if REALISATION in kept.dims else kept.expand_dims({REALISATION: [0]})
