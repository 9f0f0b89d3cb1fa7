"""Stores of layers and of correlations between them, made by hand, laid out as the framework does."""

from __future__ import annotations

import json

import numpy as np
import xarray as xr

from sweep.analysis.exact.ising import CRITICAL_TEMPERATURE

REALISATIONS = 3
TRAINING = {"preset": "code", "steps": 5000}


def stage(kernel, variables=None, inputs=None, params=None, axes=None, done=None):
    """Return the node of a stage, of a lattice of side 8 at T_c unless axes say otherwise."""
    axes = {"size": [8], "temperature": [CRITICAL_TEMPERATURE]} | (axes or {})
    axes = {name: labels for name, labels in axes.items() if labels is not None}
    shape = tuple(len(labels) for labels in axes.values())
    complete = np.ones(shape, bool) if done is None else done
    attrs = {"kernel": kernel, "kernel_version": 1, "params": json.dumps(params or {})}
    attrs["inputs"] = json.dumps(inputs or {})
    return xr.Dataset({"done": (tuple(axes), complete), **(variables or {})}, axes, attrs)


def with_spins(side, **node):
    """Return a stage's nodes with two configurations of a layer of a side, one level down under the size."""
    top = stage(**node)
    dims = [str(dim) for dim in top["done"].dims if dim != "size"]
    shape = (*(top.sizes[dim] for dim in dims), 2, side, side)
    spins = xr.Dataset({"spins": ((*dims, "configuration", "y", "x"), np.ones(shape, np.int8))}, {"size": 8})
    return {"": top, "/size=8": spins}


def machine(data, hidden):
    """Return a stage that trains machines."""
    params = {**TRAINING, "hidden": hidden}
    return {"": stage("rbm", inputs={"data": data}, params=params, axes={"temperature": None, **trainings()})}


def trainings():
    return {"realisation": list(range(REALISATIONS))}


def layer_stages():
    """Return block spins 8 -> 4 -> 2, machines 64 -> 16 -> 4 and 64 -> 4, and two controls, by name of the stage."""
    encoded = {"kernel": "encode", "axes": trainings()}
    return {
        "ising8": with_spins(8, kernel="ising"),
        "rg_4": with_spins(4, kernel="block_spin", inputs={"data": "ising8"}, params={"rule": "average"}),
        "rg_2": with_spins(2, kernel="block_spin", inputs={"data": "rg_4"}, params={"rule": "average"}),
        "machine_16": machine("ising8", 16),
        "layer_16": with_spins(4, inputs={"machine": "machine_16", "data": "ising8"}, **encoded),
        "machine_4": machine("layer_16", 4),
        "layer_4": with_spins(2, inputs={"machine": "machine_4", "data": "layer_16"}, **encoded),
        "start_16": {
            "": stage("rbm_snapshot", inputs={"machine": "machine_16"}, axes={"temperature": None, "snapshot": [0]})
        },
        "untrained_16": with_spins(4, inputs={"machine": "start_16", "data": "ising8"}, **encoded),
        "permuted8": with_spins(8, kernel="permuted_spins", inputs={"data": "ising8"}),
        "machine_permuted": machine("permuted8", 16),
        "permuted_16": with_spins(4, inputs={"machine": "machine_permuted", "data": "permuted8"}, **encoded),
    }


def as_tree(stages):
    """Return a store of stages."""
    root = xr.Dataset(attrs={"name": "toy", "seed": 1, "grid": "name: toy", "packages": "{}"})
    nodes = {f"/{name}{path}": node for name, nodes in stages.items() for path, node in nodes.items()}
    return xr.DataTree.from_dict({"/": root, **nodes})
