"""How far points are is read past Zarr: it must be what Zarr reads, and damage must be found where Zarr finds it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from launching import grid_with, run

from sweep.store.storage import Location
from sweep.store.store import Store

CHUNK = "throw/done/c/1/0"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a store with a chunk for every two points, the last one cut by the edge, and one chunk missing."""
    monkeypatch.setattr("sweep.planning.cells.CELL_SECONDS", 2.2e-4)
    run(grid_with(), tmp_path / "toy.zarr")
    (tmp_path / "toy.zarr" / "throw" / "done" / "c" / "0" / "0").unlink()
    return tmp_path / "toy.zarr"


def arrays(place: Path) -> Iterator[tuple[str, Any]]:
    store = Store(Location(str(place)))
    for stage in ("throw", "walk"):
        for name in ("done", "blocks"):
            yield f"{stage}/{name}", (getattr(store.progress(stage), name), store.array(f"{stage}/{name}"))


def test_it_is_what_zarr_reads(place: Path) -> None:
    for path, (found, array) in arrays(place):
        assert max(array.cdata_shape) > 2, path
        assert (found.dtype, found.shape) == (array.dtype, array.shape)
        np.testing.assert_array_equal(found, array[...], path)
    progress = Store(Location(str(place))).progress("throw")
    assert not progress.done.all()
    assert progress.whole.all(), "what is missing is not damaged"


@pytest.mark.parametrize("what", ["flipped", "cut", "emptied"])
def test_damage_is_found_where_it_is(place: Path, what: str) -> None:
    raw = bytearray((place / CHUNK).read_bytes())
    raw[len(raw) // 2] ^= 1
    (place / CHUNK).write_bytes({"flipped": raw, "cut": raw[:-5], "emptied": b""}[what])
    progress, array = Store(Location(str(place))).progress("throw"), Store(Location(str(place))).array("throw/done")
    with pytest.raises((ValueError, RuntimeError)):
        array[...]
    damaged = np.zeros(progress.whole.shape, bool)
    damaged[1, : array.chunks[1]] = True
    np.testing.assert_array_equal(progress.whole, ~damaged)
    assert not progress.done[damaged].any()
