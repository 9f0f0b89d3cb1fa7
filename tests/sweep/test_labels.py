"""Labels, keys and random streams: what must never change, and one temperature followed all the way."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from launching import grid_with, load, run

from sweep.grid.axes import CRITICAL_TEMPERATURE, canonical, expand
from sweep.grid.identity import point_key, stream
from sweep.planning.plan import make_plan


def test_forms_of_an_axis() -> None:
    assert expand({"start": 0.0, "stop": 0.3, "step": 0.1}) == (0.0, 0.1, 0.2, 3 * 0.1)
    assert expand({"linspace": [0, 1, 5]}) == (0.0, 0.25, 0.5, 0.75, 1.0)
    assert expand({"count": 3}) == expand(3) == expand({"count": 3e0}) == (0, 1, 2)
    assert expand(["code", "text"]) == ("code", "text")
    assert expand(["critical", 2.3]) == (2 / np.log1p(np.sqrt(2)), 2.3) == (2.269185314213022, 2.3)
    assert expand("critical") == (CRITICAL_TEMPERATURE,)
    assert expand([2, "critical", 3]) == (2.0, CRITICAL_TEMPERATURE, 3.0)
    assert expand(["critical", "other"]) == expand(["critical", "other"], str) == ("critical", "other")


@pytest.mark.parametrize(
    ("first", "last", "count"), [(2.0, 2.5, 7), (0, 5.9, 60), (-1e-3, 1e7, 101), (0.1, 0.1, 1), (3.0, 1.0, 11)]
)
def test_evenly_spaced_values_are_those_of_numpy_to_the_bit(first: float, last: float, count: int) -> None:
    found = expand({"linspace": [first, last, count]})
    assert np.asarray(found).tobytes() == np.linspace(first, last, count).tobytes()


@pytest.mark.parametrize(("start", "step", "last"), [(0.0, 0.1, 59), (2.0, 0.05, 9), (-1.0, 1 / 3, 30), (1e6, 0.1, 9)])
def test_a_range_is_what_it_says_to_the_bit(start: float, step: float, last: int) -> None:
    found = expand({"start": start, "stop": start + last * step, "step": step})
    assert np.asarray(found).tobytes() == (start + np.arange(last + 1) * step).tobytes()


def test_the_same_label_by_any_road_is_the_same_canonical_form() -> None:
    roads: list[Any] = [
        {"start": 0.0, "stop": 5.9, "step": 0.1},
        {"linspace": [0.0, 5.9, 60]},
        [float(x) for x in np.arange(60) / 10],
    ]
    assert len({canonical(expand(road)) for road in roads}) == 1
    assert str(canonical(-0.0)) == "0.0"


def test_keys_and_streams_are_pinned() -> None:
    """Results in stores that exist depend on these values; a change of them is a change of every result."""
    key = point_key("ising", "ising", {"size": 10, "temperature": 2.3}, {"size": 10, "temperature": 2.3})
    assert key == "f7514fcba30f306afc846be84db367ff"
    draws = [int(stream(7, key, block).integers(2**63)) for block in (None, 0, 1)]
    assert draws == [1169116903812423078, 6118757183494664158, 7528737562745574773]


def test_streams_differ_by_seed_point_stage_and_block() -> None:
    keys = [point_key(stage, "k", {"t": t}, {"t": t}) for stage in "ab" for t in (1.0, 2.0)]
    draws = {int(stream(s, k, b).integers(2**63)) for s in (1, 2) for k in keys for b in (None, 0, 1)}
    assert len(draws) == 2 * 4 * 3


def test_extents_are_no_part_of_a_key() -> None:
    point = {"size": 3, "temperature": 0.5}
    short, long = (grid_with(throw__params={"throws": n}).stages["throw"] for n in (4, 400))
    assert short.key_at(point) == long.key_at(point)


def test_one_temperature_from_the_file_to_its_place_in_the_store(tmp_path: Path) -> None:
    """0.75 of the file is 0.75 of the axis, of the key and stream, and of the coordinate beside the value."""
    grid = grid_with()
    stage, point = grid.stages["throw"], {"size": 6, "temperature": 0.75}
    assert 0.75 in stage.axes["temperature"]
    kernel, params, key = stage.kernel, stage.params_at(point), stage.key_at(point)
    assert params.temperature == 0.75
    blocks = [kernel.advance(params, (), stream(grid.seed, key, block), {})[1]["energy"] for block in range(3)]
    run(grid, tmp_path / "toy.zarr")
    stored = load(tmp_path / "toy.zarr")["throw"].to_dataset()["energy"].sel(size=6, temperature=0.75)
    np.testing.assert_array_equal(stored, np.concatenate(blocks)[:10])
    assert (stored.attrs["units"], stored.attrs["reduced_units"]) == ("1", "J")
    assert stored["temperature"].attrs["reduced_units"] == "J/k_B"


def test_dataset_as_xarray_opens_it(tmp_path: Path) -> None:
    run(grid_with(), tmp_path / "toy.zarr")
    with xr.open_datatree(str(tmp_path / "toy.zarr")) as tree:
        assert tree["throw"]["energy"].dims == ("size", "temperature", "replica")
        assert tree["throw/size=6"]["faces"].dims == ("temperature", "side")
        assert int(tree["throw/size=6"]["size"]) == 6
        assert tree["walk/size=3"]["position"].dims == ("realisation", "dimension")
        assert bool(tree["walk"]["done"].all())
        assert tree.attrs["seed"] == 7
        assert "toys:THROW" in tree.attrs["grid"]
        assert tree["throw"].attrs["kernel"] == "throw"


@pytest.mark.parametrize("size", [[3], [3, 6], [6, 3, 4]])
def test_one_size_is_laid_out_as_many(size: list[int]) -> None:
    plan = make_plan(grid_with(throw__axes__size=size, walk__axes__size=size))
    nodes = {variable.node for variable in plan.stages["throw"].variables}
    assert nodes == {"throw", *(f"throw/size={label}" for label in size)}
