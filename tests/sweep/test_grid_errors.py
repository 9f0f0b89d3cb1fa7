"""What a user who errs sees: where, what was found, what was wanted; all mistakes at once; nothing written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from launching import GRID, grid_with, run

from sweep.errors import SweepError
from sweep.grid.axes import CRITICAL_TEMPERATURE
from sweep.grid.load import load_grid
from sweep.run.driver import inline, launch
from sweep.run.executors.ray import RayExecutor
from sweep.store.lease import Lease
from sweep.store.storage import Location

CASES: dict[str, tuple[dict[str, Any], str]] = {
    "kernel": ({"throw__kernel": "isng"}, "stages.throw.kernel: no kernel 'isng'; did you mean 'ising'?"),
    "name in module": ({"throw__kernel": "toys:THROV"}, "module 'toys' has no 'THROV'; did you mean 'THROW'?"),
    "module": ({"throw__kernel": "tois:THROW"}, "cannot import 'tois'"),
    "no kernel there": ({"throw__kernel": "toys:np"}, "toys:np is a module; wanted a Kernel"),
    "stage": ({"walk__inputs": {"data": "thro"}}, "stages.walk.inputs.data: no stage 'thro'; did you mean 'throw'?"),
    "axis": ({"throw__axes": {"size": [3], "tmperature": [1]}}, "stages.throw.axes.tmperature: is no parameter"),
    "parameter": ({"throw__params": {"throw": 3}}, "stages.throw.params.throw: no such parameter of kernel throw"),
    "closest parameter": ({"throw__params": {"throw": 3}}, "did you mean 'throws'?"),
    "input": (
        {"walk__inputs": {"dta": "throw"}},
        "stages.walk.inputs.dta: kernel walk has no such input; did you mean",
    ),
    "input missing": ({"walk__inputs": {}}, "stages.walk.inputs: kernel walk reads 'data'"),
    "type": (
        {"throw__params": {"throws": "many"}},
        "stages.throw.params.throws: found 'many' (a word); wanted a whole",
    ),
    "whole number": ({"throw__params": {"throws": 2.5}}, "found 2.5 (a number); wanted a whole number"),
    "bounds": ({"throw__params": {"throws": 0}}, "stages.throw.params.throws: found 0; wanted >= 1"),
    "bounds with units": ({"throw__axes__temperature": [-1.0]}, "axes.temperature: found -1.0; wanted >= 0 J/k_B"),
    "step": (
        {"throw__axes__temperature": {"start": 0.0, "stop": 1.0, "step": 0.3}},
        "step 0.3 does not divide the range 0.0 to 1.0: it ends at 0.9",
    ),
    "duplicate": ({"throw__axes__temperature": [1.0, 2, 1.0]}, "axes.temperature: the value 1.0 is there 2 times"),
    "equal when canonical": ({"throw__axes__temperature": [0.3, 0.1 + 0.2]}, "0.3 and 0.30000000000000004 agree to 12"),
    "nobody makes": (
        {"walk__axes__size": [3, 5]},
        "stages.walk.axes.size: reads size 5 of stage 'throw', which nobody",
    ),
    "select": (
        {"walk__inputs": {"data": {"stage": "throw", "select": {"temperature": 9.0}}}},
        "inputs.data.select.temperature: reads temperature 9.0 of stage 'throw', which nobody makes",
    ),
    "required": ({"throw__axes": {"temperature": [1.0]}}, "stages.throw.params: kernel throw needs 'size'"),
    "twice": ({"throw__params": {"throws": 4, "size": 3}}, "stages.throw.params.size: is an axis of this stage too"),
    "unknown key": ({"throw__kernal": "x"}, "stages.throw.kernal: unknown key; did you mean 'kernel'?"),
    "cpus": ({"throw__cpus": 0}, "stages.throw.cpus: found 0; wanted a whole number, 1 or more"),
    "gpus": ({"throw__gpus": -1}, "stages.throw.gpus: found -1; wanted a whole number, 0 or more, or a part of one"),
    "gpus in parts": ({"throw__gpus": 1.5}, "stages.throw.gpus: found 1.5; wanted a whole number, 0 or more, or a"),
    "gpus of a kernel": (
        {"walk__kernel": "toys:NEEDS_GPUS_IN_PARTS"},
        "stages.walk.params: found 1.5 as gpus of kernel walk; wanted a whole number, 0 or more, or a part of one",
    ),
    "memory": ({"throw__memory": "2 gigs"}, "stages.throw.memory: found '2 gigs'; wanted bytes, such as 2GiB or 500MB"),
    "seconds": ({"throw__seconds": 0}, "stages.throw.seconds: found 0; wanted seconds, more than 0"),
    "no memory": ({"throw__memory": 0}, "stages.throw.memory: found 0; wanted bytes, such as 2GiB or 500MB"),
    "a resource with a key of its own": (
        {"throw__resources": {"GPU": 1}},
        "stages.throw.resources: found a mapping; GPU has a key of its own: wanted gpus, in the stage",
    ),
    "a resource in parts": (
        {"throw__resources": {"licence": 1.5}},
        "stages.throw.resources: found a mapping; wanted names with amounts: whole numbers, or a part of one",
    ),
    "an extra": (
        {"walk__kernel": "toys:NEEDS_MORE"},
        "stages.walk.params: kernel walk needs the package no_such_package, which is not installed here; `pip install",
    ),
    "seed": ({"seed": "lucky"}, "seed: found 'lucky'"),
    "top key": ({"sead": 3}, "sead: unknown key; did you mean 'seed'?"),
    "empty axis": ({"throw__axes__temperature": []}, "axes.temperature: found []; wanted a list"),
    "linspace": (
        {"throw__axes__temperature": {"linspace": [0, 1]}},
        "temperature: found linspace: [0, 1]; wanted",
    ),
    "a list for a mapping": ({"throw__params": [1]}, "stages.throw.params: found a list; wanted a mapping"),
    "a list for a number": ({"throw__axes__temperature": [[1]]}, "axes.temperature: found a list; wanted a number"),
    "a number for a word": ({"throw__kernel": 3}, "stages.throw.kernel: found 3; wanted a word"),
    "a number as a key": ({"throw__params": {3: 1}}, "found 3; wanted a word as a key"),
    "points": (
        {"walk__axes": {"size": [3], "realisation": {"count": 1e6}, "seconds": {"linspace": [0, 1, 90]}}},
        "stages.walk.axes: found 9e+07 points; wanted 10000000 at most",
    ),
    "a name that would break the line": (
        {"throw__axes": {"size": [3], "a\nb\x1b[31m": [1]}},
        "stages.throw.axes.a\\nb\\x1b[31m: is no parameter",
    ),
}


@pytest.mark.parametrize("case", list(CASES))
def test_mistake_is_told_with_its_place(case: str) -> None:
    changes, wanted = CASES[case]
    with pytest.raises(SweepError) as caught:
        grid_with(**changes)
    text = str(caught.value)
    assert wanted in text
    assert all(line.startswith("toy.yaml: ") for line in text.splitlines())
    assert len(text.splitlines()) <= 2


def test_all_mistakes_at_once() -> None:
    with pytest.raises(SweepError) as caught:
        grid_with(
            sead=3, throw__params={"throws": 0, "trows": 1}, walk__axes={"size": [3, 9]}, walk__kernal=1, throw__cpus=0
        )
    places = [line.split(": ")[1] for line in str(caught.value).splitlines()]
    assert set(places) == {
        "sead",
        "stages.throw.cpus",
        "stages.walk.kernal",
        "stages.throw.params.throws",
        "stages.throw.params.trows",
    }


def test_a_mistake_is_told_once_and_not_of_the_stages_that_read() -> None:
    with pytest.raises(SweepError) as caught:
        grid_with(throw__axes={"size": [3, 6], "temperature": [1.0, "a"]}, walk__axes={"size": [3, 6]})
    assert str(caught.value) == "toy.yaml: stages.throw.axes.temperature: found 'a' (a word); wanted a number"


def test_many_and_long_mistakes_fit_on_a_screen() -> None:
    with pytest.raises(SweepError) as caught:
        grid_with(throw__params={f"n{i}" + "o" * 5000: 1 for i in range(300)})
    *lines, last = str(caught.value).splitlines()
    assert len(lines) == 50
    assert last == "... and 250 mistakes more"
    assert max(map(len, lines)) < 1100


def test_inputs_in_a_circle() -> None:
    with pytest.raises(SweepError, match=r"toy.yaml: stages: inputs run in a circle: .*walk.*cut it somewhere"):
        grid_with(throw__kernel="toys:WALK", throw__inputs={"data": "walk"})


def test_file_that_is_no_grid(tmp_path: Path) -> None:
    path = tmp_path / "grid.yaml"
    with pytest.raises(SweepError, match="cannot read the grid file: No such file"):
        load_grid(path)
    path.write_text("name: toy\nstages:\n  a: [1, 2\n  b: 3\n")
    with pytest.raises(SweepError, match=r"grid\.yaml:4: not valid YAML"):
        load_grid(path)
    path.write_text("name: toy\nname: toy2\n")
    with pytest.raises(SweepError, match=r"grid\.yaml:2: not valid YAML: the key 'name' is written twice"):
        load_grid(path)
    path.write_text("- 1\n")
    with pytest.raises(SweepError, match="found a list; wanted a mapping"):
        load_grid(path)


def test_overrides(tmp_path: Path) -> None:
    path = tmp_path / "grid.yaml"
    path.write_text(yaml.safe_dump(GRID))
    grid = load_grid(path, ["stages.throw.params.throws=3", "stages.throw.axes.temperature=[critical, 1e-1]", "seed=8"])
    assert grid.seed == 8
    assert grid.stages["throw"].params["throws"] == 3
    assert grid.stages["throw"].axes["temperature"] == (CRITICAL_TEMPERATURE, 0.1)
    with pytest.raises(SweepError, match="--set seed: wanted KEY=VALUE"):
        load_grid(path, ["seed"])
    with pytest.raises(SweepError, match=r"--set seed\.x=1: 'seed' holds 7"):
        load_grid(path, ["seed.x=1"])


def test_store_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("dear")
    with pytest.raises(SweepError, match=r"is not a store of this program \(it holds 'thesis.txt'\); choose another"):
        launch(grid_with(), str(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_path_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SweepError, match="is a file; wanted a folder"):
        launch(grid_with(), str(tmp_path / "file" / "toy.zarr"))
    with pytest.raises(SweepError, match=r"cannot write|no room"):
        launch(grid_with(), "/proc/toy.zarr")
    with pytest.raises(SweepError, match="cannot open this URL"):
        launch(grid_with(), "gopher://toy.zarr")


def test_no_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda path: type("Usage", (), {"free": 1000}))
    with pytest.raises(SweepError, match=r"no room: the plan needs up to .* has 1e\+03 B free|has 1 kB free"):
        launch(grid_with(), str(tmp_path / "toy.zarr"))
    assert not list(tmp_path.iterdir())


def test_unreachable_cluster(tmp_path: Path) -> None:
    with pytest.raises(SweepError, match=r"--address 127\.0\.0\.1:1: no Ray cluster answers there"):
        launch(grid_with(), str(tmp_path / "t.zarr"), lambda: RayExecutor(address="127.0.0.1:1"))
    assert not list(tmp_path.iterdir())


def test_second_launcher_is_told_who_holds_the_store(tmp_path: Path) -> None:
    place = str(tmp_path / "toy.zarr")
    run(grid_with(), place)
    with (
        Lease(Location(place), {}),
        pytest.raises(SweepError, match=r"another launch is writing here \(.* process \d+\)"),
    ):
        launch(grid_with(), place, inline)
    run(grid_with(), place)
