"""A real store, in a few seconds, that has a stage for every estimator; whole, and with points that are half done."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
import yaml
from launching import run

import sweep
from sweep.grid.resolve import resolve
from sweep.store.storage import Location
from sweep.store.store import Store

TRAININGS = 3
AT: dict[str, Any] = {"size": [8], "temperature": ["critical"]}
MACHINE: dict[str, Any] = {"size": [8], "realisation": TRAININGS}
WHOLE = {"realisation": TRAININGS, "temperature": 3}  # of `apart`
LAYER = {**AT, "realisation": TRAININGS}
TRAINED: dict[str, Any] = {"steps": 20, "block": 10, "snapshots": [0, 10], "tracks": "short"}
SMALL: dict[str, Any] = {"size": [4], "realisation": TRAININGS}
STAGES: dict[str, dict[str, Any]] = {
    "ising": {
        "kernel": "ising",
        "axes": {"size": [4], "temperature": [2.0, 2.1, "critical", 3.0]},
        "params": {"configurations": 640},
    },
    "apart": {
        "kernel": "ising",
        "axes": {"size": [4, 5], "temperature": [2.0, 2.1, "critical"]},
        "params": {"configurations": 640},
    },
    "rbm": {"kernel": "rbm", "inputs": {"data": "ising"}, "axes": SMALL, "params": {**TRAINED, "hidden": 4}},
    "thermometer": {"kernel": "thermometer", "inputs": {"data": "ising"}, "axes": SMALL, "params": {"epochs": 1}},
    "flow": {
        "kernel": "rbm_flow",
        "inputs": {"data": "ising", "machine": "rbm", "thermometer": "thermometer"},
        "axes": SMALL,
        "params": {"length": 6, "bins": 4, "configurations": 40},
    },
    "critical": {"kernel": "ising", "axes": AT, "params": {"configurations": 640}},
    "average": {"kernel": "block_spin", "inputs": {"data": "critical"}, "axes": AT},
    "machine": {"kernel": "rbm", "inputs": {"data": "critical"}, "axes": MACHINE, "params": {**TRAINED, "hidden": 16}},
    "layer": {"kernel": "encode", "inputs": {"machine": "machine", "data": "critical"}, "axes": LAYER},
    "upper_machine": {
        "kernel": "rbm",
        "inputs": {"data": "layer"},
        "axes": MACHINE,
        "params": {**TRAINED, "hidden": 4},
    },
    "upper": {"kernel": "encode", "inputs": {"machine": "upper_machine", "data": "layer"}, "axes": LAYER},
    "first": {"kernel": "layer_correlation", "inputs": {"data": "critical", "layer": "layer"}, "axes": LAYER},
    "second": {"kernel": "layer_correlation", "inputs": {"data": "layer", "layer": "upper"}, "axes": LAYER},
    "ising3": {
        "kernel": "ising",
        "axes": {"size": [3], "temperature": ["critical"]},
        "params": {"configurations": 640},
    },
    "few": {
        "kernel": "rbm",
        "inputs": {"data": "ising3"},
        "axes": {"size": [3], "realisation": TRAININGS},
        "params": {**TRAINED, "hidden": 2},
    },
    "partition": {
        "kernel": "rbm_partition",
        "inputs": {"machine": "few"},
        "axes": {"size": [3], "realisation": TRAININGS},
        "params": {"walkers": 20, "temperatures": 20},
    },
    "samples": {
        "kernel": "rbm_samples",
        "inputs": {"machine": "few"},
        "axes": {"size": [3], "realisation": TRAININGS},
        "params": {"configurations": 200, "rungs": 4, "rounds": 1},
    },
}
"""The last training of each, and the last temperature of `apart`, is what is half done."""


def small_store(place: Path) -> xr.DataTree:
    """Return a store as `sweep.open` gives it when all is done, and leave it at a place."""
    document = {"name": "small", "seed": 3, "stages": STAGES}
    run(resolve(document, yaml.safe_dump(document, sort_keys=False), "small.yaml"), place)
    return sweep.open(place)


def half_done(place: Path) -> xr.DataTree:
    """Return a store as `sweep.open` gives it when its last realisations and temperatures were interrupted."""
    store = Store(Location(str(place)))
    for name, stage in (store.manifest() or {})["stages"].items():
        axes = list(stage["layout"]["axes"])
        last = "realisation" if "realisation" in axes else "temperature"
        if name in ("apart",) or last == "realisation":
            progress = store.progress(name)
            done = np.moveaxis(progress.done.copy(), axes.index(last), -1)
            done[..., -1] = False
            store.set_progress(name, np.moveaxis(done, -1, axes.index(last)), progress.blocks)
    return sweep.open(place)


def without_the_last(tree: xr.DataTree) -> xr.DataTree:
    """Return a tree that never had what `half_done` has not."""
    nodes = {}
    for node in tree.subtree:
        data = node.to_dataset(inherit=False)
        if "realisation" in data.dims:
            data = data.isel(realisation=slice(-1))
        elif node.path.startswith("/apart") and "temperature" in data.dims:
            data = data.isel(temperature=slice(-1))
        nodes[node.path] = data
    return xr.DataTree.from_dict(nodes)
