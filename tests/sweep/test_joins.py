"""How a stage reads another: labels that join, one label selected, and shapes that come with what is read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from launching import load, run

from sweep.errors import SweepError
from sweep.grid.grid import Grid
from sweep.grid.resolve import resolve
from sweep.store.storage import Location
from sweep.store.store import Store
from sweep.verification import verify_store


def grid_of(**stages: dict[str, Any]) -> Grid:
    throw = {"kernel": "toys:THROW", "axes": {"size": [3, 6], "temperature": [0.5, 1.0]}}
    document = {"name": "joins", "seed": 1, "stages": {"throw": throw, **stages}}
    return resolve(document, yaml.safe_dump(document, sort_keys=False), "joins.yaml")


def reversed_of(source: Any, axes: dict[str, Any], **params: Any) -> dict[str, Any]:
    return {"kernel": "toys:REVERSED", "inputs": {"data": source}, "axes": axes, "params": params}


ONE = {"stage": "throw", "select": {"temperature": 0.5}}


def test_a_kernel_is_as_large_as_what_it_reads_at_every_label_and_through_a_chain(tmp_path: Path) -> None:
    grid = grid_of(one=reversed_of(ONE, {"size": [3, 6]}), two=reversed_of("one", {"size": [6, 3]}))
    run(grid, tmp_path / "store")
    tree = load(tmp_path / "store")
    for size in (3, 6):
        assert tree[f"one/size={size}"]["faces"].values.tolist() == list(range(size))[::-1]
        assert tree[f"two/size={size}"]["faces"].values.tolist() == list(range(size))
    assert not verify_store(Store(Location(str(tmp_path / "store"))), everything=True).findings


def test_shapes_name_nothing() -> None:
    stage = grid_of(one=reversed_of(ONE, {"size": [3, 6]})).stages["one"]
    shapes = {stage.params_at(point).sides for point in stage.points()}
    assert shapes == {(3,), (6,)}
    assert len({stage.key_at({"size": 3, "temperature": t}) for t in (0.5, 1.0)}) == 2
    assert "sides" not in stage.key_at({"size": 3})


def test_a_selected_label_stays_whatever_the_axis_of_that_name_says(tmp_path: Path) -> None:
    """As in a stack: layer 2 has its own number of hidden units and reads a layer of another."""
    selected = {"stage": "throw", "select": {"size": 6, "temperature": 1.0}}
    grid = grid_of(one=reversed_of(selected, {"temperature": [7.0, 8.0]}))
    run(grid, tmp_path / "store")
    tree = load(tmp_path / "store")
    assert tree["one"]["faces"].sizes == {"temperature": 2, "side": 6}
    np.testing.assert_array_equal(tree["one"]["faces"].values, np.tile(np.arange(6)[::-1], (2, 1)))
    assert run(grid, tmp_path / "store").complete
    assert not verify_store(Store(Location(str(tmp_path / "store"))), everything=True).findings
    other = {"stage": "throw", "select": {"size": 3, "temperature": 1.0}}
    with pytest.raises(SweepError, match=r"inputs\.data\.labels\.size was \[6\], is \[3\]"):
        run(grid_of(one=reversed_of(other, {"temperature": [7.0, 8.0]})), tmp_path / "store")


def test_an_axis_that_is_not_selected_joins() -> None:
    with pytest.raises(SweepError, match=r"reads temperature 7\.0 of stage 'throw', which nobody makes there"):
        grid_of(one=reversed_of({"stage": "throw", "select": {"size": 6}}, {"temperature": [7.0]}))


def test_a_grid_cannot_say_what_comes_with_the_data() -> None:
    with pytest.raises(SweepError, match=r"params\.sides: comes from the shape of input 'data'; remove it"):
        grid_of(one=reversed_of(ONE, {"size": [3]}, sides=[3]))
    with pytest.raises(SweepError, match=r"axes\.sides: is a parameter of type"):
        grid_of(one=reversed_of(ONE, {"size": [3], "sides": [3]}))


def test_only_the_stage_with_the_mistake_is_blamed_in_a_chain() -> None:
    wrong = reversed_of({"stage": "throw", "select": {"temperature": 9.0}}, {"size": [3]})
    chain = {"one": wrong, "two": reversed_of("one", {"size": [3]}), "three": reversed_of("two", {"size": [3]})}
    with pytest.raises(SweepError) as caught:
        grid_of(**chain)
    (problem,) = caught.value.problems
    assert problem.where.startswith("joins.yaml: stages.one.inputs.data.select.temperature")
