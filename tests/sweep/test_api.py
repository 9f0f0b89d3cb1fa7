"""The front door in Python: every example of a docstring runs, and what a session does with it."""

from __future__ import annotations

import doctest
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import numpy as np
import pytest
import xarray as xr
from launching import grid_with, run
from nbclient import NotebookClient

import sweep
from sweep.kernels.contract import Output
from sweep.kernels.function import kernel
from sweep.laws import check_kernel
from sweep.store.progress import STATES
from sweep.store.storage import Location
from sweep.store.store import Store

PUBLIC = (
    "Grid",
    "plan",
    "launch",
    "open",
    "status",
    "tasks",
    "verify",
    "compare",
    "rerun",
    "report",
)  # a first session
FOR_KERNELS = ("Kernel", "Output", "parameter", "kernel")
TEXT = """
name: first
seed: 1
stages:
  throw: {kernel: "toys:THROW", axes: {size: [3]}}
"""


def test_every_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    finder, runner = doctest.DocTestFinder(recurse=False), doctest.DocTestRunner()
    assert {*PUBLIC, *FOR_KERNELS, "SweepError"} == {*sweep.__all__}
    for name in (*PUBLIC, *FOR_KERNELS):
        (example,) = finder.find(getattr(sweep, name), name)
        assert example.examples, f"sweep.{name} has an example"
        assert not runner.run(example).failed, name


