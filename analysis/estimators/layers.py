"""What a store holds of layers: block spins and hidden units, in chains from the data up, and correlations in them."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import xarray as xr

from sweep.analysis.estimators.crossed import REALISATION
from sweep.analysis.estimators.stages import completed, dataset_at, mapping, settings, stages_of
from sweep.analysis.exact.ising import CRITICAL_TEMPERATURE

KINDS = {"block_spin": "RG", "encode": "RBM"}
"""Kernels that make a layer of the layer below, and what such a layer is called; all others only give data."""

CONTROLS = {"permuted_spins": "site-permuted", "independent_spins": "independent spins"}
_SHOWN_ELSEWHERE = {"size", "hidden", "temperature", "snapshot"}


@dataclass(frozen=True)
class Machine:
    """What a layer of hidden units was made by.

    Parameters
    ----------
    stage : str
        That trained it.
    params : mapping
        Of the training.
    trained_on : str
        The stage that it was trained on.
    snapshot : int, optional
        The step of the training that it is taken from, 0 before any; None at its end.
    """

    stage: str
    params: Mapping[str, Any]
    trained_on: str
    snapshot: int | None = None

    @property
    def preset(self) -> str:
        """Return the recipe of the training."""
        return str(self.params.get("preset", "unknown"))


@dataclass(frozen=True)
class Layer:
    """One layer of a chain at one setting: the data, or what block spins or a machine make of the layer below.

    Parameters
    ----------
    stage : str
    kernel : str
    at : mapping of str to label
        The axes of the stage, such as size and temperature, where this layer is.
    params : mapping
        Of the stage.
    below : Layer, optional
        None for what reads no other data.
    machine : Machine, optional
        For hidden units.
    data : Dataset
        Completed realisations only; loaded when used. Has ``spins(configuration, y, x)``, or ``hidden(configuration,
        hidden_unit)`` where the number of units is no square.
    """

    stage: str
    kernel: str
    at: Mapping[str, Any]
    params: Mapping[str, Any]
    below: Layer | None
    machine: Machine | None
    data: xr.Dataset

    @property
    def kind(self) -> str:
        """Return RG, RBM or data."""
        return KINDS.get(self.kernel, "data")

    @property
    def rule(self) -> str:
        """Return the rule of a block spin, or whether hidden units are samples or means."""
        return str(self.params.get("rule" if self.kind == "RG" else "statistics", ""))

    @property
    def side(self) -> int | None:
        """Return the sites per side of this layer's own lattice; None where the units make no square."""
        return int(self.data.sizes["x"]) if "spins" in self.data else None

    @property
    def units(self) -> int:
        """Return the number of units."""
        return int(
            self.data.sizes["y"] * self.data.sizes["x"] if "spins" in self.data else self.data.sizes["hidden_unit"]
        )

    @property
    def realisations(self) -> int:
        """Return how many trainings there are."""
        return int(self.data.sizes.get(REALISATION, 1))

    @property
    def chain(self) -> tuple[Layer, ...]:
        """Return the layers from the data up to this one."""
        return (*(self.below.chain if self.below else ()), self)

    @property
    def recipe(self) -> tuple[tuple[str, ...], ...]:
        """Return what made every layer of the chain: the same for layers of other data, at other temperatures."""
        return tuple(
            (layer.machine.stage, str(layer.machine.snapshot)) if layer.machine else (layer.kernel, layer.rule)
            for layer in self.chain
        )

    @property
    def depth(self) -> int:
        """Return how many steps of coarse graining there are below; 0 for data."""
        return sum(layer.kind != "data" for layer in self.chain)

    @property
    def control(self) -> str:
        """Return what makes this chain a control, in words; empty for one that is not."""
        words = [CONTROLS[layer.kernel] for layer in self.chain if layer.kernel in CONTROLS]
        untrained = any(layer.machine and layer.machine.snapshot == 0 for layer in self.chain)
        return ", ".join(dict.fromkeys([*(["untrained"] if untrained else []), *words]))

    @property
    def label(self) -> str:
        """Return the chain in words, such as "RG 32→16" or "RBM 1024→256→64, untrained"."""
        return self.label_from(self.chain[0].stage)

    def label_from(self, stage: str) -> str:
        """Return the part of the chain above a stage in words."""
        names = [layer.stage for layer in self.chain]
        part = self.chain[names.index(stage) if stage in names else 0 :]
        words = [_step_words(below, layer) for below, layer in itertools.pairwise(part) if layer.kind != "data"]
        groups = [(name, [unit for _, unit in group]) for name, group in itertools.groupby(words, lambda word: word[0])]
        steps = [f"{name} {units[0][0]}→{'→'.join(str(unit[1]) for unit in units)}" for name, units in groups]
        return ", then ".join(steps or ["data"]) + (f", {self.control}" if self.control else "") + self._elsewhere()

    def _elsewhere(self) -> str:
        """Return in words where in the axes that the chain itself does not show this layer is."""
        temperature = self.at.get("temperature", CRITICAL_TEMPERATURE)
        warm = [f"T = {temperature:.4g}"] if abs(temperature - CRITICAL_TEMPERATURE) > 1e-6 else []
        steps = [
            f"after {layer.machine.snapshot} steps" for layer in self.chain if layer.machine and layer.machine.snapshot
        ]
        others = [f"{axis} {label}" for axis, label in self.at.items() if axis not in _SHOWN_ELSEWHERE]
        return "".join(f", {word}" for word in [*steps, *others, *warm])


