"""A store needs nothing but xarray and zarr to be read, and what those two need to write netCDF.

The reader has an environment of its own, in which nothing is installed but the distributions named and those that they
require. They are links to those of the environment that runs the tests, so that this needs no network.
"""

from __future__ import annotations

import json
import subprocess
import venv
from collections.abc import Iterable
from importlib.metadata import distribution
from pathlib import Path

import pytest
from launching import grid_with, run
from packaging.requirements import Requirement

LIST = "import json, importlib.metadata as m; print(json.dumps([one.name for one in m.distributions()]))"
READ = """
import importlib.util, sys
import xarray as xr

assert not any(importlib.util.find_spec(name) for name in ("sweep", "numba", "scipy", "ray"))
tree = xr.open_datatree(sys.argv[1], engine="zarr")
energy = tree["throw"]["energy"]
assert energy["temperature"].values.tolist() == [0.25 * i for i in range(9)]
assert energy.attrs["reduced_units"] == "J"
point = energy.sel(size=6, temperature=0.75)
difference = (energy - energy.sel(temperature=0.0, drop=True)).mean("replica")
assert difference.dims == ("size", "temperature") and float(difference[0, 0]) == 0.0
assert bool(tree["throw"]["done"].all()) and point.shape == (10,)
assert tree["throw/size=6"]["faces"].sel(temperature=0.75).values.tolist() == list(range(6))
tree.to_zarr("again.zarr")
assert xr.open_datatree("again.zarr", engine="zarr").equals(tree)
"""

WRITE = """
import sys
import xarray as xr

tree = xr.open_datatree(sys.argv[1], engine="zarr")
engine = sys.argv[2]
for name in ("throw", "throw/size=6", "walk"):
    data = tree[name].to_dataset()
    data.to_netcdf("node.nc", engine=engine)
    with xr.open_dataset("node.nc", engine=engine) as again:
        assert again.load().equals(data), name
if engine == "netcdf4":
    tree.to_netcdf("tree.nc", engine=engine)
    assert xr.open_datatree("tree.nc", engine=engine).equals(tree)
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    where = tmp_path_factory.mktemp("bare") / "toy.zarr"
    run(grid_with(), where)
    return where


def required(names: Iterable[str]) -> set[str]:
    """Return the names of distributions and of all that they require."""
    found: set[str] = set()
    left = list(names)
    while left:
        name = left.pop()
        if name not in found:
            found.add(name)
            wanted = [Requirement(line) for line in distribution(name).requires or []]
            left += [one.name for one in wanted if one.marker is None or one.marker.evaluate({"extra": ""})]
    return found


def environment(folder: Path, *names: str) -> Path:
    """Make an environment that has these distributions, and what they require; return its Python."""
    venv.create(folder, symlinks=True)
    (site,) = folder.glob("lib/python*/site-packages")
    for name in required(names):
        for file in distribution(name).files or []:
            top = file.parts[0]
            if top not in ("..", "__pycache__") and not (site / top).exists():
                (site / top).symlink_to(distribution(name).locate_file(top))
    return folder / "bin" / "python"


def read_with(python: Path, script: str, *words: str, folder: Path) -> None:
    command = [str(python), "-I", "-c", script, *words]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr


def test_xarray_and_zarr_are_enough_to_read_compute_and_write_zarr(place: Path, tmp_path: Path) -> None:
    python = environment(tmp_path / "env", "xarray", "zarr")
    listed = subprocess.run([str(python), "-I", "-c", LIST], capture_output=True, text=True, check=True)
    assert set(json.loads(listed.stdout)) == {distribution(name).name for name in required(["xarray", "zarr"])}
    read_with(python, READ, str(place), folder=tmp_path)


@pytest.mark.parametrize(("library", "engine"), [("scipy", "scipy"), ("netCDF4", "netcdf4"), ("h5py", "h5netcdf")])
def test_one_library_more_writes_netcdf(place: Path, tmp_path: Path, library: str, engine: str) -> None:
    names = ("xarray", "zarr", library, *(["h5netcdf"] if engine == "h5netcdf" else []))
    read_with(environment(tmp_path / "env", *names), WRITE, str(place), engine, folder=tmp_path)
