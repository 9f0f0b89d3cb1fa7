"""An extension that is cut short while the store is laid out binds nobody: any other grid that fits may follow."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from launching import assert_same, grid_with, load, run

import sweep.store.storage
import sweep.store.store
from sweep.grid.grid import Grid

COARSE = [0.0, 0.5, 1.0]
FINER = [0.0, 0.25, 0.5, 0.75, 1.0, 2.0]


def throws(temperatures: list[float], count: int = 10, sizes: tuple[int, ...] = (3, 6)) -> Grid:
    axes = {"size": list(sizes), "temperature": temperatures}
    return grid_with(stages={"throw": {"kernel": "toys:THROW", "axes": axes, "params": {"throws": count}}})


def cut_short(patch: pytest.MonkeyPatch, grid: Grid, store: Path, after: int) -> None:
    """Launch, and die when so many arrays are laid out."""
    lay_out, count = sweep.store.store.require_array, 0

    def dying(*arguments: Any) -> None:
        nonlocal count
        lay_out(*arguments)
        count += 1
        if count == after:
            raise KeyboardInterrupt

    with patch.context() as inner:
        inner.setattr(sweep.store.store, "require_array", dying)
        with pytest.raises(KeyboardInterrupt):
            run(grid, store)


@pytest.mark.parametrize("after", [1, 4, 8, 11])
@pytest.mark.parametrize(
    "then",
    [throws(COARSE), throws([*COARSE, 3.0]), throws(COARSE, 14), throws(COARSE, 10, (3, 6, 4))],
    ids=["as before", "another temperature", "fewer throws", "another size"],
)
def test_another_grid_after_an_extension_cut_short(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: int, then: Grid
) -> None:
    run(throws(COARSE), tmp_path / "toy.zarr")
    cut_short(monkeypatch, throws(FINER, 18, (3, 6, 12)), tmp_path / "toy.zarr", after)
    run(then, tmp_path / "toy.zarr")
    run(then, tmp_path / "fresh.zarr")
    assert_same(load(tmp_path / "toy.zarr"), load(tmp_path / "fresh.zarr"))


def test_a_resume_needs_room_for_the_rest_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(throws(COARSE), tmp_path / "toy.zarr")
    usage = shutil.disk_usage(tmp_path)._replace(free=1)
    monkeypatch.setattr(sweep.store.storage.shutil, "disk_usage", lambda path: usage)
    run(throws(COARSE), tmp_path / "toy.zarr")
