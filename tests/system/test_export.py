"""`sweep export`: one file for those who want one, with every bit and every unit in it."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import xarray as xr
import zarr
from launching import grid_with, load, run
from strange import DOCUMENT

from sweep.cli import export as module
from sweep.cli import tables
from sweep.cli.export import export_node
from sweep.errors import SweepError
from sweep.grid.resolve import resolve
from sweep.store.storage import Location
from sweep.store.store import Store

DATA = Path(__file__).parents[1] / "data"
UNDONE = {"size": 6, "temperature": 0.5}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return a store of the toy grid in which one point is not done, though its numbers are there."""
    where = tmp_path_factory.mktemp("export") / "toy.zarr"
    run(grid_with(), where)
    zarr.open_group(str(where), mode="r+")["throw/done"][1, 2] = False  # type: ignore[index]
    return str(where)


@pytest.fixture(scope="module")
def strange(tmp_path_factory: pytest.TempPathFactory) -> str:
    where = tmp_path_factory.mktemp("export") / "strange.zarr"
    run(resolve(DOCUMENT, json.dumps(DOCUMENT), "strange.yaml"), where)
    return str(where)


def written(place: str, node: str, target: Path, *names: str, force: bool = False) -> Path:
    export_node(Store(Location(place)), node, target, names, force=force)
    assert [file.name for file in target.parent.iterdir() if "partial" in file.name] == []
    return target


def energies(place: str) -> xr.DataArray:
    return load(place)["throw"].to_dataset()["energy"]


@pytest.mark.parametrize("rows", [2**20, 7], ids=["at once", "in pieces"])
@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_table_has_a_row_for_every_number_that_is_done(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str, rows: int
) -> None:
    monkeypatch.setattr(tables, "ROWS", rows)
    target = written(place, "throw", tmp_path / f"table.{ending}")
    frame = pd.read_csv(target, comment="#") if ending == "csv" else pd.read_parquet(target)
    assert list(frame.columns) == ["size", "temperature", "replica", "energy"]
    assert len(frame) == (2 * 9 - 1) * 10
    values = energies(place)
    for size, temperature, replica, energy in frame.itertuples(index=False):
        assert energy == values.sel(size=size, temperature=temperature).isel(replica=replica)  # to the bit
    assert frame.equals(frame.sort_values(["size", "temperature", "replica"]))
    assert not ((frame["size"] == UNDONE["size"]) & (frame["temperature"] == UNDONE["temperature"])).any()


def test_netcdf_has_the_whole_stage_and_what_is_not_done_is_missing(place: str, tmp_path: Path) -> None:
    with xr.open_dataset(written(place, "throw", tmp_path / "throw.nc")) as data:
        assert np.isnan(data["energy"].sel(UNDONE)).all()
        xr.testing.assert_identical(data["energy"].where(data["done"]), energies(place).where(data["done"]))
        assert (data.attrs["node"], data.attrs["seed"], data.attrs["kernel"]) == ("throw", 7, "throw version 1")


def test_a_node_below_a_stage(place: str, tmp_path: Path) -> None:
    frame = pd.read_csv(written(place, "throw/size=6", tmp_path / "faces.csv"), comment="#")
    assert list(frame.columns) == ["size", "temperature", "side", "faces"]
    assert len(frame) == 8 * 6  # one of nine temperatures is not done
    with xr.open_dataset(written(place, "throw/size=6", tmp_path / "faces.nc")) as data:
        assert data["size"].item() == 6
        assert data["faces"].dims == ("temperature", "side")


def test_the_head_of_a_csv_says_where_it_comes_from(place: str, tmp_path: Path) -> None:
    head = [line for line in written(place, "throw", tmp_path / "a.csv").read_text().splitlines() if line[0] == "#"]
    assert f"# store: {place}" in head
    assert "# seed: 7" in head
    assert "# kernel: throw version 1" in head
    assert "# energy: units 1, reduced_units J, long_name a throw plus the temperature" in head
    assert any(line.startswith("# packages: sweep-rg ") for line in head)
    about = json.loads(pq.read_schema(written(place, "throw", tmp_path / "a.parquet")).metadata[b"sweep"])
    assert about["columns"]["temperature"]["reduced_units"] == "J/k_B"


