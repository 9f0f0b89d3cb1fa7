"""What is damaged in a store is found, named, and after a repair and a launch as it was."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import toys
import zarr
from launching import assert_same, grid_with, load, run

from sweep.errors import SweepError
from sweep.store.checkpoint import pack_state
from sweep.store.lease import Lease
from sweep.store.root import write_root
from sweep.store.storage import Location
from sweep.store.store import Store
from sweep.verify import Finding, Remedy, verify_store

ENERGY = "throw/energy"


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("healthy") / "toy.zarr"
    run(grid_with(), path)
    return path


@pytest.fixture
def store(healthy: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(healthy, tmp_path / "toy.zarr"))


def verify(path: Path, **options: bool) -> list[Finding]:
    return verify_store(Store(Location(str(path))), **options)


def chunk(path: Path, array: str) -> Path:
    return next(file for file in sorted((path / array / "c").rglob("*")) if file.is_file())


def flip(file: Path) -> None:
    raw = bytearray(file.read_bytes())
    raw[len(raw) // 2] ^= 1
    file.write_bytes(raw)


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-3])


def array(path: Path, name: str) -> zarr.Array:
    found = zarr.open_group(path, mode="r+")[name]
    assert isinstance(found, zarr.Array)
    return found


def test_a_healthy_store(store: Path) -> None:
    before = {file: file.stat().st_mtime_ns for file in store.rglob("*") if file.is_file()}
    assert verify(store) == []
    assert verify(store, everything=True) == []
    assert {file: file.stat().st_mtime_ns for file in store.rglob("*") if file.is_file()} == before


def test_a_store_that_grew_and_one_that_is_not_complete(store: Path) -> None:
    """Labels out of order, results of two lengths, points that nobody wants any more, points not yet done."""
    axes = {"size": [6, 4], "temperature": [1.0, 0.1, 0.5]}
    larger = {"stages": {"throw": {"kernel": "toys:THROW", "axes": axes, "params": {"throws": 23}}}}
    run(grid_with(**larger), store)
    assert verify(store, everything=True) == []
    opened = Store(Location(str(store)))
    opened.reset("throw", (slice(0, 1), slice(0, 5)))
    shutil.rmtree(store / "throw" / "energy" / "c" / "0")
    assert verify(store, everything=True) == []


def _state(path: Path) -> Path:
    return min((path / ".sweep" / "states" / "walk").iterdir())


def _edit_label(path: Path) -> None:
    array(path, "throw/size=3/temperature")[4] = 9.0


def _edit_units(path: Path) -> None:
    document = path / ENERGY / "zarr.json"
    document.write_text(document.read_text().replace('"units": "J"', '"units": "eV"'))


DAMAGES: dict[str, tuple[Callable[[Path], None], str, str]] = {
    "a flipped byte": (lambda path: flip(chunk(path, ENERGY)), f"{ENERGY}/c/", "cannot be read"),
    "a truncated chunk": (lambda path: cut(chunk(path, ENERGY)), f"{ENERGY}/c/", "cannot be read"),
    "a chunk that is gone": (lambda path: chunk(path, ENERGY).unlink(), f"{ENERGY}/c/", "is missing"),
    "a flipped byte in done": (lambda path: flip(chunk(path, "throw/done")), "throw/done", "cannot be read"),
    "a flipped byte in blocks": (lambda path: flip(chunk(path, "throw/blocks")), "throw/done", "cannot be read"),
    "blocks that are gone": (lambda path: chunk(path, "throw/blocks").unlink(), "throw/blocks", "is 0 where"),
    "a checkpoint": (lambda path: cut(_state(path)), ".sweep/states/walk/", "checkpoint cannot be read"),
    "a label": (_edit_label, "throw/size=3/temperature", "label 4 is 9.0; wanted 1.0"),
    "a label's chunk": (lambda path: flip(chunk(path, "walk/step")), "walk/step", "cannot be read"),
    "metadata": (_edit_units, f"{ENERGY}/zarr.json", "is not what the root's copy of it says"),
    "metadata that are gone": (lambda path: (path / ENERGY / "zarr.json").unlink(), ENERGY, "is missing or unreadable"),
}


@pytest.mark.parametrize("damage", list(DAMAGES))
def test_damage_is_found_and_mended(damage: str, healthy: Path, store: Path) -> None:
    harm, path, what = DAMAGES[damage]
    harm(store)
    found = verify(store)
    assert [(finding.path.startswith(path), what in finding.what) for finding in found] == [(True, True)], found
    assert verify(store, repair=True) == found
    run(grid_with(), store)
    assert verify(store, everything=True) == []
    assert load(store).identical(load(healthy)), "attributes too"
    assert "eV" not in (store / ENERGY / "zarr.json").read_text()


def test_a_wrong_value_with_a_right_checksum(healthy: Path, store: Path) -> None:
    """Only computing again can tell; by default one point of each stage is, the first of the cheapest."""
    energy = array(store, ENERGY)
    energy[0, 3, 7] = np.nextafter(energy[0, 3, 7], 9.0)
    assert verify(store) == []
    (finding,) = verify(store, everything=True)
    assert str(finding) == (
        "throw: energy is not what comes out when it is computed again (block 1) (at size 3, temperature 0.75)"
    )
    verify(store, everything=True, repair=True)
    run(grid_with(), store)
    assert load(store).identical(load(healthy))


def test_the_cheap_check_computes_a_point_of_every_stage(store: Path) -> None:
    for name in ("throw/energy", "walk/size=3/position", "walk/size=6/position"):
        values = array(store, name)
        values[...] = np.asarray(values[...]) + 1
    assert [finding.stage for finding in verify(store)] == ["throw"], "what reads it waits"
    values = array(store, "throw/energy")
    values[...] = np.asarray(values[...]) - 1
    assert [finding.stage for finding in verify(store)] == ["walk"]


def test_a_wrong_checkpoint_with_a_right_form(healthy: Path, store: Path) -> None:
    opened = Store(Location(str(store)))
    key = _state(store).name
    blocks, (position,) = opened.load_state("walk", key) or (0, ())
    opened.location.put(f".sweep/states/walk/{key}", pack_state(blocks, (position + 1e-9,)))
    (finding,) = verify(store, everything=True)
    assert "the checkpoint is not the state" in finding.what
    verify(store, everything=True, repair=True)
    run(grid_with(), store)
    assert (store / ".sweep" / "states" / "walk" / key).read_bytes() == (
        healthy / ".sweep" / "states" / "walk" / key
    ).read_bytes()


def test_all_damage_at_once_in_one_repair(healthy: Path, store: Path) -> None:
    flip(chunk(store, "throw/size=6/faces"))
    chunk(store, "walk/size=6/position").unlink()
    _edit_label(store)
    cut(_state(store))
    assert len(verify(store, repair=True)) == 4
    run(grid_with(), store)
    assert verify(store, everything=True) == []
    assert_same(load(store), load(healthy))


def test_another_environment_is_named_and_nothing_is_taken_back(store: Path) -> None:
    root = Store(Location(str(store))).root
    packages = {**root.attributes["packages"], "numpy": "1.0"}
    write_root(Location(str(store)), replace(root, attributes={**root.attributes, "packages": packages}))
    assert verify(store, everything=True) == []
    energy = array(store, ENERGY)
    energy[0, 0, 0] = energy[0, 0, 0] + 1
    (finding,) = verify(store, everything=True, repair=True)
    assert "made with numpy 1.0" in finding.what
    assert finding.remedy is Remedy.none
    assert Store(Location(str(store))).done("throw").all()


def test_another_version_of_a_kernel_is_not_compared(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(toys, "THROW", replace(toys.THROW, version=2))
    findings = verify(store)
    assert [finding.remedy for finding in findings] == [Remedy.none]
    assert "made by version 1 of kernel throw" in findings[0].what


@pytest.fixture
def launch_at_work(store: Path) -> Iterator[None]:
    with Lease(Location(str(store)), {}):
        yield


@pytest.mark.usefixtures("launch_at_work")
def test_a_repair_waits_for_a_launch(store: Path) -> None:
    flip(chunk(store, ENERGY))
    assert len(verify(store)) == 1
    with pytest.raises(SweepError, match="another launch is writing here"):
        verify(store, repair=True)
    assert Store(Location(str(store))).done("throw").all()


def test_no_store_and_a_root_that_cannot_be_read(store: Path, tmp_path: Path) -> None:
    with pytest.raises(SweepError, match="there is no store here"):
        verify(tmp_path / "nowhere.zarr")
    cut(store / "zarr.json")
    cut(store / ".sweep/root")
    with pytest.raises(SweepError, match=r"zarr\.json cannot be read"):
        verify(store)
