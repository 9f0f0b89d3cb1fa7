"""A store of an older version opens, verifies, resumes and extends, and keeps its bits (tests/data/README.md)."""

from __future__ import annotations

import copy
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
import yaml
from launching import load, run, values_of

from sweep.errors import SweepError
from sweep.grid.axes import CRITICAL_TEMPERATURE
from sweep.grid.grid import Grid
from sweep.grid.resolve import resolve
from sweep.kernels.ising.schedule import NANOSECONDS
from sweep.planning.template import UNKNOWN
from sweep.store.failures import read_failures
from sweep.store.storage import Location
from sweep.store.store import Store
from sweep.verification import Remedy, verify_store

DATA = Path(__file__).parents[1] / "data"
COMPLETE = ("marks", "ising", "fine", "ranges", "rbm")
LEFT = "rbm"  # its kernel has had another version since: the stage stays as it is, and a grid goes on without it
ROWS = {"row", "replica", "bin", "configuration", "step"}  # along which blocks append
SPACING = 1e-11  # of labels that 12 digits round


@pytest.fixture
def old(tmp_path: Path) -> Path:
    with tarfile.open(DATA / "old_store.tar.gz") as archive:
        archive.extractall(tmp_path, filter="data")
    return tmp_path / "old.zarr"


def document() -> dict[str, Any]:
    whole: dict[str, Any] = yaml.safe_load((DATA / "old_grid.yaml").read_text())
    return {**whole, "stages": {name: stage for name, stage in whole["stages"].items() if name != LEFT}}


def grid(changed: dict[str, Any]) -> Grid:
    return resolve(changed, yaml.safe_dump(changed, sort_keys=False), "old.yaml")


def larger() -> dict[str, Any]:
    """Return the grid with labels before, between and behind the old ones, more of every point, and another stage."""
    changed = copy.deepcopy(document())
    stages = changed["stages"]
    stages["ising"]["axes"]["temperature"] = [0.0, 2.0, 2.1, "critical", 2.5, 3.0, 4.0]
    stages["fine"]["axes"] = {"size": [3, 4], "temperature": {"linspace": [2.0, 2.5, 13]}}
    stages["fine"]["params"]["configurations"] = 40
    stages["marks"] |= {"axes": {"size": [5, 2, 1], "x": [-1.0, 0.0, 0.25, 0.3, 1.0, 2.0]}, "params": {"rows": 6}}
    stages["ranges"]["axes"] = {"word": ["up", "down", "left"], "x": {"start": -0.1, "stop": 0.4, "step": 0.05}}
    stages["more"] = {"kernel": "marks:SUMS", "axes": {"x": [0.0, 0.3, 1.0]}, "inputs": {"data": "marks"}}
    return changed


def complete(tree: xr.DataTree) -> dict[str, xr.Dataset]:
    """Return the nodes of the stages that are complete in the old store, each with all its labels."""
    return {node.path: node.to_dataset() for node in tree.subtree if node.path.split("/")[1] in COMPLETE}


def part_of(larger: xr.DataArray, smaller: xr.DataArray) -> xr.DataArray:
    """Return, of a result that grew, what stands at the labels, and in the rows, of the one that did not."""
    labels = {dim: index for dim, index in smaller.indexes.items() if dim in smaller.dims}
    rows = {dim: slice(n) for dim, n in smaller.sizes.items() if dim not in labels}
    return larger.sel(labels).isel(rows)


def assert_kept(old: xr.DataTree, new: xr.DataTree) -> None:
    """Require every result of the old tree in the new one, to the bit; but for those of a point that is longer now."""
    after = complete(new)
    for path, data in complete(old).items():
        for name, values in data.data_vars.items():
            if path.startswith("/ising") or ROWS & set(values.dims):
                kept = part_of(after[path][name], values)
                assert kept.dims == values.dims
                assert_same_values(kept, values, f"{path}/{name}")