def test_nothing_heavy_is_imported_before_it_is_used() -> None:
    heavy = ("ray", "numba", "numpy", "xarray", "zarr", "pandas", "matplotlib", "rich", "pydantic")
    code = (
        f"import sys, sweep; dir(sweep); sweep.__version__; print(*[name for name in {heavy} if name in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout == b"\n"
    assert set(dir(sweep)) == {*sweep.__all__, "__version__"}
    with pytest.raises(AttributeError, match="lanch"):
        _ = sweep.lanch


def test_a_look_at_a_store_waits_for_neither_compiler_nor_figures() -> None:
    heavy = ("ray", "numba", "scipy", "xarray", "matplotlib", "sweep.verification")
    code = f"import sys, sweep.api.stores, sweep.cli.lines; print(*[name for name in {heavy} if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout == b"\n"


def test_a_grid_is_the_same_from_a_file_a_text_and_a_mapping(tmp_path: Path) -> None:
    file = tmp_path / "first.yaml"
    file.write_text(TEXT)
    mapping = {"name": "first", "seed": 1, "stages": {"throw": {"kernel": "toys:THROW", "axes": {"size": [3]}}}}
    grids = [sweep.Grid(source) for source in (file, str(file), TEXT, mapping)]
    assert {str(grid.stages["throw"].key_at({"size": 3})) for grid in grids} == {
        grids[0].stages["throw"].key_at({"size": 3})
    }
    changed = sweep.Grid(grids[0], {"stages.throw.axes.size": [3, 6]})
    assert changed.stages["throw"].axes["size"] == (3, 6)
    assert sweep.Grid(changed.text).stages["throw"].axes["size"] == (3, 6)
    assert mapping["stages"]["throw"]["axes"] == {"size": [3]}, "what was given is as it was"
    for wrong, words in (({"name": "x"}, "the grid: seed: missing"), (7, "found int; wanted a file"), ("nix", "nix")):
        with pytest.raises(sweep.SweepError, match=words):
            sweep.Grid(wrong)


def test_what_is_begun_and_not_done_reads_as_missing(tmp_path: Path) -> None:
    """Blocks of a point that was interrupted are in the store, to go on from; no reader is to take them as results."""
    place = tmp_path / "toy.zarr"
    assert run(grid_with(), place).complete
    store = Store(Location(str(place)))
    progress = store.progress("walk")
    done = progress.done.copy()
    done[0, 1] = False
    store.set_progress("walk", done, progress.blocks)
    tree, raw = sweep.open(place), xr.open_datatree(place, engine="zarr")
    looked_at = 0
    for node in tree["walk"].subtree:
        for name, values in node.dataset.data_vars.items():
            if "realisation" in values.dims and name not in STATES:
                other = raw[node.path].dataset[name]
                half = {"size": 3, "realisation": 1} if "size" in values.dims else {"realisation": 1}
                if values.coords["size"].dims or values["size"] == 3:
                    assert values.sel(half).isnull().all(), f"{node.path}/{name}"
                    looked_at += 1
                xr.testing.assert_equal(values.sel(realisation=[0, 2]), other.sel(realisation=[0, 2]))
    assert looked_at >= 2
    xr.testing.assert_identical(tree["throw"].to_dataset(), raw["throw"].to_dataset())
    later = sweep.open(place)["walk"]["distance"]
    shutil.rmtree(place / "walk/distance/c")
    assert later.isnull().all(), "read when it is used, and not when the store is opened"


def test_what_comes_back_is_a_table_where_it_is_printed(tmp_path: Path) -> None:
    """Also where Rich would draw for itself: in a notebook, or in colours for a terminal."""
    place = tmp_path / "toy.zarr"
    todo = sweep.plan(grid_with(), str(place))
    run(grid_with(), place)
    status = sweep.status(place)
    for shown, words in ((todo, "points left"), (status, "at work now: nobody")):
        assert "\x1b" not in str(shown)
        for text in (str(shown), shown._repr_html_()):
            assert words in " ".join(text.split()), "wherever a long path has broken the line"


def test_one_point_again(tmp_path: Path) -> None:
    place = tmp_path / "toy.zarr"
    run(grid_with(), place)
    again = sweep.rerun(place, "walk", {"size": 3, "realisation": 1})
    stored = sweep.open(place)["walk"].dataset.sel(size=3, realisation=1)
    assert set(again.same.values()) == {True}
    np.testing.assert_array_equal(again.outputs["distance"], stored["distance"])
    (chunk,) = (place / "walk/mean/c/0").glob("0")
    chunk.write_bytes((place / "walk/mean/c/1/0").read_bytes())
    assert sweep.rerun(place, "walk", {"size": 3, "realisation": 1}).same["mean"] is False
    for stage, at, words in (
        ("wolk", {}, "did you mean 'walk'"),
        ("walk", {"size": 3}, "realisation: has 3 labels, 0 to 2; say which"),
        ("walk", {"size": 4, "realisation": 0}, "size: found 4; there are 3, 6"),
        ("walk", {"size": "crit", "realisation": 0}, "size: found 'crit'; there are 3, 6"),
        ("walk", {"sise": 3}, "sise: no such axis; did you mean 'size'"),
    ):
        with pytest.raises(sweep.SweepError, match=words):
            sweep.rerun(place, stage, at)


def numbers_of(samples: int, **_: object) -> dict[str, Output]:
    return {"mean": Output((), (), "float64"), "all": Output(("n",), (samples,), "float64")}


@kernel(outputs=numbers_of, example={"width": 2.0})
def average(width: float, samples: int = 8, loud: bool = False, *, rng):  # type: ignore[no-untyped-def]
    """The average of some numbers."""
    numbers = rng.normal(0, width, samples)
    return {"mean": numbers.mean(), "all": numbers}


def test_a_function_is_a_kernel_that_keeps_every_law() -> None:
    assert all(result.holds for result in check_kernel(average))
    assert average.description == "The average of some numbers."
    assert average(2.0, 3, rng=np.random.default_rng(1))["all"].shape == (3,)
    with pytest.raises(TypeError, match=r"takes \*more; wanted arguments with names"):
        kernel(outputs={})(lambda *more: {})
    with pytest.raises(TypeError, match=r"x is .*list.*; wanted bool, int, float, str"):

        @kernel(outputs={})
        def wrong(x: list[int]) -> None: ...


CELLS = [
    """
import numpy as np, ray, sweep, warnings
ray.init(num_cpus=1, include_dashboard=False, log_to_driver=False, configure_logging=False)
@sweep.kernel(outputs={"magnetization": sweep.Output(("sample",), (100,), "float64")})
def paramagnet(temperature, field=1.0, *, rng):
    up = 1 / (1 + np.exp(-2 * field / temperature))
    return np.where(rng.random((100, 64)) < up, 1, -1).mean(1)
grid = {"name": "para", "seed": 1, "stages": {"p": {"kernel": paramagnet, "axes": {"temperature": [1.0, 2.0, 4.0]}}}}
""",
    "sweep.plan(grid)",
    "assert sweep.launch(grid).complete",
    "assert ray.is_initialized(), 'it was up before'; ray.shutdown()",
    "mean = sweep.open('runs/para.zarr')['p']['magnetization'].mean('sample'); np.tanh(1 / mean.temperature) - mean",
]


def test_a_notebook_launches_a_function_on_the_ray_that_is_up_and_shows_progress(tmp_path: Path) -> None:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in CELLS])
    NotebookClient(
        notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    ).execute()
    (todo,) = notebook.cells[1].outputs
    assert "3 points left" in todo["data"]["text/html"]
    (table,) = notebook.cells[2].outputs
    assert table.output_type == "display_data"
    assert "3 of 3 points" in table["data"]["text/html"]
    place = xr.open_datatree(tmp_path / "runs/para.zarr", engine="zarr")["p"]
    difference = place["magnetization"].mean("sample") - np.tanh(1 / place["temperature"])
    # 6400 spins of variance 1 - tanh^2 at most: 5 standard errors, one false alarm in a million; a sign or a factor of
    # two in the field would be 10 of them and more
    assert (abs(difference) < 5 * np.sqrt((1 - np.tanh(1 / place["temperature"]) ** 2) / 6400)).all()
