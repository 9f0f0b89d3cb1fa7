"""Two stores held against each other: the same bits, other bits, other numbers, other grids."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
import zarr
from launching import grid_with, run
from typer.testing import CliRunner

import sweep
from sweep.analysis.estimators.comparison import Compared, compare_trees
from sweep.cli.commands import app

PAIRS, MEANS, COPIES = 100, 20, 4


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    where = tmp_path_factory.mktemp("compare") / "a.zarr"
    run(grid_with(), where)
    return where


def tree_of(values: np.ndarray, **params: int) -> xr.DataTree:
    data = xr.Dataset(
        {"energy": (("x", "replica", "step")[: values.ndim], values), "done": ("x", np.ones(len(values), bool))},
        {"x": np.arange(len(values))},
        {"kernel": "k", "params": json.dumps(params)},
    )
    return xr.DataTree.from_dict({"/s": data})


def of(first: np.ndarray, second: np.ndarray) -> tuple[Compared, bool]:
    found = compare_trees(tree_of(first), tree_of(second))
    return found.stages["s"].variables["energy"], bool(found.differing)


def track(rng: np.random.Generator, shift: float = 0.0) -> np.ndarray:
    return rng.normal(shift, 1.0, (1, COPIES, MEANS))


def test_other_random_numbers_are_no_difference_and_another_mean_is() -> None:
    """False alarm: 0.001 for each of 100 pairs, 0.1 expected; more than 2 has p < 2e-4 (fixed seed).

    Power: a shift of all 20 means of 4 copies by eight standard errors of a difference is found nine times in ten. The
    chances of pairs without one are uniform: Kolmogorov's distance stays under 1.95/sqrt(100), p = 0.001, where the
    normal distribution in place of Student's gives 0.43.
    """
    rng = np.random.default_rng(1)
    same = [of(track(rng), track(rng)) for _ in range(PAIRS)]
    assert sum(differing for _, differing in same) <= 2
    chances = np.sort([found.chance for found, _ in same])
    assert np.abs(chances - (np.arange(PAIRS) + 0.5) / PAIRS).max() < 1.95 / np.sqrt(PAIRS)
    shift = 8 * np.sqrt(2 / COPIES)
    assert sum(of(track(rng), track(rng, shift))[1] for _ in range(PAIRS // 2)) > 0.9 * PAIRS // 2


def test_bits_count_where_numbers_are_equal() -> None:
    zero, other = np.zeros((2, 3)), np.zeros((2, 3))
    other[1, 2] = -0.0
    found, differing = of(zero, other)
    assert (found.points, found.other, found.means, differing) == (2, 1, 0, False)
    both_missing = np.full((2, 3), np.nan)
    assert of(both_missing, both_missing.copy())[0].other == 0
    assert of(zero, zero + 1)[1], "copies that do not scatter and are not the same"
    assert of(zero, np.zeros((2, 5)))[0] == Compared(2, 0, False, 0, pytest.approx(np.nan, nan_ok=True), 1.0)


def test_what_both_have_is_compared_and_the_rest_is_named(place: Path, tmp_path: Path) -> None:
    other = tmp_path / "b.zarr"
    run(grid_with(throw__axes__size=[6, 9], walk__axes__size=[6], walk__axes__realisation=2), other)
    found = sweep.compare(place, other)
    assert not found.identical
    assert not found.differing
    throw, walk = found.stages["throw"], found.stages["walk"]
    assert (throw.both, throw.only_first, throw.only_second) == (9, 9, 9)
    assert (walk.both, walk.only_first, walk.only_second) == (2, 4, 0)
    assert {"size only in the first: 3", "size only in the second: 9"} <= set(throw.notes)
    assert {variable.other for stage in found.stages.values() for variable in stage.variables.values()} == {0}


def test_the_command_tells_three_cases_apart(place: Path, tmp_path: Path) -> None:
    invoke = CliRunner().invoke
    same = invoke(app, ["compare", str(place), str(place)])
    assert (same.exit_code, same.output.splitlines()[-1]) == (0, "Identical: the same points, the same bits.")
    seed = tmp_path / "seed.zarr"
    run(grid_with(seed=8), seed)
    other = invoke(app, ["compare", str(place), str(seed)])
    assert other.exit_code == 3, other.output
    assert "no mean differs by more than chance" in other.output
    assert "reads other bits (throw)" in other.output, (
        "walks of one store read the same throws, so they scatter too little"
    )
    energy = zarr.open_group(str(seed), mode="r+")["throw/energy"]
    assert isinstance(energy, zarr.Array)
    energy[...] = np.asarray(energy[...]) + 100.0
    shifted = invoke(app, ["compare", str(place), str(seed), "--json"])
    document = json.loads(shifted.output)
    assert (shifted.exit_code, document["differing"]) == (1, [["throw", "energy"]])
    assert document["stages"]["throw"]["variables"]["energy"]["means"] == 18
