"""What a store holds of RBM flows: one case per stage and setting, with its groups of configurations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from sweep.analysis.estimators.crossed import REALISATION
from sweep.analysis.estimators.stages import mapping, settings, stages_of

SAME = 1e-6  # temperatures that differ by less are one label
GROUPINGS: Mapping[str, tuple[str, str]] = {
    "start": ("", "start_temperature"),
    "network class": ("network_class_", "temperature_class"),
    "energy class": ("energy_class_", "temperature_class"),
}
_INNER = (REALISATION, "temperature")  # axes of a stage that do not make cases


@dataclass(frozen=True)
class FlowCase:
    """The flow of one machine setting; realisations of the training are inside.

    Parameters
    ----------
    stage : str
    at : mapping of str to label
        The axes of the stage, such as size and hidden, where this case is.
    attributes : mapping
        Those of the stage: its parameters and inputs.
    machine : str
        What it flows through, in words: the stage that trained it, its preset, and the stage that it was trained on.
    data : Dataset
        Completed realisations only; loaded when used.
    """

    stage: str
    at: Mapping[str, Any]
    attributes: Mapping[str, Any]
    machine: str
    data: xr.Dataset

    @property
    def size(self) -> int:
        """Return the sites per side of the lattice."""
        return int(self.at.get("size", self.attributes["params"].get("size")))

    @property
    def label(self) -> str:
        """Return the stage and where in its axes this case is, in words."""
        words = {"hidden": "{} hidden units", "size": "{0}×{0}"}
        places = (words.get(axis, axis + " {}").format(label) for axis, label in self.at.items())
        return ", ".join([self.stage, *places])

    @property
    def realisations(self) -> int:
        """Return how many trainings there are."""
        return int(self.data.sizes.get(REALISATION, 1))

    def temperatures(self, grouping: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        """Return the labels of the groups, sorted."""
        return np.sort(np.asarray(self.data[GROUPINGS[grouping][1]], np.float64))

    def has(self, grouping: str, temperatures: Sequence[float]) -> bool:
        """Return whether there is a group of each of these labels."""
        distance = np.abs(np.subtract.outer(np.asarray(temperatures), self.temperatures(grouping)))
        return bool((distance < SAME).any(axis=1).all())

    def select(
        self, quantity: str, grouping: str, temperatures: tuple[float, ...] | None = None
    ) -> tuple[xr.DataArray, xr.DataArray]:
        """Return a quantity and the number of configurations, each DataArray[..., bin, temperature, flow_step, ...].

        Parameters
        ----------
        quantity : str
            Without prefix, such as ``abs_magnetization``.
        grouping : str
            One of `GROUPINGS`.
        temperatures : tuple of float, optional
            Labels of the groups; all when left out.

        Raises
        ------
        KeyError
            When the flow has no group of such a label.
        """
        prefix, dim = GROUPINGS[grouping]
        both = self.data[[prefix + quantity, prefix + "count"]].rename({dim: "temperature"})
        chosen = self.temperatures(grouping) if temperatures is None else np.asarray(temperatures)
        places = [_place(np.asarray(both["temperature"]), float(label)) for label in chosen]
        both = both.isel(temperature=places).assign_coords(temperature=chosen).load()
        return both[prefix + quantity], both[prefix + "count"]


def _place(labels: np.ndarray[tuple[int], np.dtype[np.float64]], wanted: float) -> int:
    """Return where a temperature stands among labels in any order."""
    (places,) = np.nonzero(np.abs(labels - wanted) < SAME)
    if places.size != 1:
        raise KeyError(f"temperature {wanted:g}: wanted one of {', '.join(f'{label:g}' for label in np.sort(labels))}")
    return int(places[0])


def flow_cases(tree: xr.DataTree) -> list[FlowCase]:
    """Return every flow of a store that has at least one completed realisation."""
    return [case for name in stages_of(tree, "rbm_flow") for case in _cases_of(tree, name)]


def _cases_of(tree: xr.DataTree, name: str) -> Iterator[FlowCase]:
    stage = tree.children[name]
    machine = _machine(tree, stage)
    attributes = {name: mapping(stage.attrs, name) for name in ("params", "inputs")}
    for at, data in settings(stage, _INNER):
        yield FlowCase(name, at, attributes, machine, _by_start(data))


def _machine(tree: xr.DataTree, stage: xr.DataTree) -> str:
    name = mapping(stage.attrs, "inputs").get("machine", "unknown")
    if name not in tree.children:
        return str(name)
    trained = tree.children[name].attrs
    preset = mapping(trained, "params").get("preset", "unknown")
    return f"{name} (preset {preset}, trained on {mapping(trained, 'inputs').get('data', 'unknown')})"


def _by_start(data: xr.Dataset) -> xr.Dataset:
    """Return a flow that was mapped over temperatures one by one as one that took them all together.

    What the class groupings of its parts would be together cannot be told from their averages, so they are left out.
    """
    if "temperature" not in data.dims:
        return data
    own = [name for name in data.data_vars if "start_temperature" in data[name].dims]
    return data[own].squeeze("start_temperature", drop=True).rename(temperature="start_temperature")