@dataclass(frozen=True)
class LayerCorrelation:
    """Correlations ⟨v_i h_a⟩ (eq 60) between two layers of a chain, adjacent or with others between.

    Parameters
    ----------
    stage : str
    at : mapping of str to label
    lower, upper : Layer
        Of v and of h. A control that was trained on permuted sites has the data before the permutation as `lower`.
    data : Dataset
        Completed realisations only; loaded when used.
    """

    stage: str
    at: Mapping[str, Any]
    lower: Layer
    upper: Layer
    data: xr.Dataset

    @property
    def kind(self) -> str:
        """Return RG or RBM."""
        return self.upper.kind

    @property
    def control(self) -> str:
        """Return what makes this a control, in words; empty for one that is not."""
        return self.upper.control

    @property
    def adjacent(self) -> bool:
        """Return whether no other layer is between."""
        return self.upper.depth - self.lower.depth == 1

    @property
    def label(self) -> str:
        """Return what is between the two layers, in words."""
        return self.upper.label_from(self.lower.stage)

    @property
    def realisations(self) -> int:
        """Return how many trainings there are."""
        return int(self.data.sizes.get(REALISATION, 1))


def layers(tree: xr.DataTree) -> list[Layer]:
    """Return every layer of a store that is made of a layer below and has a completed realisation, lowest first."""
    found = [
        _layer(tree, name, at, data)
        for kernel in KINDS
        for name, stage in stages_of(tree, kernel).items()
        for at, data in settings(stage)
    ]
    return sorted(found, key=lambda layer: layer.depth)


def layer_correlations(tree: xr.DataTree) -> list[LayerCorrelation]:
    """Return every completed correlation between layers that a store holds."""
    found = []
    for name, stage in stages_of(tree, "layer_correlation").items():
        inputs = mapping(stage.attrs, "inputs")
        for at, data in settings(stage):
            lower, upper = (_layer(tree, inputs[key], at) for key in ("data", "layer"))
            found.append(LayerCorrelation(name, at, lower, upper, data))
    return found


def _layer(tree: xr.DataTree, name: str, at: Mapping[str, Any], data: xr.Dataset | None = None) -> Layer:
    """Return the layer of a stage, with all below it, at those of the labels that its axes have."""
    stage = tree.children[name]
    done = stage.to_dataset()["done"]
    here = {axis: label for axis, label in at.items() if axis in done.dims and axis != REALISATION}
    if data is None:
        data = completed(dataset_at(stage, here), done.sel(here, drop=True))
    inputs = mapping(stage.attrs, "inputs")
    below = _layer(tree, inputs["data"], at) if inputs.get("data") in tree.children else None
    machine = _machine(tree, inputs["machine"], at) if inputs.get("machine") in tree.children else None
    return Layer(name, stage.attrs["kernel"], here, mapping(stage.attrs, "params"), below, machine, data)


def _machine(tree: xr.DataTree, name: str, at: Mapping[str, Any]) -> Machine:
    """Return the training behind a stage that gives machines: itself, or the one whose snapshots it takes."""
    stage = tree.children[name]
    params, inputs = mapping(stage.attrs, "params"), mapping(stage.attrs, "inputs")
    if inputs.get("machine") not in tree.children:
        return Machine(name, params, str(inputs.get("data", "unknown")))
    trained = _machine(tree, inputs["machine"], at)
    single = {str(axis): stage[str(axis)].item() for axis, length in stage.sizes.items() if length == 1}
    known = {**single, **params, **at}
    return Machine(trained.stage, trained.params, trained.trained_on, known.get("snapshot"))


def _step_words(below: Layer, layer: Layer) -> tuple[str, tuple[int, int]]:
    """Return what a step is called and how many it leads from and to: sides of lattices, or units of machines."""
    if layer.kind == "RBM":
        return "RBM" if layer.rule != "mean_field" else "RBM means", (below.units, layer.units)
    name = "RG" if layer.rule in ("", "average") else f"RG by {layer.rule}"
    return name, (below.side or below.units, layer.side or layer.units)
