"""Damage that a store can take, each kind found, each mended by a repair and a launch."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import zarr
from launching import assert_same, grid_with, load, run

from sweep.storage import Location
from sweep.store import Store
from sweep.verify import verify_store


def chunk(store: Path) -> Path:
    return next(path for path in sorted((store / "throw" / "energy" / "c").rglob("*")) if path.is_file())


def flip_a_byte(store: Path) -> None:
    path = chunk(store)
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.write_bytes(raw)


def cut_short(store: Path) -> None:
    path = chunk(store)
    path.write_bytes(path.read_bytes()[:10])


def remove(store: Path) -> None:
    chunk(store).unlink()


def change_a_value(store: Path) -> None:
    """A wrong value with a right checksum: only computing it again can tell."""
    array = zarr.open_array(str(store), path="throw/energy", mode="r+")
    array[0, 0, 0] = np.asarray(array[0, 0, 0]) + 1


DAMAGES: dict[Callable[[Path], None], str] = {
    flip_a_byte: "cannot be read",
    cut_short: "cannot be read",
    remove: "is missing",
    change_a_value: "energy come out otherwise",
}


@pytest.mark.parametrize("damage", list(DAMAGES), ids=lambda damage: damage.__name__)
def test_damage_is_found_and_mended(damage: Callable[[Path], None], tmp_path: Path) -> None:
    path = tmp_path / "toy.zarr"
    run(grid_with(), path)
    before = load(path)
    damage(path)
    everything = damage is change_a_value
    findings = verify_store(Store(Location(str(path))), everything=everything)
    assert DAMAGES[damage] in str(findings[0])
    assert findings[0].stage == "throw"
    verify_store(Store(Location(str(path))), everything=everything, repair=True)
    run(grid_with(), path)
    assert_same(load(path), before)


def test_whole_store_has_no_findings(tmp_path: Path) -> None:
    run(grid_with(), tmp_path / "toy.zarr")
    assert verify_store(Store(Location(str(tmp_path / "toy.zarr"))), everything=True) == []


def test_edited_coordinate_is_found(tmp_path: Path) -> None:
    run(grid_with(), tmp_path / "toy.zarr")
    zarr.open_array(str(tmp_path / "toy.zarr"), path="throw/temperature", mode="r+")[0] = 9.0
    findings = verify_store(Store(Location(str(tmp_path / "toy.zarr"))))
    assert any("throw/temperature does not hold the labels" in str(finding) for finding in findings)
