"""What a store gives goes to netCDF and Zarr as it is, whatever the kernel and the grid."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pint
import pytest
import xarray as xr
from launching import load, run
from strange import DOCUMENT

from sweep.grid.resolve import resolve
from sweep.store.storage import Location
from sweep.store.store import Store

REGISTRY: pint.UnitRegistry = pint.UnitRegistry()
CONSOLIDATED = pytest.mark.filterwarnings("ignore:Consolidated metadata:zarr.errors.ZarrUserWarning")
NODES = ("strange", "strange/kind=narrow", "strange/kind=very wide, or “breit”", "reader")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a store of a kernel that declares all that a stranger may."""
    where = tmp_path_factory.mktemp("portable") / "strange.zarr"
    run(resolve(DOCUMENT, json.dumps(DOCUMENT), "strange.yaml"), where)
    return where


@pytest.fixture
def tree(place: Path) -> Iterator[xr.DataTree]:
    """Return the store as a reader opens it, nothing loaded."""
    with xr.open_datatree(str(place), engine="zarr") as opened:
        yield opened


def attributes_of(tree: xr.DataTree) -> Iterator[tuple[str, object]]:
    for node in tree.subtree:
        dataset = node.to_dataset(inherit=False)
        for where, attributes in (
            (node.path, node.attrs),
            *((name, dataset[name].attrs) for name in dataset.variables),
        ):
            yield from ((f"{where}: {name}", value) for name, value in attributes.items())


def test_attributes_are_numbers_and_words(tree: xr.DataTree) -> None:
    for where, value in attributes_of(tree):
        assert type(value) in (int, float, str) or isinstance(value, np.number), f"{where}: {value!r}"


def test_json_text_says_what_the_store_says_of_itself(place: Path, tree: xr.DataTree) -> None:
    assert json.loads(tree["strange"].attrs["params"]) == {
        "count": 5, "wanted": True, "cutoff": None, "steps": [0.1, 1e300], "options": {"a": None, "b": float("inf")},
    }  # fmt: skip
    manifest = Store(Location(str(place))).manifest()
    assert manifest is not None
    assert manifest["seed"] == 2**80  # too large for an attribute of netCDF: a word of digits there
    assert manifest["grid"] == tree.attrs["grid"] == json.dumps(DOCUMENT)  # is text, also where it looks like JSON
    assert manifest["stages"] == json.loads(tree.attrs["stages"])
    assert manifest["host"].keys() == {"python", "system", "machine"}


def test_pint_reads_every_unit(tree: xr.DataTree) -> None:
    found = {where.partition(": "): str(value) for where, value in attributes_of(tree)}
    units = {name: REGISTRY.parse_units(value) for (name, _, attribute), value in found.items() if attribute == "units"}
    assert {"energy", "heat", "profile", "β", "mean"} <= units.keys()
    for name, unit in units.items():
        assert unit.dimensionless or name in ("heat", "profile", "seconds"), name
    assert units["heat"] == REGISTRY.joule


@pytest.mark.parametrize("engine", ["netcdf4", "h5netcdf"])
def test_a_whole_tree_goes_to_netcdf(tree: xr.DataTree, tmp_path: Path, engine: str) -> None:
    tree.to_netcdf(tmp_path / "tree.nc", engine=engine)
    # h5netcdf 1.8 cannot read, whoever wrote it, a single number that is called like a dimension of the group above.
    with xr.open_datatree(tmp_path / "tree.nc", engine="netcdf4") as again:
        xr.testing.assert_equal(again, tree)
        assert again["strange"].attrs == tree["strange"].attrs


@pytest.mark.parametrize("node", NODES)
@pytest.mark.parametrize("engine", ["netcdf4", "h5netcdf", "scipy"])
def test_a_node_goes_to_netcdf(tree: xr.DataTree, tmp_path: Path, node: str, engine: str) -> None:
    data = tree[node].to_dataset()
    if engine == "scipy":  # netCDF 3 has no integers beyond 32 bits, and scipy no names beyond Latin 1
        data = data.drop_vars("best", errors="ignore").rename({"β": "beta"})
    data.to_netcdf(tmp_path / "node.nc", engine=engine)
    with xr.open_dataset(tmp_path / "node.nc", engine=engine) as again:
        xr.testing.assert_equal(again.load(), data)
        assert set(again.coords) == set(data.coords)  # also those that are a single number


@CONSOLIDATED
def test_a_whole_tree_goes_to_zarr(tree: xr.DataTree, tmp_path: Path) -> None:
    tree.to_zarr(tmp_path / "again.zarr")
    xr.testing.assert_identical(load(tmp_path / "again.zarr"), tree.load())


@pytest.mark.parametrize("node", NODES)
def test_zarr_format_2_wants_the_codecs_of_format_3_dropped(tree: xr.DataTree, tmp_path: Path, node: str) -> None:
    """No array of format 3 can be written in format 2 without that: xarray hands on the codecs that it found."""
    data = tree[node].to_dataset()
    data.drop_encoding().to_zarr(tmp_path / "again.zarr", zarr_format=2)
    with xr.open_dataset(tmp_path / "again.zarr", engine="zarr") as again:
        xr.testing.assert_equal(again.load(), data)
