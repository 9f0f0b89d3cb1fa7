"""Launches of toy grids, for tests that look at whole runs."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import xarray as xr
import yaml

from sweep.grid.grid import Grid
from sweep.grid.resolve import resolve
from sweep.run.driver import MakeExecutor, Summary, inline, launch
from sweep.run.events import Event, Listener, TaskDone
from sweep.store.storage import Location

GRID: dict[str, Any] = {
    "name": "toy",
    "seed": 7,
    "stages": {
        "throw": {
            "kernel": "toys:THROW",
            "axes": {"size": [3, 6], "temperature": {"start": 0.0, "stop": 2.0, "step": 0.25}},
            "params": {"throws": 10},
        },
        "walk": {
            "kernel": "toys:WALK",
            "axes": {"size": [3, 6], "realisation": 3},
            "inputs": {"data": "throw"},
            "params": {"steps": 5},
        },
    },
}


def grid_with(**changes: Any) -> Grid:
    """Return the toy grid with changes, each ``throw__axes__size=[3]`` for ``stages.throw.axes.size``."""
    document = copy.deepcopy(GRID)
    for path, value in changes.items():
        place: Any = document["stages"] if "__" in path else document
        *words, last = path.split("__")
        for word in words:
            place = place[word]
        place[last] = value
    return resolve(document, yaml.safe_dump(document, sort_keys=False), "toy.yaml")


def run(grid: Grid, store: Path | str, make: MakeExecutor = inline, listener: Listener | None = None) -> Summary:
    """Launch, and require that all is done."""
    summary = launch(grid, str(store), make, listener or (lambda event: None))
    assert summary.complete
    return summary


def points_done(events: list[Event]) -> int:
    return sum(event.points for event in events if isinstance(event, TaskDone))


def load(store: Path | str) -> xr.DataTree:
    """Return the store at a path or URL in memory."""
    where: Any = Location(str(store)).zarr if "://" in str(store) else str(store)
    with xr.open_datatree(where, engine="zarr") as tree:
        return tree.load()


def values_of(tree: xr.DataTree) -> dict[str, xr.Dataset]:
    """Return the datasets of all nodes without attributes, sorted by label: what must agree however it was computed."""
    return {node.path: _sorted(node).drop_attrs().drop_vars("computed_by", errors="ignore") for node in tree.subtree}


def _sorted(node: xr.DataTree) -> xr.Dataset:
    """Return what a node itself holds, in the order of its labels, those that it has from the nodes above as well."""
    own = node.to_dataset(inherit=False)
    indexes = {dim: index for dim, index in node.to_dataset().indexes.items() if dim in own.dims}
    return own.isel({dim: index.argsort() for dim, index in indexes.items()})


def assert_same(a: xr.DataTree, b: xr.DataTree) -> None:
    """Require the same nodes, labels and bits."""
    first, second = values_of(a), values_of(b)
    assert first.keys() == second.keys()
    for path, dataset in first.items():
        xr.testing.assert_identical(dataset, second[path])
