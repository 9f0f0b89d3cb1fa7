"""Layers in whole launches: the same bits with any number of workers, and when data get longer under the layers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from launching import assert_same, load, run

import sweep.run.work
from sweep.errors import SweepError
from sweep.grid.grid import Grid, Stage
from sweep.grid.resolve import resolve
from sweep.run.driver import launch
from sweep.run.executors.ray import RayExecutor
from sweep.store.storage import Location
from sweep.store.store import Store
from sweep.verification import verify_store

AXES = {"size": [8], "temperature": [2.3]}
MAJORITY = {"kernel": "block_spin", "axes": AXES, "params": {"rule": "majority"}}
LAYERS = {"half": {**MAJORITY, "inputs": {"data": "ising"}}, "quarter": {**MAJORITY, "inputs": {"data": "half"}}}
READERS = {
    "rbm": {"kernel": "rbm", "inputs": {"data": "half"}, "axes": {"size": [8]}, "params": {"hidden": 4, "steps": 1000}},
    "correlation": {"kernel": "layer_correlation", "inputs": {"data": "ising", "layer": "half"}, "axes": AXES},
}


POINTS = {**AXES, "snapshot": [0, 10], "realisation": 3}
STACK = {
    "machine": {
        "kernel": "rbm",
        "inputs": {"data": "ising"},
        "axes": {"size": [8], "realisation": 3},
        "params": {"hidden": 16, "steps": 20, "block": 10, "snapshots": [0, 10]},
    },
    "start": {
        "kernel": "rbm_snapshot",
        "inputs": {"machine": "machine"},
        "axes": {"size": [8], "snapshot": [0, 10], "realisation": 3},
    },
    "encoded": {"kernel": "encode", "inputs": {"machine": "start", "data": "ising"}, "axes": POINTS},
    "known": {"kernel": "layer_correlation", "inputs": {"data": "ising", "layer": "encoded"}, "axes": POINTS},
    "noise": {"kernel": "panel", "axes": {"size": [8], "realisation": 3}, "params": {"pattern": "white_noise"}},
}


def grid_of(configurations: int, **more: Any) -> Grid:
    ising = {"kernel": "ising", "axes": AXES, "params": {"configurations": configurations}}
    document = {"name": "layers", "seed": 5, "stages": {"ising": ising, **LAYERS, **more}}
    return resolve(document, yaml.safe_dump(document, sort_keys=False), "layers.yaml")


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """Return a list that grows by the stage and number of every block that is computed."""
    done: list[tuple[str, int]] = []
    undisturbed = sweep.run.work.run_blocks

    def watched(seed: int, stage: Stage, *rest: Any) -> Iterator[Any]:
        for number, *results in undisturbed(seed, stage, *rest):
            done.append((stage.name, number))
            yield number, *results

    monkeypatch.setattr(sweep.run.work, "run_blocks", watched)
    return done


@pytest.mark.slow
def test_two_workers_make_what_one_makes(tmp_path: Path) -> None:
    run(grid_of(2500, **STACK), tmp_path / "inline.zarr")
    run(grid_of(2500, **STACK), tmp_path / "ray.zarr", lambda: RayExecutor(2))
    assert_same(load(tmp_path / "ray.zarr"), load(tmp_path / "inline.zarr"))


def test_a_stack_is_the_same_when_it_is_made_again(tmp_path: Path) -> None:
    run(grid_of(300, **STACK), tmp_path / "stack.zarr")
    assert not verify_store(Store(Location(str(tmp_path / "stack.zarr"))), everything=True).findings


@pytest.mark.parametrize(("before", "after", "first"), [(4000, 6000, 2), (2500, 2900, 0), (2500, 4100, 0)])
def test_layers_follow_their_data(
    before: int, after: int, first: int, tmp_path: Path, computed: list[tuple[str, int]]
) -> None:
    """A block of 2000 that was cut is made again, and with it those before: of a cut block no state is kept."""
    run(grid_of(before), tmp_path / "grown.zarr")
    computed.clear()
    run(grid_of(after), tmp_path / "grown.zarr")
    for name in LAYERS:
        assert [number for stage, number in computed if stage == name] == list(range(first, -(-after // 2000)))
    assert not verify_store(Store(Location(str(tmp_path / "grown.zarr"))), everything=True).findings
    run(grid_of(before), tmp_path / "grown.zarr")  # the former grid asks for less than there is
    run(grid_of(after), tmp_path / "fresh.zarr")
    assert_same(load(tmp_path / "grown.zarr"), load(tmp_path / "fresh.zarr"))


@pytest.mark.parametrize("reader", READERS)
def test_what_was_made_of_all_the_data_does_not_follow(reader: str, tmp_path: Path) -> None:
    run(grid_of(300, **{reader: READERS[reader]}), tmp_path / "layers.zarr")
    with pytest.raises(SweepError, match=rf"stages\.{reader}\.inputs\.data\.extents.*configurations was 300, is 400"):
        launch(grid_of(400, **{reader: READERS[reader]}), str(tmp_path / "layers.zarr"))
    run(grid_of(300, **READERS), tmp_path / "layers.zarr")
