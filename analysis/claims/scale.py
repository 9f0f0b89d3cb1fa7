"""How much smaller than the paper's a grid is: its verdicts are then not those of the full run."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

import numpy as np
import xarray as xr

from sweep.analysis.estimators.stages import mapping, stages_of

CONFIGURATIONS = {10: 20_000, 32: 40_000}  # per temperature, of lattices from these sides on
SIDES = (9, 10)  # of the lattices of Section III
STEPS = 10_000  # of a training of Section III
LATTICE = 64  # the largest of Section IV
LAYERS = ("block_spin", "encode")  # kernels that Section IV is made with


def shortfalls(tree: xr.DataTree) -> list[str]:
    """Return in words what of a store is smaller than in the paper; nothing where it is of full size.

    Parameters
    ----------
    tree : DataTree
        The store.
    """
    ising = stages_of(tree, "ising")
    flows = [mapping(stage.attrs, "inputs") for stage in stages_of(tree, "rbm_flow").values()]
    data = [str(inputs.get("data")) for inputs in flows]
    machines = [str(inputs.get("machine")) for inputs in flows]
    sides = {name: {*np.atleast_1d(stage["size"]).tolist()} for name, stage in ising.items() if "size" in stage}
    near_critical = [name for name, found in sides.items() if found & {*SIDES}]  # what Δσ and Δε are measured on
    return [
        *_small(sides),
        *_few(ising, [name for name in (*data, *near_critical) if name in ising], CONFIGURATIONS[10]),
        *_short(tree, [name for name in machines if name in tree.children]),
        *_low(tree, ising),
    ]


def _small(sides: Mapping[str, Collection[int]]) -> Iterator[str]:
    largest = max((side for found in sides.values() for side in found), default=max(SIDES))
    if largest < max(SIDES):
        yield f"lattices of {largest}×{largest} spins at most, not {max(SIDES)}×{max(SIDES)}"


def _few(ising: Mapping[str, xr.DataTree], names: list[str], wanted: int) -> Iterator[str]:
    for name in dict.fromkeys(names):
        found = _told(ising[name], "configurations")
        if found < wanted:
            yield f"{found:.0f} configurations for each temperature of {name}, not {wanted}"


def _short(tree: xr.DataTree, names: list[str]) -> Iterator[str]:
    for name in dict.fromkeys(names):
        stage = tree.children[name]
        steps = _told(stage, "steps")
        if mapping(stage.attrs, "params").get("preset") == "code" and steps < STEPS:
            yield f"{steps:.0f} steps of the training {name}, not {STEPS} or more"


def _low(tree: xr.DataTree, ising: Mapping[str, xr.DataTree]) -> Iterator[str]:
    """Yield what is small of Section IV: the largest lattice that layers are made of, and its configurations."""
    layers = [stage for kernel in LAYERS for stage in stages_of(tree, kernel).values()]
    below = {str(mapping(stage.attrs, "inputs").get("data")) for stage in layers} & set(ising)
    sides = {name: int(np.max(np.asarray(ising[name]["size"]))) for name in below if "size" in ising[name]}
    if not sides:
        return
    side = max(sides.values())
    if side < LATTICE:
        yield f"layers of {side}×{side} spins at most, not {LATTICE}×{LATTICE}"
    largest = [name for name, found in sides.items() if found == side]
    best = max(largest, key=lambda name: _told(ising[name], "configurations"))
    yield from _few(ising, [best], CONFIGURATIONS[32])


def _told(stage: xr.DataTree, parameter: str) -> float:
    """Return a parameter of a stage; endless where the stage does not tell."""
    return float(mapping(stage.attrs, "params").get(parameter, np.inf))
