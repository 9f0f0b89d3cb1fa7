"""PyTorch is asked for by name: without it everything else works, and what was computed before keeps its identity."""

from __future__ import annotations

import math
import re
import subprocess
import sys
from pathlib import Path

import pytest

from sweep.errors import SweepError
from sweep.grid.parameters import computed_of
from sweep.grid.resolve import resolve
from sweep.kernels.rbm import RBM, RBMParams
from sweep.kernels.rbm.tracks import track_cost

DATA = {"kernel": "ising", "axes": {"size": [4], "temperature": [2.0]}, "params": {"configurations": 64}}


def grid(stage=(), **params):
    machine = {"kernel": "rbm", "inputs": {"data": "ising"}, "axes": {"size": [4]}, "params": {"hidden": 3, **params}}
    machine |= dict(stage)
    return resolve({"name": "g", "seed": 1, "stages": {"ising": DATA, "rbm": machine}}, "", "g.yaml")


def test_a_training_of_this_package_has_the_identity_that_it_had_before_there_was_another():
    added = {"backend", "device", "precision"}
    assert not added & computed_of(RBMParams(size=3, hidden=2)).keys()
    assert added & computed_of(RBMParams(size=3, hidden=2, backend="torch")).keys() == {"backend"}
    assert grid().stages["rbm"].key_at({"size": 4}) == grid(backend="numpy").stages["rbm"].key_at({"size": 4})


@pytest.mark.parametrize("option", [{"device": "cuda"}, {"precision": "bfloat16"}])
def test_a_device_or_a_precision_is_for_pytorch(option):
    with pytest.raises(ValueError, match="or backend: torch"):
        RBMParams(size=3, hidden=2, **option)


def test_a_training_on_a_gpu_has_one_to_itself_unless_its_stage_says_otherwise(monkeypatch):
    monkeypatch.setattr("sweep.grid.resolve.find_spec", lambda name: name)  # as if PyTorch were installed
    there = {"backend": "torch", "device": "cuda"}
    grids = grid(**there), grid({"gpus": 0.5}, **there), grid({"gpus": 0}, **there), grid(backend="torch")
    assert [one.stages["rbm"].resources.gpus for one in grids] == [1, 0.5, 0, 0]


def test_a_plan_goes_by_what_a_gpu_was_measured_to_take():
    """The table of rates, thousands a second without and with graphs: found were 0.75 to 1.27 times these times."""
    page = Path("benchmarks/README.md").read_text().partition("`backend: torch` on a GPU")[2]
    rows = re.findall(r"^\| (\d+) x (\d+), (\d+) \|(.*)\|$", page, re.MULTILINE)
    recipes = {"preset": "code"}, {"preset": "text"}, {"method": "cd"}, {"method": "pcd"}
    assert len(rows) == 5
    for *numbers, rates in rows:
        visible, hidden, batch = map(int, numbers)
        for recipe, rate in zip(recipes, rates.split("|"), strict=True):
            more = recipe | ({"chains": batch} if recipe == {"method": "pcd"} else {})
            params = RBMParams(
                size=math.isqrt(visible), hidden=hidden, batch=batch, backend="torch", device="cuda", **more
            )
            predicted = (RBM.cost(params) - track_cost(params)) / params.block
            assert 0.7 < predicted / (batch / (1000 * float(rate.split("/")[1]))) < 1.4, (numbers, recipe)


def test_only_a_training_in_pytorch_needs_it():
    assert RBM.requires(RBMParams(size=3, hidden=2)) == ()
    assert RBM.requires(RBMParams(size=3, hidden=2, backend="torch")) == ("torch",)


def test_a_grid_that_needs_pytorch_is_refused_in_one_line_where_there_is_none(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)  # as if it were not installed
    with pytest.raises(SweepError) as caught:
        grid(backend="torch")
    (line,) = str(caught.value).splitlines()
    assert line.startswith("g.yaml: stages.rbm.params: kernel rbm needs the package torch, which is not installed here")


def test_nothing_imports_pytorch_before_it_is_asked_for():
    code = "import sys, sweep.kernels.rbm, sweep.cli, sweep.laws; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
