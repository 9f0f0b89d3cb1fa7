"""An extension that is cut short while the store is laid out binds nobody: any other grid that fits may follow."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from launching import assert_same, grid_with, load, run

import sweep.store.storage
from sweep.grid.grid import Grid
from sweep.store.storage import Location
from sweep.store.store import Store

COARSE = [0.0, 0.5, 1.0]
FINER = [0.0, 0.25, 0.5, 0.75, 1.0, 2.0]


def throws(temperatures: list[float], count: int = 10, sizes: tuple[int, ...] = (3, 6)) -> Grid:
    axes = {"size": list(sizes), "temperature": temperatures}
    return grid_with(stages={"throw": {"kernel": "toys:THROW", "axes": axes, "params": {"throws": count}}})


def cut_short(patch: pytest.MonkeyPatch, grid: Grid, store: Path, key: str) -> None:
    """Launch, and die before the first put of a key."""
    put = Location.put

    def dying(location: Location, name: str, *arguments: Any, **named: Any) -> None:
        if name == key:
            raise KeyboardInterrupt
        put(location, name, *arguments, **named)

    with patch.context() as inner:
        inner.setattr(Location, "put", dying)
        with pytest.raises(KeyboardInterrupt):
            run(grid, store)


BEFORE = [
    ".sweep/lease",
    "throw/blocks/c/1/0",  # points that get longer are not done any more, and have their blocks
    ".sweep/extending",
    "throw/temperature/c.0",
    "throw/blocks/c.0.0",
    "throw/done/c.1.0",
    "throw/energy/c.1.0.0",
    "throw/size=12/size/c",
    ".sweep/root",
]
AFTER = [
    "zarr.json",
    "throw/zarr.json",
    "throw/computed_by/zarr.json",
    "throw/size=12/zarr.json",
    "throw/temperature/zarr.json",
    ".sweep/launches/2",
]  # the store is the extended one: the copy of its root says so
SHORT = {".sweep/lease", "throw/blocks/c.0.0", ".sweep/root", "zarr.json", "throw/size=12/zarr.json"}
KEYS = [key if key in SHORT else pytest.param(key, marks=pytest.mark.slow) for key in (*BEFORE, *AFTER)]


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize(
    "then",
    [throws(COARSE), throws([*COARSE, 3.0]), throws(COARSE, 14), throws(COARSE, 10, (3, 6, 4))],
    ids=["as before", "another temperature", "fewer throws", "another size"],
)
def test_another_grid_after_an_extension_cut_short(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str, then: Grid
) -> None:
    run(throws(COARSE), tmp_path / "toy.zarr")
    manifest = Store(Location(str(tmp_path / "toy.zarr"))).manifest()
    cut_short(monkeypatch, throws(FINER, 18, (3, 6, 12)), tmp_path / "toy.zarr", key)
    is_switched = Store(Location(str(tmp_path / "toy.zarr"))).manifest() != manifest
    assert is_switched == (key in AFTER)
    run(then, tmp_path / "toy.zarr")
    run(then, tmp_path / "fresh.zarr")
    grown, fresh = load(tmp_path / "toy.zarr"), load(tmp_path / "fresh.zarr")
    if is_switched:
        assert_holds(grown, fresh)
    else:
        assert_same(grown, fresh)
    assert not [file for file in (tmp_path / "toy.zarr").rglob("*") if file.name.endswith(("extending", ".partial"))]


def assert_holds(grown: xr.DataTree, wanted: xr.DataTree) -> None:
    """Require the same values at every label of a smaller tree; more blocks may be wanted of the larger one."""
    for node in wanted.subtree:
        dataset, whole = node.to_dataset().load(), grown[node.path].to_dataset()
        for name in set(dataset.data_vars) - {"blocks"}:
            values = dataset[name]
            labels = {dim: values[dim] for dim in values.dims if dim in values.indexes}
            lengths = {dim: slice(n) for dim, n in values.sizes.items() if dim not in labels}
            np.testing.assert_array_equal(whole[name].sel(labels).isel(lengths), values)


def test_a_resume_needs_room_for_the_rest_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(throws(COARSE), tmp_path / "toy.zarr")
    usage = shutil.disk_usage(tmp_path)._replace(free=1)
    monkeypatch.setattr(sweep.store.storage.shutil, "disk_usage", lambda path: usage)
    run(throws(COARSE), tmp_path / "toy.zarr")
