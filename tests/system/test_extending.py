"""An edited grid on an existing store computes only what is new and leaves every old bit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from launching import assert_same, grid_with, load, points_done, run

from sweep.errors import SweepError
from sweep.run.driver import launch
from sweep.run.events import Event
from sweep.store.checkpoint import unpack
from sweep.store.storage import Location
from sweep.store.store import Store
from sweep.verification import verify_store


def throw(**changes: Any) -> dict[str, Any]:
    """Return the stages of a grid with one stage."""
    axes = {"size": [3, 6], "temperature": [0.0, 0.5, 1.0]}
    return {"stages": {"throw": {"kernel": "toys:THROW", "axes": axes, "params": {"throws": 10}} | changes}}


CASES = {
    "a temperature between old ones": (throw(axes={"size": [3, 6], "temperature": [0.0, 0.25, 0.5, 1.0]}), 2),
    "another size": (throw(axes={"size": [3, 4, 6], "temperature": [0.0, 0.5, 1.0]}), 3),
    "more throws, the last block was cut": (throw(params={"throws": 14}), 6),
    "all at once": (throw(axes={"size": [6, 3, 4], "temperature": [1.0, 0.25, 0.5, 0.0]}, params={"throws": 23}), 12),
}


@pytest.mark.parametrize("case", list(CASES))
def test_extension_equals_a_fresh_run_and_computes_only_what_is_new(case: str, tmp_path: Path) -> None:
    larger, new_points = CASES[case]
    run(grid_with(**throw()), tmp_path / "grown.zarr")
    before = load(tmp_path / "grown.zarr")
    events: list[Event] = []
    run(grid_with(**larger), tmp_path / "grown.zarr", listener=events.append)
    assert points_done(events) == new_points
    run(grid_with(**larger), tmp_path / "fresh.zarr")
    after = load(tmp_path / "grown.zarr")
    assert_same(after, load(tmp_path / "fresh.zarr"))
    old, new = before["throw"].to_dataset(), after["throw"].to_dataset()
    kept = new["energy"].sel(size=old["size"], temperature=old["temperature"]).isel(replica=slice(10))
    xr.testing.assert_identical(kept.drop_attrs(), old["energy"].drop_attrs())


def walk(**changes: Any) -> dict[str, Any]:
    stage = {"kernel": "toys:WALK", "axes": {"size": [3], "realisation": 2}, "inputs": {"data": "throw"}}
    return {"stages": {**throw()["stages"], "walk": {**stage, "params": {"steps": 4}} | changes}}


def test_longer_training_goes_on_from_its_checkpoint(tmp_path: Path) -> None:
    run(grid_with(**walk()), tmp_path / "grown.zarr")
    before = load(tmp_path / "grown.zarr")["walk"].to_dataset()
    longer = walk(params={"steps": 9}, axes={"size": [3], "realisation": 3})
    events: list[Event] = []
    run(grid_with(**longer), tmp_path / "grown.zarr", listener=events.append)
    assert points_done(events) == 3
    run(grid_with(**longer), tmp_path / "fresh.zarr")
    after = load(tmp_path / "grown.zarr")
    assert_same(after, load(tmp_path / "fresh.zarr"))
    old = after["walk"].to_dataset()["distance"].isel(realisation=slice(2), step=slice(4))
    np.testing.assert_array_equal(old, before["distance"])


@pytest.mark.parametrize("older", [False, True])
def test_checkpoints_stay_with_their_points_when_cells_change(
    older: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """New labels come between old ones, and every point gets longer: no block of a point is computed again.

    In a store of an earlier version each point has a file.
    """

    def doze(sizes: list[int], steps: int) -> dict[str, Any]:
        return {"stages": {"doze": {"kernel": "toys:DOZE", "axes": {"size": sizes}, "params": {"steps": steps}}}}

    place = tmp_path / "grown.zarr"
    run(grid_with(**doze([2, 4, 6, 8, 10], 3)), place)
    (file,) = (place / ".sweep/states/doze").iterdir()
    if older:
        for key, (blocks, (state,)) in unpack(file.read_bytes(), file.name).items():
            with file.with_name(key).open("wb") as single:
                np.savez(single, blocks=blocks, **{"0": state})
        file.unlink()
    (tmp_path / "computed").mkdir()
    monkeypatch.setenv("TOY_MARKER", str(tmp_path / "computed"))
    longer = doze([1, 2, 3, 4, 5, 6, 7, 8, 10, 12], 5)
    run(grid_with(**longer), place)
    computed = {path.name for path in (tmp_path / "computed").iterdir()}
    assert not computed & {f"{size}.{block}" for size in (2, 4, 6, 8, 10) for block in range(3)}
    assert len(list((place / ".sweep/states/doze").iterdir())) == 2, "for ten points in cells of five"
    monkeypatch.delenv("TOY_MARKER")
    run(grid_with(**longer), tmp_path / "fresh.zarr")
    assert_same(load(place), load(tmp_path / "fresh.zarr"))


def test_a_new_stage_joins(tmp_path: Path) -> None:
    run(grid_with(**throw()), tmp_path / "grown.zarr")
    events: list[Event] = []
    run(grid_with(**walk()), tmp_path / "grown.zarr", listener=events.append)
    assert points_done(events) == 2
    run(grid_with(**walk()), tmp_path / "fresh.zarr")
    assert_same(load(tmp_path / "grown.zarr"), load(tmp_path / "fresh.zarr"))


def files_of(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("changed", "difference"),
    [
        (walk() | {"seed": 8}, "stages.throw.seed was 7, is 8"),
        (walk(axes={"size": [3], "realisation": 2, "seconds": [1e-5]}), "stages.walk.axes was"),
        (walk(params={"steps": 4, "seconds": 2e-5}), "stages.walk.params.seconds was 1e-05, is 2e-05"),
    ],
)
def test_another_grid_is_refused_with_what_differs_and_the_ways_out(
    changed: dict[str, Any], difference: str, tmp_path: Path
) -> None:
    run(grid_with(**walk()), tmp_path / "toy.zarr")
    before = files_of(tmp_path)
    with pytest.raises(SweepError) as caught:
        launch(grid_with(**changed), str(tmp_path / "toy.zarr"))
    text = str(caught.value)
    assert difference in text
    assert all(way in text for way in ("put the grid back", "--store", "rename the changed stages"))
    assert files_of(tmp_path) == before


def test_data_that_were_trained_on_may_not_grow_under_the_training(tmp_path: Path) -> None:
    run(grid_with(**walk()), tmp_path / "toy.zarr")
    grown = walk()
    grown["stages"]["throw"]["axes"] = {"size": [3, 6], "temperature": [0.0, 0.25, 0.5, 1.0]}
    with pytest.raises(SweepError, match=r"stages\.walk\.inputs\.data\.labels\.temperature was"):
        launch(grid_with(**grown), str(tmp_path / "toy.zarr"))


def test_a_stage_with_nothing_computed_may_still_change(tmp_path: Path) -> None:
    failing = walk(kernel="toys:BROKEN")
    assert not launch(grid_with(**failing), str(tmp_path / "toy.zarr")).complete
    run(grid_with(**walk()), tmp_path / "toy.zarr")
    run(grid_with(**walk()), tmp_path / "fresh.zarr")
    assert_same(load(tmp_path / "toy.zarr"), load(tmp_path / "fresh.zarr"))


@pytest.mark.parametrize("count", [2, 10], ids=["within the first block", "within a later one"])
def test_a_cut_point_that_is_not_wanted_when_the_others_get_longer(count: int, tmp_path: Path) -> None:
    """Its last block was cut: it is not called done any more, and is made complete when it is wanted again."""
    axes = {"size": [3, 6], "temperature": [0.0, 0.5]}
    run(grid_with(**throw(params={"throws": count})), tmp_path / "grown.zarr")
    run(grid_with(**throw(axes=axes, params={"throws": 23})), tmp_path / "grown.zarr")
    assert not load(tmp_path / "grown.zarr")["throw"]["done"].sel(temperature=1.0).any()
    assert verify_store(Store(Location(str(tmp_path / "grown.zarr"))), everything=True).findings == ()
    run(grid_with(**throw(params={"throws": 23})), tmp_path / "grown.zarr")
    run(grid_with(**throw(params={"throws": 23})), tmp_path / "fresh.zarr")
    assert_same(load(tmp_path / "grown.zarr"), load(tmp_path / "fresh.zarr"))


def test_what_a_user_put_beside_the_stages_stays(tmp_path: Path) -> None:
    store = tmp_path / "toy.zarr"
    run(grid_with(**throw()), store)
    mine = xr.Dataset({"fit": ("parameter", [1.0, 2.0])})
    mine.to_zarr(store, group="mine", consolidated=False)
    larger, _ = CASES["a temperature between old ones"]
    run(grid_with(**larger), store)
    with xr.open_zarr(store, group="mine", consolidated=False) as found:
        xr.testing.assert_equal(found, mine)
