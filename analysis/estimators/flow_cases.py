"""What a store holds of RBM flows: one case per stage and setting, with its groups of configurations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from sweep.analysis.estimators.crossed import REALISATION
from sweep.analysis.estimators.stages import mapping, settings, stages_of

SNAPSHOT = "snapshot"  # the axis of machines taken at steps of one training
SAME = 1e-6  # temperatures that differ by less are one label
GROUPINGS: Mapping[str, tuple[str, str]] = {
    "start": ("", "start_temperature"),
    "network class": ("network_class_", "temperature_class"),
    "energy class": ("energy_class_", "temperature_class"),
}
_INNER = (REALISATION, "temperature")  # axes of a stage that do not make cases


@dataclass(frozen=True)
class FlowMachine:
    """What a flow goes through.

    Parameters
    ----------
    stage : str
        That trained it, wherever its snapshots were taken.
    preset : str
        The recipe of the training.
    trained_on : str
        The stage of the training data.
    mixture : tuple of float
        Temperatures of the Ising configurations that it was trained on, in equal parts; none for other data.
    """

    stage: str
    preset: str = "unknown"
    trained_on: str = "unknown"
    mixture: tuple[float, ...] = ()

    @property
    def settles(self) -> bool:
        """Return whether a longer training ends nearer to one machine: with one persistent chain it does not."""
        return self.preset != "code"

    def __str__(self) -> str:
        """Return all that is known in words."""
        return f"{self.stage} (preset {self.preset}, trained on {self.trained_on})"


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
    machine : FlowMachine
        What it flows through.
    data : Dataset
        Completed realisations only; loaded when used.
    """

    stage: str
    at: Mapping[str, Any]
    attributes: Mapping[str, Any]
    machine: FlowMachine
    data: xr.Dataset

    @property
    def size(self) -> int:
        """Return the sites per side of the lattice."""
        return int(self.at.get("size", self.attributes["params"].get("size")))

    @property
    def label(self) -> str:
        """Return the stage and where in its axes this case is, in words."""
        return self.label_without()

    def label_without(self, *left_out: str) -> str:
        """Return the stage and where in its axes, some left out, this case is, in words."""
        words = {"hidden": "{} hidden units", "size": "{0}×{0}"}
        places = (
            words.get(axis, axis + " {}").format(label) for axis, label in self.at.items() if axis not in left_out
        )
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
    machine = _machine(tree, str(mapping(stage.attrs, "inputs").get("machine", "unknown")))
    attributes = {name: mapping(stage.attrs, name) for name in ("params", "inputs")}
    for at, data in settings(stage, _INNER):
        yield FlowCase(name, at, attributes, machine, _by_start(data))


def _machine(tree: xr.DataTree, name: str) -> FlowMachine:
    """Return the training behind a stage that gives machines: itself, or the one whose snapshots it takes."""
    if name not in tree.children:
        return FlowMachine(name)
    stage = tree.children[name]
    inputs = mapping(stage.attrs, "inputs")
    if "machine" in inputs:
        return _machine(tree, inputs["machine"])
    preset = mapping(stage.attrs, "params").get("preset", "unknown")
    source = str(inputs.get("data", "unknown"))
    read = mapping(stage.attrs, "labels_read").get("data", {}).get("temperature")
    ising = source in tree.children and tree.children[source].attrs.get("kernel") == "ising"
    whole = ising and "temperature" not in stage.to_dataset()["done"].dims
    known = np.sort(np.asarray(tree.children[source]["temperature"] if read is None else read, float)) if whole else ()
    return FlowMachine(name, str(preset), source, tuple(float(label) for label in known))


def _by_start(data: xr.Dataset) -> xr.Dataset:
    """Return a flow that was mapped over temperatures one by one as one that took them all together.

    What the class groupings of its parts would be together cannot be told from their averages, so they are left out.
    """
    if "temperature" not in data.dims:
        return data
    own = [name for name in data.data_vars if "start_temperature" in data[name].dims]
    return data[own].squeeze("start_temperature", drop=True).rename(temperature="start_temperature")