def test_variables_that_do_not_fit_one_table_are_named(place: str, strange: str, tmp_path: Path) -> None:
    with pytest.raises(SweepError, match="Choose those of one kind") as refusal:
        written(place, "walk", tmp_path / "walk.csv")
    assert "distance (size, realisation, step); mean (size, realisation)" in str(refusal.value)
    assert not list(tmp_path.iterdir())
    written(place, "walk", tmp_path / "walk.csv", "distance")
    written(place, "walk", tmp_path / "walk.nc")
    frame = pd.read_csv(written(strange, "strange", tmp_path / "s.csv", "best", "length"), comment="#")
    assert list(frame.columns) == ["kind", "β", "best", "length"]
    assert set(frame["best"]) == {2**53 + 1}
    assert set(frame["kind"]) == {"narrow", "very wide, or “breit”"}
    assert set(frame["β"]) == set(load(strange)["strange"]["β"].values)


def test_what_a_stranger_declares_goes_to_netcdf(strange: str, tmp_path: Path) -> None:
    for node in ("strange", "strange/kind=narrow"):
        with xr.open_dataset(written(strange, node, tmp_path / "s.nc", force=True)) as data:
            own = load(strange)[node].to_dataset(inherit=False)
            assert set(own.data_vars) | {"done"} == set(data.data_vars) | (
                set(own.data_vars) & {"blocks", "computed_by"}
            )
            for name in set(own.data_vars) & set(data.data_vars):
                np.testing.assert_array_equal(data[name], own[name])
                assert data[name].attrs == own[name].attrs


def test_a_store_of_an_older_version(tmp_path: Path) -> None:
    """Its attributes are mappings, and 0.3 stands behind 1 on its axis x."""
    with tarfile.open(DATA / "old_store.tar.gz") as archive:
        archive.extractall(tmp_path, filter="data")
    place = str(tmp_path / "old.zarr")
    cells = load(place)["marks/size=5"]["cells"].sortby("x")
    with xr.open_dataset(written(place, "marks/size=5", tmp_path / "a.nc")) as data:
        np.testing.assert_array_equal(data["x"], [0.0, 0.3, 1.0])
        np.testing.assert_array_equal(data["cells"], cells)
    frame = pd.read_csv(written(place, "marks/size=5", tmp_path / "a.csv"), comment="#")
    np.testing.assert_array_equal(frame["cells"], cells.values.ravel())


@pytest.mark.parametrize(
    ("node", "name", "names", "said"),
    [
        ("thrwo", "a.csv", (), "did you mean 'throw'"),
        ("throw/size=7", "a.csv", (), "did you mean 'throw/size="),
        ("throw", "a.csv", ("enrgy",), "did you mean 'energy'"),
        ("throw", "a.xlsx", (), "wanted .nc, .parquet, .csv"),
        ("throw", "there.csv", (), "--force"),
        ("throw", "nowhere/a.csv", (), "no folder"),
    ],
)
def test_what_cannot_be_written_is_said_in_a_line(
    place: str, tmp_path: Path, node: str, name: str, names: tuple[str, ...], said: str
) -> None:
    (tmp_path / "there.csv").write_text("old")
    with pytest.raises(SweepError) as refusal:
        written(place, node, tmp_path / name, *names)
    assert said in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert [file.name for file in tmp_path.iterdir()] == ["there.csv"]
    assert (tmp_path / "there.csv").read_text() == "old"


def test_a_library_that_is_missing_is_named(place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(SweepError, match=r"needs pyarrow, which is not installed; pip install 'sweep-rg\[export\]'"):
        written(place, "throw", tmp_path / "a.parquet")
    with pytest.raises(SweepError, match="needs netCDF4"):
        written(place, "throw", tmp_path / "a.nc")
    written(place, "throw", tmp_path / "a.csv")


def test_complex_numbers(tmp_path: Path) -> None:
    """In a table they are two columns; netCDF has them as netCDF4 writes them."""
    values = np.array([1 + 2j, 0.1 - 1e-300j])
    data = xr.Dataset({"z": ("x", values), "done": ("x", [True, True])}, {"x": [0, 1]})
    facts = {"store": "s", "node": "n"}
    tables.write_csv(data, facts, tmp_path / "z.csv")
    frame = pd.read_csv(tmp_path / "z.csv", comment="#")
    np.testing.assert_array_equal(frame["z_real"] + 1j * frame["z_imag"], values)
    module.WRITERS[".nc"](data, facts, tmp_path / "z.nc")
    with xr.open_dataset(tmp_path / "z.nc", engine="netcdf4", auto_complex=True) as again:
        np.testing.assert_array_equal(again["z"], values)