def assert_same_values(now: xr.DataArray | xr.Variable, before: xr.DataArray | xr.Variable, where: str) -> None:
    """Require the same bits, in the type of the old store; what it had as the number of an update is a word now."""
    found = np.asarray(now)
    if where.endswith("/update"):
        found = np.array([[*NANOSECONDS].index(str(word)) for word in found.ravel()]).reshape(found.shape)
    assert found.astype(before.dtype).tobytes() == np.asarray(before).tobytes(), where


def as_kept(store: Path) -> xr.DataTree:
    """Return a store in memory, integers as they are kept: of points that are done none is missing."""
    with xr.open_datatree(str(store), engine="zarr", mask_and_scale=False) as tree:
        return tree.load()


def test_it_opens_in_plain_xarray(old: Path) -> None:
    tree = load(old)
    assert float(tree["ising"]["temperature"][1]) == pytest.approx(CRITICAL_TEMPERATURE, abs=SPACING)
    assert bool(tree["marks"]["done"].all())
    assert int(tree["unfinished"]["done"].sum()) == 9
    np.testing.assert_array_equal(tree["marks/size=5"]["cells"].sel(x=0.3).shape, (5,))


def test_nothing_is_wrong_in_it(old: Path) -> None:
    before = {file: file.read_bytes() for file in old.rglob("*") if file.is_file()}
    found = verify_store(Store(Location(str(old))), everything=True).findings
    assert [str(f) for f in found if f.stage != LEFT or f.remedy is not Remedy.none] == []
    assert {file: file.read_bytes() for file in old.rglob("*") if file.is_file()} == before


def test_the_same_grid_completes_it_and_changes_no_bit(old: Path) -> None:
    before = load(old)
    failures = read_failures(Location(str(old)))
    assert [failure.labels["x"] for failure in failures] == [7.2, 7.3], "the points of the one task that it had"
    assert all("no mark can be made at 7.3" in failure.reason for failure in failures)
    run(grid(document()), old)
    after, tree = values_of(as_kept(old)), load(old)
    for path in complete(before):
        data = values_of(before)[path]
        assert set(after[path].variables) == set(data.variables)
        for name, values in data.variables.items():
            assert_same_values(after[path][name], values, f"{path}/{name}")
    assert read_failures(Location(str(old))) == []
    assert bool(tree["unfinished"]["done"].all())
    assert bool(tree["failed"]["done"].all())
    assert set(tree["unfinished"]["computed_by"].values.ravel()) == {UNKNOWN, 0}, "nobody kept it in those days"


def test_it_grows_and_equals_a_new_store_up_to_the_rounding_of_labels(old: Path, tmp_path: Path) -> None:
    before = load(old)
    run(grid(larger()), old)
    run(grid(larger()), tmp_path / "new.zarr")
    grown, new = load(old), load(tmp_path / "new.zarr")
    assert_kept(before, as_kept(old))
    found, wanted = values_of(grown), values_of(new)
    assert {path for path in found if path.split("/")[1] != LEFT} == wanted.keys()
    for path, data in wanted.items():
        assert_same_up_to_labels(path, found[path], data)
    test_nothing_is_wrong_in_it(old)


def assert_same_up_to_labels(path: str, found: xr.Dataset, wanted: xr.Dataset) -> None:
    assert found.sizes == wanted.sizes, path
    assert set(found.variables) == set(wanted.variables), path
    for name, values in wanted.variables.items():
        where = f"{path}/{name}"
        if values.dtype.kind in "fc":
            np.testing.assert_allclose(found[name], values, rtol=SPACING, atol=SPACING, err_msg=where)
        else:
            np.testing.assert_array_equal(found[name], values, err_msg=where)


def test_a_stage_of_another_version_of_its_kernel_is_kept_apart(old: Path) -> None:
    whole = yaml.safe_load((DATA / "old_grid.yaml").read_text())
    with pytest.raises(SweepError, match=r"(?s)stages\.rbm\.version was 1, is \d.*rename the changed stages"):
        run(grid(whole), old)
